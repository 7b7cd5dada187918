"""What both modes call: detect, info, health. Owns the model thread, the decoding threads and the start."""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from anomaly import __version__, metrics
from anomaly.deadline import Deadline
from anomaly.errors import AnomalyError, InternalError, UrlRefused
from anomaly.imaging.fetch import Fetcher
from anomaly.imaging.photo import Photo
from anomaly.metrics import Meter
from anomaly.pipeline import Outcome, Pipeline, Task
from anomaly.results import Results, key_of
from anomaly.service.call import Arrival, Call, Mail, Seen
from anomaly.service.life import Life, Loaded, State
from anomaly.types import Findings, Limits, Options

__all__ = ["Loaded", "Service", "State"]

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """One set of models behind one queue.

    `load` is called once, on a thread of its own, by `start`. `max_waiting` photographs wait for the
    models at most; `cpu_threads` threads decode, and as many measure and write; `fetcher` brings photographs by
    their URL; without one they are refused. `results` keeps what was answered; nothing is kept without.
    """

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        limits: Limits,
        max_waiting: int,
        cpu_threads: int,
        fetcher: Fetcher | None = None,
        results: Results | None = None,
    ) -> None:
        self.limits = limits
        self.meter = Meter()
        self._life = Life(load, max_waiting, self.meter)
        self._fetcher = fetcher
        self._results = results or Results()
        self.meter.registry.register(metrics.State(self.health, self.info))
        # Apart, so that who is answered already does not wait for those that are read.
        self._reading = ThreadPoolExecutor(cpu_threads, thread_name_prefix="reading")
        self._answering = ThreadPoolExecutor(cpu_threads, thread_name_prefix="answering")
        self._mail: Mail | None = None
        self._inside = 0

    def start(self) -> None:
        """Begin to load and warm the models, without waiting for them."""
        self._life.start()

    def wait(self) -> None:
        """Wait until the models are warm. Raises what kept them from it."""
        self._life.wait()

    def drain(self) -> None:
        """Take nothing more, and go on with what runs."""
        self._life.drain()

    def close(self) -> None:
        """Take nothing more, finish what waits, and end the threads."""
        self._life.stop()
        self._reading.shutdown()
        self._answering.shutdown()
        if self._life.loaded is not None:
            self._life.loaded.pipeline.close()
        self._results.close()

    async def detect(
        self, photos: Sequence[Photo], options: Options, *, since: float | None = None
    ) -> list[Outcome]:
        """Return one outcome per photograph, in order; a bad one fails alone, and so does a late one.

        `options.timeout_ms` counts from `since` on `time.monotonic()`'s clock, from now if left out. What is
        late while it waits takes no time of the models.
        Raises `NotReady` before the models are warm and `QueueFull` when too much waits already: the
        photographs of one call are admitted whole or refused whole. Cancelling takes what still waits
        out of the queue.
        """
        started = time.perf_counter()
        limit = Deadline.of(options.timeout_ms, since)
        pipeline, batcher = self._life.models()
        batcher.check_room(len(photos))
        call = Call(
            await self._there(photos, limit),
            options,
            limit,
            limits=self.limits,
            pipeline=pipeline,
            batcher=batcher,
            mail=self._mail_of(asyncio.get_running_loop()),
            meter=self.meter,
            recall=lambda digest: self._known(digest, options),
        )
        self._inside += 1
        try:
            if self._inside == 1 and len(photos) == 1 and options.scale is None and photos[0].is_quick:
                # About a millisecond: nobody else is there to wait for it, and each thread costs time to reach.
                batcher.lend(partial(call.read, 0))
            else:
                for number in range(len(photos)):
                    self._reading.submit(call.read, number)
            outcomes = await _together(
                [
                    self._outcome(pipeline, arrival, photo, limit, started)
                    for arrival, photo in zip(call.arrivals, photos, strict=True)
                ]
            )
        finally:
            self._inside -= 1
            call.leave()  # what was given up, or is late, need not run
        if call.refusal is not None:
            raise call.refusal
        return outcomes

    async def off_loop(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of some milliseconds on the threads that measure and write answers."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._answering, partial(function, *args, **kwargs))

    def health(self) -> dict[str, object]:
        """Say whether the process lives and whether it can answer, on which device, with what memory."""
        return self._life.health()

    def info(self) -> dict[str, object]:
        """Say what is loaded and why, the limits, and what the queue and the caches have done."""
        return {
            "version": __version__,
            "limits": dataclasses.asdict(self.limits),
            **self._life.info(),
            "results": dataclasses.asdict(self._results.stats()),
        }

    @property
    def failure(self) -> AnomalyError | None:
        """What kept the models from loading, or the device's loss since; None while all is well."""
        return self._life.failure

    @property
    def state(self) -> State:
        """Where it is in its life; failed, too, once the device is lost: only a new process mends that."""
        return self._life.state

    @property
    def ready(self) -> bool:
        """Whether the models are warm, the device answers, and the service is not stopping."""
        return self._life.ready

    @property
    def loading(self) -> bool:
        """Whether the models are not warm yet, and will be."""
        return self._life.loading

    @property
    def draining(self) -> bool:
        """Whether nothing more is taken, while what runs goes on."""
        return self._life.draining

    def _mail_of(self, loop: asyncio.AbstractEventLoop) -> Mail:
        if self._mail is None or self._mail.loop is not loop:
            self._mail = Mail(loop)
        return self._mail

    async def _there(self, photos: Sequence[Photo], limit: Deadline) -> Sequence[Photo | AnomalyError]:
        """Return the photographs, those with an address fetched."""
        if all(photo.url is None for photo in photos):
            return photos
        return await asyncio.gather(*(self._fetched(photo, limit) for photo in photos))

    async def _fetched(self, photo: Photo, limit: Deadline) -> Photo | AnomalyError:
        if photo.url is None:
            return photo
        if self._fetcher is None:
            return UrlRefused("this server fetches no photos; send the photo itself")
        try:
            async with limit.kept():
                return await self._fetcher.photo(photo)
        except AnomalyError as error:
            return error

    def _known(self, digest: str, options: Options) -> Findings | None:
        """Return what was answered before; not where a picture is asked for, which needs the photograph."""
        if not self._results.on or options.debug:
            return None
        return self._results.get(self._key(digest, options))

    def _key(self, digest: str, options: Options) -> str:
        loaded = self._life.loaded
        return key_of(digest, options, {} if loaded is None else loaded.facts)

    def _concluded(self, pipeline: Pipeline, task: Task, seen: Sequence[Seen]) -> Findings:
        with self.meter.stage("measure"):
            return pipeline.conclude(task, seen)

    async def _outcome(
        self,
        pipeline: Pipeline,
        arrival: "asyncio.Future[Arrival]",
        photo: Photo,
        limit: Deadline,
        started: float,
    ) -> Outcome:
        result: Findings | AnomalyError
        frame_id = photo.frame_id
        try:
            async with limit.kept():
                arrived = await arrival
                if isinstance(arrived, AnomalyError):
                    return self._done(arrived, frame_id, started)
                if isinstance(arrived, Findings):
                    return self._done(arrived, arrived.frame_id, started)
                task, seen = arrived
                frame_id = task.frame.id
                if len(seen) == 1 and all(piece.mask is None for piece in seen[0]):
                    result = pipeline.conclude(task, seen)  # names alone: cheaper than a thread
                else:
                    result = await self.off_loop(self._concluded, pipeline, task, seen)
                if self._results.on:
                    self._results.put(self._key(task.frame.digest, task.options), result)
        except AnomalyError as error:
            result = error
        except Exception:
            log.exception("measuring a photo failed")
            result = InternalError("measuring this photo failed; the server's log says how")
        return self._done(result, frame_id, started)

    def _done(self, result: Findings | AnomalyError, frame_id: str | None, started: float) -> Outcome:
        if isinstance(result, AnomalyError):
            self.meter.photographed(result.code)
        else:
            self.meter.photographed("ok", [each.defect_type for each in result.anomalies])
        return Outcome(result, frame_id, _since_ms(started))


async def _together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Await all of `work`; where it is one, as in most requests, without the tasks that gathering costs."""
    return [await work[0]] if len(work) == 1 else await asyncio.gather(*work)


def _since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
