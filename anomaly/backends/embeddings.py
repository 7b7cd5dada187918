"""What models computed of photographs, kept for when the same are asked for again.

With another threshold, other prompts or masks on, the same photograph then costs no encoder. What is kept
stays where the model computed it. Most photographs are asked for once: moving the embeddings of each to the
host, 8 to 21 MB, would charge all of them a transfer and a wait to spare the few that come again.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cachetools import LRUCache

from anomaly.errors import OutOfMemory

log = logging.getLogger(__name__)

T = TypeVar("T")
Kept = tuple[Any, ...]
"""Arrays or tensors of one photograph, in memory of their own."""


@dataclass(frozen=True, slots=True)
class EmbeddingStats:
    """`hits` and `misses` count named photographs that a model was to see; the sizes are bytes."""

    hits: int
    misses: int
    entries: int
    size_bytes: int
    limit_bytes: int


class Embeddings:
    """At most `limit_mb` megabytes (2**20 bytes); what was asked for least recently goes first.

    The model thread computes, any thread may read the statistics.
    """

    def __init__(self, limit_mb: int = 0) -> None:
        self._kept: LRUCache[tuple[str, str], Kept] = LRUCache(limit_mb * 2**20, getsizeof=_size_bytes)
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    @property
    def on(self) -> bool:
        """Whether anything is ever kept."""
        return self._kept.maxsize > 0

    def of(
        self, model: str, keys: Sequence[str], compute: Callable[[list[int]], Sequence[Kept]]
    ) -> list[Kept]:
        """Return what `model` makes of each photograph, in the order of `keys`.

        `compute` is given the places of those that are not known, if there are any, and returns theirs in
        order. An empty key is never known; the same key twice is computed once.
        """
        with self._lock:
            known = {key: self._kept[model, key] for key in keys if (model, key) in self._kept}
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        missing = [
            place for place, key in enumerate(keys) if not key or (key not in known and first[key] == place)
        ]
        computed = dict(zip(missing, compute(missing), strict=True)) if missing else {}
        with self._lock:
            self._hits += len(keys) - len(missing)
            self._misses += sum(bool(keys[place]) for place in missing)
            for place, value in computed.items():
                if keys[place] and _size_bytes(value) <= self._kept.maxsize:
                    self._kept[model, keys[place]] = value
        return [
            computed[place] if place in computed else known[key] if key in known else computed[first[key]]
            for place, key in enumerate(keys)
        ]

    def relieved(self, run: Callable[[], T]) -> T:
        """Return what `run` returns; where memory does not suffice, let go of what is kept and run it again.

        Raises `OutOfMemory` where nothing was kept, or where that did not help.
        """
        try:
            return run()
        except OutOfMemory:
            if not self.clear():
                raise
        # Outside the handler: the error's frames hold what the first run had computed.
        log.warning("memory did not suffice; what was kept of earlier photographs is let go")
        return run()

    def clear(self) -> bool:
        """Let go of everything; return whether there was anything."""
        with self._lock:
            had = bool(self._kept)
            self._kept.clear()
            return had

    def stats(self) -> EmbeddingStats:
        """Return the counts since the start, and what is kept now."""
        with self._lock:
            return EmbeddingStats(
                self._hits,
                self._misses,
                len(self._kept),
                int(self._kept.currsize),
                int(self._kept.maxsize),
            )


def _size_bytes(kept: Kept) -> int:
    return sum(int(each.nbytes) for each in kept)
