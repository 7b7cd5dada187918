"""Findings that were answered before: the same photograph under the same options costs neither reading nor models.

Kept by content: the digest of the photograph's file, the options that change what is found, and the models.
How an answer is written (masks, pictures, tables) is not among them: it is written anew each time.
"""

import hashlib
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cachetools import LRUCache
from diskcache import Cache as Disk

from anomaly.types import Findings, Options

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
    so that nobody but the server may write into it. Safe between threads.
    """

    def __init__(self, limit_mb: int = 0, folder: Path | None = None) -> None:
        self._kept: LRUCache[str, Findings] = LRUCache(limit_mb * 2**20, getsizeof=_size_bytes)
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0
        self._disk: Disk | None = None
        if folder is not None and limit_mb > 0:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._disk = Disk(str(folder), size_limit=limit_mb * 2**20, eviction_policy="least-recently-used")

    @property
    def on(self) -> bool:
        """Whether anything is ever kept."""
        return self._kept.maxsize > 0

    def get(self, key: str) -> Findings | None:
        """Return what is kept under `key`, and count the hit or the miss."""
        with self._lock:
            found = self._kept.get(key)
            if found is None and self._disk is not None:
                found = self._disk.get(key)
                if isinstance(found, Findings):
                    self._put(key, found)
            if isinstance(found, Findings):
                self._hits += 1
                return found
            self._misses += 1
            return None

    def put(self, key: str, findings: Findings) -> None:
        """Keep findings, without their photograph; those that are larger than the whole are not kept."""
        lean = replace(findings, image=None)
        with self._lock:
            self._put(key, lean)
            if self._disk is not None:
                self._disk.set(key, lean)

    def stats(self) -> ResultStats:
        """Return what is kept, and how often it was of use."""
        with self._lock:
            return ResultStats(
                self._hits,
                self._misses,
                len(self._kept),
                int(self._kept.currsize),
                int(self._kept.maxsize),
                0 if self._disk is None else len(self._disk),
            )

    def close(self) -> None:
        """Let go of the folder."""
        if self._disk is not None:
            self._disk.close()

    def _put(self, key: str, findings: Findings) -> None:
        with suppress(ValueError):  # larger than the whole
            self._kept[key] = findings


def key_of(digest: str, options: Options, models: Mapping[str, object]) -> str:
    """Return the key of a photograph's findings: sha256 hex digits.

    `digest` is of its file, `models` whatever tells these models and their settings from others.
    """
    asked = (
        options.confidence_threshold,
        options.tiling,
        options.scale,
        options.standard,
        options.exposure,
    )
    return hashlib.sha256(repr((digest, asked, sorted(models.items()))).encode()).hexdigest()


def _size_bytes(findings: Findings) -> int:
    masks = [*(each.mask for each in findings.anomalies), *(each.mask for each in findings.structures)]
    lines = (line for each in findings.anomalies if each.geometry for line in each.geometry.centre_lines)
    bitmaps = sum(int(mask.bitmap.nbytes) for mask in masks if mask is not None)
    return bitmaps + sum(int(each.nbytes) for each in lines) + _DEFECT_BYTES * (1 + len(masks))
