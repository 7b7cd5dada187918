"""Findings that were answered before: the same photograph under the same options costs neither reading nor models.

Kept by content: the digest of the photograph's file, the options that change what is found, and the models.
How an answer is written (masks, pictures, tables) is not among them: it is written anew each time.
"""

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cachetools import LRUCache
from diskcache import Cache as Disk
from diskcache import Timeout

from anomaly import __version__
from anomaly.errors import ConfigurationError
from anomaly.types import Findings, Options

log = logging.getLogger(__name__)

MOST_UNWRITTEN = 256
"""Results that wait for the disk at most."""

_DEFECT_BYTES = 2048
"""About what a defect takes beside its arrays."""


@dataclass(frozen=True, slots=True)
class ResultStats:
    """`hits` and `misses` count photographs; sizes are bytes; `on_disk` those that a restart will find."""

    hits: int
    misses: int
    entries: int
    size_bytes: int
    limit_bytes: int
    on_disk: int


class Results:
    """At most `limit_mb` megabytes (2**20 bytes) in memory; what was asked for least recently goes first.

    With a `folder` as much again is kept there, and outlives the process; it is written and read with pickle,
    so that nobody but the server may write into it. Trouble with it is logged, and costs no answer. Safe
    between threads. Raises `ConfigurationError` where the folder cannot be had.
    """

    def __init__(self, limit_mb: int = 0, folder: Path | None = None) -> None:
        self._kept: LRUCache[str, Findings] = LRUCache(limit_mb * 2**20, getsizeof=_size_bytes)
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0
        self._disk: Disk | None = None
        # One thread writes: who puts may be an event loop, and a disk takes its time.
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="results")
        self._unwritten = threading.BoundedSemaphore(MOST_UNWRITTEN)
        if folder is not None and limit_mb > 0:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._disk = Disk(
                    str(folder), size_limit=limit_mb * 2**20, eviction_policy="least-recently-used"
                )
            except (OSError, sqlite3.Error, Timeout) as error:
                raise ConfigurationError(
                    f"results cannot be kept in {folder} ({error}); set RESULT_CACHE_PATH to a folder of this"
                    " server's own"
                ) from None

    @property
    def on(self) -> bool:
        """Whether anything is ever kept."""
        return self._kept.maxsize > 0

    def get(self, key: str) -> Findings | None:
        """Return what is kept under `key`, and count the hit or the miss."""
        with self._lock:
            found: Findings | None = self._kept.get(key)
        read = None if found is not None else self._read(key)
        with self._lock:
            if read is not None:
                self._put(key, read)
            found = found or read
            self._hits += found is not None
            self._misses += found is None
        return found

    def put(self, key: str, findings: Findings) -> None:
        """Keep findings, without their photograph and without how their masks were written.

        Those that are larger than the whole are not kept.
        """
        lean = replace(
            findings,
            image=None,
            anomalies=tuple(each._replace(written=None) for each in findings.anomalies),
            structures=tuple(each._replace(written=None) for each in findings.structures),
        )
        with self._lock:
            self._put(key, lean)
        # A disk that cannot follow keeps what it can.
        if self._disk is not None and self._unwritten.acquire(blocking=False):
            self._writing.submit(self._write, self._disk, key, lean)

    def _read(self, key: str) -> Findings | None:
        if self._disk is None:
            return None
        try:
            found = self._disk.get(key)
        except Exception as error:  # unpickling may raise anything
            log.warning("a kept result could not be read (%s)", type(error).__name__)
            return None
        return found if isinstance(found, Findings) else None

    def _write(self, disk: Disk, key: str, findings: Findings) -> None:
        try:
            disk.set(key, findings)
        except (OSError, sqlite3.Error, Timeout) as error:
            log.warning("a result could not be kept on disk (%s)", type(error).__name__)
        finally:
            self._unwritten.release()

    def stats(self) -> ResultStats:
        """Return what is kept, and how often it was of use."""
        on_disk = 0
        with suppress(OSError, sqlite3.Error, Timeout):
            on_disk = 0 if self._disk is None else len(self._disk)
        with self._lock:
            return ResultStats(
                self._hits,
                self._misses,
                len(self._kept),
                int(self._kept.currsize),
                int(self._kept.maxsize),
                on_disk,
            )

    def close(self) -> None:
        """Let go of the folder."""
        self._writing.shutdown()
        if self._disk is not None:
            self._disk.close()

    def _put(self, key: str, findings: Findings) -> None:
        with suppress(ValueError):  # larger than the whole
            self._kept[key] = findings


def key_of(digest: str, options: Options, models: Mapping[str, object]) -> str:
    """Return the key of a photograph's findings: sha256 hex digits.

    `digest` is of its file, `models` whatever tells these models and their settings from others. What another
    version of the program found, or pickled, is not found.
    """
    asked = (
        options.confidence_threshold,
        options.tiling,
        options.scale,
        options.standard,
        options.exposure,
    )
    return hashlib.sha256(repr((__version__, digest, asked, sorted(models.items()))).encode()).hexdigest()


def _size_bytes(findings: Findings) -> int:
    masks = [*(each.mask for each in findings.anomalies), *(each.mask for each in findings.structures)]
    lines = (line for each in findings.anomalies if each.geometry for line in each.geometry.centre_lines)
    bitmaps = sum(int(mask.bitmap.nbytes) for mask in masks if mask is not None)
    return bitmaps + sum(int(each.nbytes) for each in lines) + _DEFECT_BYTES * (1 + len(masks))
