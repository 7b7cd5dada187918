"""A bounded queue in front of one thread. Knows nothing of images.

There is no timer: when the thread is free it takes what waits, up to the largest batch. Under light
load a request therefore waits for nothing, and under heavy load batches fill by themselves. What becomes of
a batch that fails, `runner` says.
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
from typing import Generic

from anomaly.batching.runner import Entry, Item, Result, Runner
from anomaly.errors import DeadlineExceeded, DeviceLost, NotReady, QueueFull

__all__ = ["BatchStats", "Batcher"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchStats:
    """What the queue looks like now, and what it did since the start."""

    waiting: int
    limit: int
    max_batch: int
    batches: int
    items: int
    items_per_s: float | None


class Batcher(Generic[Item, Result]):
    """Feeds `run`, which maps a batch to its results in order, from any number of threads.

    `max_batch` items at most run together. A submission takes as many of the `max_waiting` places as it
    says, so that a photograph cut into tiles waits as one photograph. The thread starts with `begin`, or with
    the first `submit` or `lend`, so that a batcher may be built before the process forks or its event loop
    exists. `batched` is told of each batch how long its items waited, in seconds.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int,
        max_waiting: int,
        batched: Callable[[Sequence[float]], None] = lambda waits_s: None,
    ) -> None:
        self._runner = Runner(run, max_batch)
        self._batched = batched
        self._max_waiting = max_waiting
        self._entries: deque[Entry[Item, Result]] = deque()
        self._errands: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
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
                self._runner.max_batch = first()
            except BaseException as error:  # whatever it is, somebody waits for it
                self._closed = True
                done.set_exception(error)
                return
            done.set_result(self._runner.max_batch)
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
            entries: list[Entry[Item, Result]] = [
                Entry(item, Future(), deadline, places * (n + 1) // count - places * n // count, now)
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
            if self._runner.lost is not None:
                raise DeviceLost(str(self._runner.lost))
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
                self._waiting, self._max_waiting, self._runner.max_batch, self._batches, self._items, rate
            )

    @property
    def lost(self) -> DeviceLost | None:
        """The error with which the device was lost, None while it works."""
        return self._runner.lost

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
                self._runner.settle(batch)
                self._count(len(batch), time.perf_counter() - started)

    def _take(self) -> list[Entry[Item, Result]]:
        batch: list[Entry[Item, Result]] = []
        now = time.monotonic()
        while self._entries and len(batch) < self._runner.max_batch:
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


def _run(errand: Callable[[], None]) -> None:
    try:
        errand()
    except Exception:  # the thread is everybody's
        log.exception("an errand on the model thread failed")
