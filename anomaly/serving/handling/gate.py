"""Lets photographs into the service: as many as may wait there, from all jobs together."""

import asyncio
import time

from anomaly.deadline import Deadline
from anomaly.errors import DeadlineExceeded, DeviceLost, QueueFull
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Outcome
from anomaly.service import Service
from anomaly.types import Options

FULL_WAIT_S = 0.1
"""A job that was taken is not given back: where the queue is full all the same it looks again so often."""


class Gate:
    """In front of one service. Photographs come in in the order in which they were brought."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._places: asyncio.Semaphore | None = None

    async def outcome(self, photo: Photo, options: Options, since: float) -> Outcome:
        """Look at one photograph when there is room; `options.timeout_ms` counts from `since`.

        Raises `DeviceLost` and `NotReady`, which no other photograph would escape; whatever else fails is the
        photograph's own outcome. Cancelling it takes what still waits out of every queue.
        """
        started = time.perf_counter()
        limit = Deadline.of(options.timeout_ms, since)
        places = self._room()
        try:
            async with limit.kept():
                await places.acquire()
        except DeadlineExceeded as error:
            return Outcome(error, photo.frame_id, (time.perf_counter() - started) * 1e3)
        try:
            outcome = await self._seen(photo, options, since, limit)
        except DeadlineExceeded as error:
            return Outcome(error, photo.frame_id, (time.perf_counter() - started) * 1e3)
        finally:
            places.release()
        if isinstance(outcome.result, DeviceLost):
            raise outcome.result
        return outcome

    async def _seen(self, photo: Photo, options: Options, since: float, limit: Deadline) -> Outcome:
        while True:
            try:
                [outcome] = await self._service.detect([photo], options, since=since)
            except QueueFull:
                async with limit.kept():
                    await asyncio.sleep(FULL_WAIT_S)
            else:
                return outcome

    def _room(self) -> asyncio.Semaphore:
        if self._places is None:
            queue = self._service.info().get("queue")
            if not isinstance(queue, dict):  # not warm yet: the service says so itself
                return asyncio.Semaphore(1)
            self._places = asyncio.Semaphore(int(queue["limit"]))
        return self._places
