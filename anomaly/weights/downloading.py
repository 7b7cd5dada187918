"""Bringing a weights file here: to a temporary name first, resumed where it broke off, checked, then renamed."""

import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
from filelock import FileLock
from tenacity import (
    RetryCallState,
    Retrying,
    before_sleep_log,
    retry_if_exception,
    wait_random_exponential,
)

from anomaly.errors import WeightsError
from anomaly.weights.entry import Entry
from anomaly.weights.verifying import verify

log = logging.getLogger(__name__)

Told = Callable[[int, int | None], None]
"""Is told the bytes that are here, and of how many where that is known."""

LOCKED_S = 3600.0
"""So long another's download is waited for: where a file system has no locks, one that crashed leaves its own."""

TIMEOUT = httpx.Timeout(30.0)
_RESPONSES = (408, 425, 429, 500, 502, 503, 504)


def fetch(
    entry: Entry,
    folder: Path,
    *,
    token: str | None = None,
    told: Told = lambda done, total: None,
    tries: int = 6,
    wait_s: float = 1.0,
    hub: str | None = None,
) -> Path:
    """Return the file of `entry` in `folder`, downloaded if it is not there yet.

    Whoever else fetches it at the same time, in whatever process, waits for the first. A broken download is
    tried again, first after about `wait_s`, until `tries` of them in a row brought nothing, and goes on where
    it broke off, even in another process. `token` is Hugging Face's, for a gated repository, and `hub` a
    mirror's address. What is here at last has the size and the hash that `entry` knows. Raises `WeightsError`
    that says what to do.
    """
    target = folder / entry.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock"), timeout=LOCKED_S):
            if target.is_file() and entry.size_bytes in (None, target.stat().st_size):
                return target
            _check_room(entry, target)
            log.info("downloading %s from %s to %s", entry.file, entry.origin, target.parent)
            if entry.from_hub:
                return _from_hub(entry, folder, token, hub)
            return _from_url(entry, target, told, tries, wait_s)
    except OSError as error:
        raise WeightsError(
            f"{entry.file} could not be written ({error.strerror or error}): let the folder for downloads be"
            " writable and have room, or put the file where it is looked for."
        ) from error


def _check_room(entry: Entry, target: Path) -> None:
    if entry.size_bytes is None:
        return
    part = _part(target)
    missing = entry.size_bytes - (part.stat().st_size if part.is_file() else 0)
    free = shutil.disk_usage(target.parent).free
    if missing > free:
        raise WeightsError(
            f"{entry.file} needs {missing / 1e9:.1f} GB more and the disk has {free / 1e9:.1f} GB free: make"
            " room, or take a larger volume."
        )


def _from_hub(entry: Entry, folder: Path, token: str | None, hub: str | None) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        path = Path(
            hf_hub_download(
                str(entry.repo),
                entry.file,
                revision=entry.revision,
                local_dir=folder,
                token=token or False,
                endpoint=hub,
            )
        )
    except GatedRepoError as error:
        raise WeightsError(
            f"{entry.origin} is gated: accept the licence at https://huggingface.co/{entry.repo}, and set"
            " HF_TOKEN to a token of that account."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError) as error:
        raise _unreachable(entry, error) from error
    _checked(path, entry)
    return path


def _from_url(entry: Entry, target: Path, told: Told, tries: int, wait_s: float) -> Path:
    if entry.url is None:
        raise WeightsError(
            f"{entry.file} is nowhere at hand, and no address is known to download it from: put it beside"
            " SAM_MODEL_PATH, into models/, or on the volume."
        )
    part = _part(target)
    resumed = part.is_file()
    try:
        _received(entry, part, told, tries, wait_s)
        _checked(part, entry)
    except WeightsError:
        if not resumed or part.is_file():
            raise
        # What an earlier process left was of another file: once more, from the start.
        log.warning("what was left of an earlier download of %s does not fit; starting anew", entry.file)
        _received(entry, part, told, tries, wait_s)
        _checked(part, entry)
    os.replace(part, target)
    return target


def _checked(path: Path, entry: Entry) -> None:
    try:
        verify(path, entry)
    except WeightsError:
        path.unlink()
        raise


def _received(entry: Entry, part: Path, told: Told, tries: int, wait_s: float) -> None:
    retrying = Retrying(
        stop=_stalled(part, tries),
        wait=wait_random_exponential(multiplier=wait_s, max=30.0),
        retry=retry_if_exception(_passing),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
            retrying(_continue, client, entry, part, told)
    except httpx.HTTPError as error:
        raise _unreachable(entry, error) from error


def _stalled(part: Path, tries: int) -> Callable[[RetryCallState], bool]:
    """Return whether `tries` tries in a row brought nothing: one that brought something begins the count anew."""
    had, in_vain = 0, 0

    def stop(_: RetryCallState) -> bool:
        nonlocal had, in_vain
        has = part.stat().st_size if part.is_file() else 0
        had, in_vain = (has, 1) if has > had else (had, in_vain + 1)
        return in_vain >= tries

    return stop


def _continue(client: httpx.Client, entry: Entry, part: Path, told: Told) -> None:
    """Download what is missing of `part`, or all of it where the server gives no part of a file."""
    have = part.stat().st_size if part.is_file() else 0
    # A compressed answer would be counted in other bytes than the file's.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", str(entry.url), headers=headers) as response:
        if response.status_code == 416:  # nothing is behind what we have, or it is not of this file
            if have == _whole(response):
                return
            part.unlink()
            raise httpx.RemoteProtocolError("the server's file is shorter than what is here")
        response.raise_for_status()
        goes_on = response.status_code == 206 and _begins_at(response) == have
        have = have if goes_on else 0
        length = response.headers.get("content-length", "")
        total = have + int(length) if length.isdigit() else entry.size_bytes
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                told(have, total)
    if total is not None and have < total:
        raise httpx.RemoteProtocolError(f"{have} of {total} bytes came")


def _begins_at(response: httpx.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(found[1]) if found else None


def _whole(response: httpx.Response) -> int | None:
    found = re.match(r"bytes \*/(\d+)", response.headers.get("content-range", ""))
    return int(found[1]) if found else None


def _passing(error: BaseException) -> bool:
    """Whether another try may succeed."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _RESPONSES
    return isinstance(error, httpx.TransportError)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _unreachable(entry: Entry, error: Exception) -> WeightsError:
    log.warning("%s: %s", entry.file, error)
    said = f" (HTTP {error.response.status_code})" if isinstance(error, httpx.HTTPStatusError) else ""
    return WeightsError(
        f"{entry.file} could not be downloaded from {entry.origin}{said}: connect this machine to the internet"
        " for the first start, or put the file into models/ or on the volume; models/README.md says where it"
        " comes from."
    )
