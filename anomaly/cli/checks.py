"""What has to be right for the server to start, each as a sentence with its remedy."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anomaly import machine
from anomaly.bootstrap import manifest, places, tables
from anomaly.bootstrap.choice import choose
from anomaly.bootstrap.files import Files
from anomaly.bootstrap.present import installed, look
from anomaly.bootstrap.steps import Steps
from anomaly.errors import AnomalyError
from anomaly.settings import Settings
from anomaly.weights import find, reference

RAM_MB = 2048
"""The light install serves the embedded default within about a quarter of it."""

ROOM_MB = 512
"""For logs, results of jobs and uploads."""


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was seen, and, where something is to be done, what."""

    what: str
    state: State
    said: str
    mend: str = ""


def checks(settings: Settings) -> Iterator[Check]:
    """Look at everything that needs no model; yield what was seen."""
    yield _python()
    yield _device(settings)
    yield from _models(settings)
    yield from _files(settings)
    yield from _ports(settings)
    yield from _disk(settings)
    yield from _storage(settings)
    yield _machine()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Check("python", State.GOOD, version)
    return Check("python", State.BAD, f"{version} is not supported", "use Python 3.11 or 3.12")


def _device(settings: Settings) -> Check:
    if not installed("torch"):
        return Check(
            "device",
            State.NOTE,
            "torch is not installed: the embedded crack finder serves, on the CPU",
            "`make run FULL=1` installs RF-DETR and SAM",
        )
    from anomaly.backends.device import gpu, place

    try:
        placement = place(settings.device, settings.precision)
    except AnomalyError as error:
        return Check("device", State.BAD, str(error), "set DEVICE=auto, or mend the driver (`nvidia-smi`)")
    card = gpu(settings.device) if placement.on_gpu else None
    if card is None:
        return Check(
            "device",
            State.NOTE,
            "no NVIDIA card: models run on the CPU, SAM slowly",
            "where there is one, `nvidia-smi` has to show it, in a container too (`--gpus all`)",
        )
    return Check(
        "device",
        State.GOOD,
        f"{card.name}, {card.free_mb / 1024:.1f} of {card.total_mb / 1024:.1f} GB free, {placement.precision}",
    )


def _models(settings: Settings) -> Iterator[Check]:
    table = tables.variants()
    files = Files(places(settings), Steps({}), may_download=False)
    named = settings.detector_weights
    local = named is not None and reference(str(named), "DETECTOR_WEIGHTS") is None
    if named is not None and local and not Path(named).is_file():
        yield Check(
            "detector",
            State.BAD,
            f"DETECTOR_WEIGHTS={named} is no file",
            "name one that is there, or unset it",
        )
        return
    try:
        present = look(settings, table, files)
    except AnomalyError as error:
        yield Check("models", State.BAD, str(error), "mend what the sentence names")
        return
    chosen = choose(settings, present)
    yield Check("detector", State.GOOD, f"{chosen.detector}. {chosen.why_detector}")
    yield Check("segmenter", State.GOOD, f"{chosen.segmenter}. {chosen.why_segmenter}")
    for trouble in present.troubles:
        yield Check("weights", State.NOTE, trouble, "`anomaly weights verify` tells what the file is")


def _files(settings: Settings) -> Iterator[Check]:
    where = places(settings)
    for entry in manifest():
        found = find(entry, where)
        if found is None:
            continue
        size = found.path.stat().st_size
        if entry.size_bytes not in (None, size):
            yield Check(
                "weights",
                State.BAD,
                f"{found.path} has {size:,} bytes and should have {entry.size_bytes:,}",
                f"delete it, and `anomaly weights fetch {entry.name}`",
            )
        else:
            yield Check("weights", State.GOOD, f"{entry.name}: {found.path} ({found.source})")


def _ports(settings: Settings) -> Iterator[Check]:
    for name, port in (("API_PORT", settings.http_port), ("PORT_HEALTH", settings.pulse_port)):
        if not port:
            continue
        family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((settings.api_host, port))
            except OSError as error:
                yield Check(
                    "port",
                    State.BAD,
                    f"{settings.api_host}:{port} cannot be listened on: {error.strerror}",
                    f"end what listens there (`ss -ltnp`), or set {name} to another",
                )
            else:
                yield Check("port", State.GOOD, f"{settings.api_host}:{port} is free")


def _disk(settings: Settings) -> Iterator[Check]:
    where = places(settings)
    missing = sum(each.size_bytes or 0 for each in manifest() if not each.gated and find(each, where) is None)
    for what, folder, needed_mb, remedy in (
        ("disk", Path(tempfile.gettempdir()), ROOM_MB, "make room, or set TMPDIR to another disk"),
        (
            "disk",
            where.downloads,
            missing // 10**6,
            "make room, or mount a volume at VOLUME_PATH, for all weights",
        ),
    ):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        free_mb = shutil.disk_usage(there).free // 10**6
        said = f"{folder}: {free_mb / 1e3:.1f} GB free"
        if not os.access(there, os.W_OK):
            yield Check(what, State.NOTE, f"{there} cannot be written to", "let it be writable for downloads")
        elif free_mb < needed_mb:
            yield Check(what, State.NOTE, f"{said}, and {needed_mb / 1e3:.1f} GB may be needed", remedy)
        else:
            yield Check(what, State.GOOD, said)


def _storage(settings: Settings) -> Iterator[Check]:
    if settings.storage is None:
        return
    from anomaly.storage import Bucket

    target = settings.storage
    try:
        next(Bucket(target).list(), None)
    except AnomalyError as error:
        yield Check(
            "storage", State.BAD, str(error), "mend the BUCKET_ variables and S3_BUCKET, or unset them"
        )
    else:
        yield Check("storage", State.GOOD, f"bucket {target.bucket} at {target.host} can be read")


def _machine() -> Check:
    free = machine.free_bytes()
    if free is None:
        return Check(
            "machine",
            State.NOTE,
            "this system does not tell how much memory is free",
            f"see that {RAM_MB / 1024:g} GB are",
        )
    told = f"{free / 2**30:.1f} GB of memory available, and {machine.cores()} cores"
    if free < RAM_MB * 2**20:
        return Check("machine", State.NOTE, told, "end other programs, or take a larger machine or container")
    return Check("machine", State.GOOD, told)
