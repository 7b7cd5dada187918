"""Counting and timing, safe between threads.

What happened is noted at once, which costs next to nothing, and counted when many notes have come or when the
figures are asked for: counting one takes as long as naming a defect.
"""

import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

MEDIA_TYPE = CONTENT_TYPE_LATEST

# From a name lookup to a large photograph on a CPU, seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

_NOTES = 64
"""So many are counted in one go: about half a millisecond."""


class Meter:
    """The figures of one service. `registry` takes further collectors."""

    def __init__(self) -> None:
        self._notes: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "anomaly_requests",
            "Requests answered, by route, method and status.",
            ["path", "method", "status"],
            registry=self.registry,
        )
        self._request_s = Histogram(
            "anomaly_request_seconds",
            "From a request's head to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._errors = Counter(
            "anomaly_errors",
            "Requests that ended in an error, by its code.",
            ["code"],
            registry=self.registry,
        )
        self._photos = Counter(
            "anomaly_photos",
            "Photographs, by outcome: ok, or the code of the error.",
            ["outcome"],
            registry=self.registry,
        )
        self._defects = Counter(
            "anomaly_defects", "Defects answered, by type.", ["defect_type"], registry=self.registry
        )
        self._stage_s = Histogram(
            "anomaly_stage_seconds",
            "Time in a stage: of a photograph (read, measure), of a batch (detect, segment), of a request (write).",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._wait_s = Histogram(
            "anomaly_queue_wait_seconds",
            "From a photograph's or a tile's admission to its turn at the models.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batch = Histogram(
            "anomaly_batch_size",
            "Photographs and tiles that the models saw at once.",
            buckets=_SIZES,
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        self._count()
        return generate_latest(self.registry)

    def requested(self, path: str, method: str, status: int, seconds: float, code: str | None) -> None:
        """Count an answered request; `path` is that of its route, `code` that of its error, if any."""
        self._note(self._requested, path, method, status, seconds, code)

    def photographed(self, outcome: str, defect_types: Sequence[str] = ()) -> None:
        """Count a photograph: "ok" or an error's code, and what was found on it."""
        self._note(self._photographed, outcome, defect_types)

    def batched(self, waits_s: Sequence[float]) -> None:
        """Count a batch by how long each of its items waited, seconds."""
        self._note(self._batched, waits_s)

    def stage(self, name: str) -> "Stage":
        """Time what runs inside, whether it fails or not."""
        return Stage(self, name)

    def staged(self, name: str, seconds: float) -> None:
        """Count a stage that took so long."""
        self._note(self._staged, name, seconds)

    def _note(self, count: Callable[..., None], *what: Any) -> None:
        self._notes.append((count, what))
        if len(self._notes) >= _NOTES:
            self._count()

    def _count(self) -> None:
        while self._notes:
            try:
                count, what = self._notes.popleft()
            except IndexError:  # another thread was first
                return
            count(*what)

    def _requested(self, path: str, method: str, status: int, seconds: float, code: str | None) -> None:
        self._requests.labels(path, method, str(status)).inc()
        self._request_s.labels(path).observe(seconds)
        if code is not None:
            self._errors.labels(code).inc()

    def _photographed(self, outcome: str, defect_types: Sequence[str]) -> None:
        self._photos.labels(outcome).inc()
        for name, count in Tally(defect_types).items():
            self._defects.labels(name).inc(count)

    def _batched(self, waits_s: Sequence[float]) -> None:
        self._batch.observe(len(waits_s))
        for each in waits_s:
            self._wait_s.observe(each)

    def _staged(self, name: str, seconds: float) -> None:
        self._stage_s.labels(name).observe(seconds)


class Stage:
    """Times what runs inside of it."""

    __slots__ = ("_meter", "_name", "_started")

    def __init__(self, meter: Meter, name: str) -> None:
        self._meter, self._name = meter, name

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._meter.staged(self._name, time.perf_counter() - self._started)
