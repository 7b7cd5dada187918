"""The life of a service: loading the models, warming them, being ready, draining, and the end."""

import dataclasses
import logging
import resource
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from anomaly.batching import Batcher
from anomaly.errors import AnomalyError, InternalError, NotReady
from anomaly.metrics import Meter, TimedDetector, TimedSegmenter
from anomaly.pipeline import Pipeline, View
from anomaly.service.call import Seen
from anomaly.service.warming import warm

log = logging.getLogger(__name__)


class State(StrEnum):
    """Where a service is in its life."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading the models gave.

    `facts` is what `/info` tells of them; `device` says, when asked, where they run and what memory there is.
    `steps_ms` is how long each step took. `counts` is what `/info` tells of what they did since. `batches` are
    run before the first request; the largest alone if left out.
    """

    pipeline: Pipeline
    max_batch: int
    facts: Mapping[str, object]
    device: Callable[[], Mapping[str, object]]
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    counts: Callable[[], Mapping[str, object]] = dict
    batches: Sequence[int] = ()


class Life:
    """One set of models from their loading to their end, behind one queue of `max_waiting` places.

    `load` is called once, on a thread of its own, by `start`.
    """

    def __init__(self, load: Callable[[], Loaded], max_waiting: int, meter: Meter) -> None:
        self.loaded: Loaded | None = None
        self.batcher: Batcher[View, Seen] | None = None
        self._load, self._max_waiting, self._meter = load, max_waiting, meter
        self._state = State.LOADING
        self._failure: AnomalyError | None = None
        self._settled = threading.Event()
        self._born = time.monotonic()
        self._ready_after_s: float | None = None
        self._start_ms: Mapping[str, float] = {}

    def start(self) -> None:
        """Begin to load and warm the models, without waiting for them."""
        threading.Thread(target=self._become_ready, name="loading", daemon=True).start()

    def wait(self) -> None:
        """Wait until the models are warm. Raises what kept them from it."""
        self._settled.wait()
        if self._failure is not None:
            raise self._failure

    def drain(self) -> None:
        """Take nothing more, and go on with what runs."""
        if self._state in (State.LOADING, State.READY):
            self._state = State.DRAINING

    def stop(self) -> None:
        """Take nothing more, and finish what waits."""
        self._state = State.STOPPED
        if self.batcher is not None:
            self.batcher.close()

    def models(self) -> "tuple[Pipeline, Batcher[View, Seen]]":
        """Return the models and their queue. Raises `NotReady` before they are warm, and after the end began."""
        if self._state is not State.READY or self.loaded is None or self.batcher is None:
            raise NotReady(
                f"the server is {self._state}; ask GET /health until it is ready", retry_after_s=2.0
            )
        return self.loaded.pipeline, self.batcher

    def health(self) -> dict[str, object]:
        """Say whether the process lives and whether it can answer, on which device, with what memory."""
        state = self.state
        health: dict[str, object] = {
            "status": state,
            "live": state is not State.FAILED,
            "ready": state is State.READY,
            "uptime_s": round(time.monotonic() - self._born, 1),
            "resident_mb": _resident_mb(),
        }
        if self.loaded is not None:
            health |= self.loaded.device()
        if (failure := self.failure) is not None:
            health["error"] = {"code": failure.code, "message": str(failure)}
        return health

    def info(self) -> dict[str, object]:
        """Say how the start went, what is loaded and why, and what the queue has done."""
        info: dict[str, object] = {
            "status": self.state,
            "ready_after_s": self._ready_after_s,
            "start_ms": self._start_ms,
        }
        if self.loaded is not None:
            info |= {**self.loaded.facts, **self.loaded.counts()}
        if self.batcher is not None:
            info["queue"] = dataclasses.asdict(self.batcher.stats())
        return info

    @property
    def failure(self) -> AnomalyError | None:
        """What kept the models from loading, or the device's loss since; None while all is well."""
        lost = None if self.batcher is None else self.batcher.lost
        return self._failure or lost

    @property
    def state(self) -> State:
        """Where it is in its life; failed, too, once the device is lost: only a new process mends that."""
        return self._state if self.failure is None else State.FAILED

    @property
    def ready(self) -> bool:
        """Whether the models are warm, the device answers, and the service is not stopping."""
        return self.state is State.READY

    @property
    def loading(self) -> bool:
        """Whether the models are not warm yet, and will be."""
        return self._state is State.LOADING

    @property
    def draining(self) -> bool:
        """Whether nothing more is taken, while what runs goes on."""
        return self._state is State.DRAINING

    def _become_ready(self) -> None:
        try:
            loaded = self._load()
            warming = time.perf_counter()
            batches = loaded.batches or (loaded.max_batch,)
            warmed = partial(warm, loaded.pipeline.warm, batches)
            loaded = dataclasses.replace(loaded, pipeline=_timed(loaded.pipeline, self._meter))
            batcher = Batcher(
                loaded.pipeline.look,
                max_batch=loaded.max_batch,
                max_waiting=self._max_waiting,
                batched=self._meter.batched,
            )
            most = loaded.max_batch
            batcher.begin(lambda: most if (fitted := warmed()) == max(batches) else fitted)
            self._start_ms = {**loaded.steps_ms, "warm_up": round((time.perf_counter() - warming) * 1e3, 1)}
        except Exception as error:
            known = isinstance(error, AnomalyError)
            log.error("the models did not load: %s", error, exc_info=not known)
            self._failure = (
                error if isinstance(error, AnomalyError) else InternalError("the models did not load")
            )
            self._state = State.FAILED
        else:
            self.loaded, self.batcher = loaded, batcher
            self._ready_after_s = round(time.monotonic() - self._born, 2)
            if self._state is State.LOADING:
                self._state = State.READY
            log.info("ready after %.1f s", self._ready_after_s)
        self._settled.set()


def _timed(pipeline: Pipeline, meter: Meter) -> Pipeline:
    segmenter = pipeline.segmenter
    return dataclasses.replace(
        pipeline,
        detector=TimedDetector(pipeline.detector, meter),
        segmenter=None if segmenter is None else TimedSegmenter(segmenter, meter),
    )


def _resident_mb() -> int | None:
    """Return the process's resident set in MB of 2**20 bytes, None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize() // 2**20
