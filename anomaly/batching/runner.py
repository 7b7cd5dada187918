"""Runs a batch, and gives each of its items a result or an error, whatever happens.

A batch that fails is split until the one bad item fails alone. A batch that ran out of memory is
halved, and the smaller size is kept for all that follow. After a device was lost nothing runs any more: every
item fails with that error, those that wait and those that come.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from anomaly.errors import AnomalyError, DeviceLost, ModelError, OutOfMemory

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry(Generic[Item, Result]):
    """An item that waits `since` then and until `deadline`, both on `time.monotonic()`'s clock, in `places` places."""

    item: Item
    future: "Future[Result]"
    deadline: float | None
    places: int
    since: float


class Runner(Generic[Item, Result]):
    """Runs batches on the thread that calls it.

    `max_batch` is the largest that fits, as far as is known; `lost` the error with which the device was lost, None
    while it works.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], max_batch: int) -> None:
        self.max_batch = max_batch
        self.lost: DeviceLost | None = None
        self._run = run

    def settle(self, batch: Sequence[Entry[Item, Result]]) -> None:
        """Give every future of the batch a result or an exception, whatever `run` does."""
        if self.lost is not None:
            _fail(batch, self.lost)
            return
        try:
            results = self._run([entry.item for entry in batch])
            if len(results) != len(batch):
                raise ModelError(f"the model answered {len(results)} of {len(batch)} photos")
        except DeviceLost as error:
            self.lost = DeviceLost(str(error))  # without the frames that hold the batch
            _fail(batch, self.lost)
            return
        except Exception as error:
            if isinstance(error, OutOfMemory) and len(batch) > 1:
                self.max_batch = max(1, len(batch) // 2)
                log.warning(
                    "out of memory at %d photos; batches of %d from now on", len(batch), self.max_batch
                )
            if len(batch) == 1:
                batch[0].future.set_exception(_blame(error))
                return
            middle = len(batch) // 2
            self.settle(batch[:middle])
            self.settle(batch[middle:])
            return
        for entry, result in zip(batch, results, strict=True):
            entry.future.set_result(result)


def _fail(batch: Sequence[Entry[Item, Result]], error: DeviceLost) -> None:
    for entry in batch:
        entry.future.set_exception(DeviceLost(str(error)))


def _blame(error: Exception) -> AnomalyError:
    """Return what the caller is told, without the frames that hold the batch: its future would hold it, too."""
    if not isinstance(error, AnomalyError):
        log.error("the model failed on one photo", exc_info=error)
        return ModelError("the model failed on this photo, alone and again; the server's log says how")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
