"""A bounded queue in front of one thread. Knows nothing of images.

There is no timer: when the thread is free it takes what waits, up to the largest batch. Under light
load a request therefore waits for nothing, and under heavy load batches fill by themselves.

A batch that fails is split until the one bad item fails alone. A batch that ran out of memory is
halved, and the smaller size is kept for all that follow. After a device was lost nothing runs any more: every
item fails with that error, those that wait and those that come.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from anomaly.errors import (
    AnomalyError,
    DeadlineExceeded,
    DeviceLost,
    ModelError,
    NotReady,
    OutOfMemory,
    QueueFull,
)

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchStats:
    """What the queue looks like now, and what it did since the start."""

    waiting: int
    limit: int
    max_batch: int
    batches: int
    items: int
    items_per_s: float | None


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Item, Result]):
    item: Item
    future: "Future[Result]"
    deadline: float | None
    places: int
    since: float


class Batcher(Generic[Item, Result]):
    """Feeds `run`, which maps a batch to its results in order, from any number of threads.

    `max_batch` items at most run together. A submission takes as many of the `max_waiting` places as it
    says, so that a photograph cut into tiles waits as one photograph. The thread starts with `begin`, or with
    the first `submit`, so that a batcher may be built before the process forks or its event loop exists. `batched` is
    told of each batch how long its items waited, in seconds.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int,
        max_waiting: int,
        batched: Callable[[Sequence[float]], None] = lambda waits_s: None,
    ) -> None:
        self._run = run
        self._batched = batched
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._entries: deque[_Entry[Item, Result]] = deque()
        self._errands: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._lost: DeviceLost | None = None
        self._waiting = 0
        self._batches = 0
        self._items = 0
        self._s_per_item: float | None = None

    def begin(self, first: Callable[[], int]) -> None:
        """Start the thread, and run `first` on it before anything else; it returns the largest batch to take.

        What a thread builds for itself at first use, such as CUDA graphs and workspaces, is then there. Raises
        what `first` raises; nothing is taken after that.
        """
        done: Future[int] = Future()

        def work() -> None:
            try:
                self._max_batch = first()
            except BaseException as error:  # whatever it is, somebody waits for it
                self._closed = True
                done.set_exception(error)
                return
            done.set_result(self._max_batch)
            self._work()

        self._thread = threading.Thread(target=work, name="model", daemon=True)
        self._thread.start()
        done.result()

    def submit(
        self, items: Sequence[Item], deadline: float | None = None, *, places: int | None = None
    ) -> "list[Future[Result]]":
        """Queue `items` and return a future for each; they are admitted whole or refused whole.

        They take `places`, one each if left out. `deadline` is on `time.monotonic()`'s clock: an item whose
        turn comes later fails with `DeadlineExceeded`. A future that is cancelled before its turn costs
        nothing. Raises `QueueFull` (with the time after which to try again, from the measured rate),
        `NotReady` once closed, and `DeviceLost` once the device is lost. A request larger than the whole
        queue is admitted when nothing waits.
        """
        places = len(items) if places is None else places
        with self._changed:
            self.check_room(places)
            count, now = len(items), time.monotonic()
            # Each item carries its share of the places, in whole numbers, and gives it back when it runs.
            entries: list[_Entry[Item, Result]] = [
                _Entry(item, Future(), deadline, places * (n + 1) // count - places * n // count, now)
                for n, item in enumerate(items)
            ]
            self._entries.extend(entries)
            self._waiting += sum(entry.places for entry in entries)
            for entry in entries:
                entry.future.add_done_callback(partial(self._left, entry.places))
            self._wake()
        return [entry.future for entry in entries]

    def lend(self, errand: Callable[[], None]) -> None:
        """Run `errand` on the thread, before its next batch; what it submits goes on without another thread to wake.

        For what is short and done while nothing else waits. Raises `NotReady` once closed.
        """
        with self._changed:
            self._check_open()
            self._errands.append(errand)
            self._wake()

    def check_room(self, places: int) -> None:
        """Raise what `submit` would raise for so many places now: the refused are to cost no work."""
        with self._changed:
            if self._lost is not None:
                raise DeviceLost(str(self._lost))
            self._check_open()
            if self._waiting and self._waiting + places > self._max_waiting:
                raise QueueFull(
                    f"{self._waiting} photos wait already and the limit is {self._max_waiting}; try again later",
                    retry_after_s=max(1.0, math.ceil(len(self._entries) * (self._s_per_item or 0.0))),
                )

    def close(self) -> None:
        """Take nothing more, finish what waits, and end the thread. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def stats(self) -> BatchStats:
        """Return the queue's length, limits and counts; `items_per_s` is None before the first batch."""
        with self._changed:
            rate = None if self._s_per_item is None else 1.0 / max(self._s_per_item, 1e-6)
            return BatchStats(
                self._waiting, self._max_waiting, self._max_batch, self._batches, self._items, rate
            )

    @property
    def lost(self) -> DeviceLost | None:
        """The error with which the device was lost, None while it works."""
        return self._lost

    def _check_open(self) -> None:
        if self._closed:
            raise NotReady("the server is stopping; send the request to another one")

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="model", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._errands or self._entries or self._closed):
                    self._changed.wait()
                errand = self._errands.popleft() if self._errands else None
                if errand is None and not self._entries:
                    return
                batch = self._take() if errand is None else []
            if errand is not None:
                _run(errand)
            if batch:
                started = time.perf_counter()
                now = time.monotonic()
                self._batched([now - entry.since for entry in batch])
                self._settle(batch)
                self._count(len(batch), time.perf_counter() - started)

    def _take(self) -> list[_Entry[Item, Result]]:
        batch: list[_Entry[Item, Result]] = []
        now = time.monotonic()
        while self._entries and len(batch) < self._max_batch:
            entry = self._entries.popleft()
            if not entry.future.set_running_or_notify_cancel():
                continue
            self._waiting -= entry.places
            if entry.deadline is not None and now >= entry.deadline:
                entry.future.set_exception(
                    DeadlineExceeded("the time given by timeout_ms was over before the photo's turn came")
                )
                continue
            batch.append(entry)
        return batch

    def _left(self, places: int, future: "Future[Result]") -> None:
        """Free the places of one who gave up before its turn: nobody is refused for an absent one."""
        if future.cancelled():
            with self._changed:
                self._waiting -= places

    def _count(self, items: int, seconds: float) -> None:
        with self._changed:
            self._batches += 1
            self._items += items
            latest = seconds / items
            # The last ten or so batches decide: the rate follows the load without jumping.
            self._s_per_item = latest if self._s_per_item is None else 0.9 * self._s_per_item + 0.1 * latest

    def _settle(self, batch: list[_Entry[Item, Result]]) -> None:
        """Give every future of the batch a result or an exception, whatever `run` does."""
        if self._lost is not None:
            _fail(batch, self._lost)
            return
        try:
            results = self._run([entry.item for entry in batch])
            if len(results) != len(batch):
                raise ModelError(f"the model answered {len(results)} of {len(batch)} photos")
        except DeviceLost as error:
            self._lost = DeviceLost(str(error))  # without the frames that hold the batch
            _fail(batch, self._lost)
            return
        except Exception as error:
            if isinstance(error, OutOfMemory) and len(batch) > 1:
                self._max_batch = max(1, len(batch) // 2)
                log.warning(
                    "out of memory at %d photos; batches of %d from now on", len(batch), self._max_batch
                )
            if len(batch) == 1:
                batch[0].future.set_exception(_blame(error))
                return
            middle = len(batch) // 2
            self._settle(batch[:middle])
            self._settle(batch[middle:])
            return
        for entry, result in zip(batch, results, strict=True):
            entry.future.set_result(result)


def _run(errand: Callable[[], None]) -> None:
    try:
        errand()
    except Exception:  # the thread is everybody's
        log.exception("an errand on the model thread failed")


def _fail(batch: list[_Entry[Item, Result]], error: DeviceLost) -> None:
    for entry in batch:
        entry.future.set_exception(DeviceLost(str(error)))


def _blame(error: Exception) -> AnomalyError:
    """Return what the caller is told, without the frames that hold the batch: its future would hold it, too."""
    if not isinstance(error, AnomalyError):
        log.error("the model failed on one photo", exc_info=error)
        return ModelError("the model failed on this photo, alone and again; the server's log says how")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
