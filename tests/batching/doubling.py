"""A model that doubles numbers, and the results of what was queued for it."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from anomaly.batching import Batcher
from anomaly.errors import OutOfMemory


class Model:
    """Doubles numbers, records its batches, and can be held, starved of memory or poisoned."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Event()
        self.most = 1000
        self.poison: int | None = None

    def run(self, items: Sequence[int]) -> list[int]:
        """Answer a batch as its state says."""
        self.batches.append(list(items))
        self.entered.set()
        assert self.free.wait(10)
        if len(items) > self.most:
            raise OutOfMemory("too many")
        if self.poison in items:
            raise ZeroDivisionError("a secret detail")
        return [2 * item for item in items]

    def hold(self, batcher: "Batcher[int, int]") -> "Future[int]":
        """Occupy the thread with one item until `free` is set."""
        self.free.clear()
        self.entered.clear()
        [future] = batcher.submit([0])
        assert self.entered.wait(10)
        return future


def results(futures: "Sequence[Future[int]]") -> list[int]:
    """Wait for every result."""
    return [future.result(timeout=10) for future in futures]
