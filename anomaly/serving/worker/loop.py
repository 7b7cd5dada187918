"""The worker's loop: as many jobs in flight as there are slots, each slot filled as soon as it is free.

The SDK's own loop looks for a job once a second while it is busy, waits for a result to be sent before it
takes the next job, and on SIGTERM holds a poll open whose job is then lost.
"""

import asyncio
import logging
import signal
from functools import partial
from typing import Any

from anomaly.errors import AnswerTooLarge, InternalError
from anomaly.serving.handling import results
from anomaly.serving.handling.channel import Channel
from anomaly.serving.handling.handler import Handler
from anomaly.serving.worker.delivery import Door, attempt, deliver
from anomaly.serving.worker.polling import answers
from anomaly.serving.worker.recycling import Recycling
from anomaly.serving.worker.sdk import Sdk

log = logging.getLogger(__name__)

HELD_PER_SLOT = 3
"""A result on its way keeps no slot, but beyond so many jobs in flight for each slot none is taken."""

CHUNK_BUDGET_S = 60.0
"""For all tries to bring one chunk of a stream; the result brings it again."""

TOO_LARGE = results.body(
    results.error(AnswerTooLarge("the result has more bytes than RunPod takes; ask for less in one job"))
)

REFUSED = results.body(
    results.error(InternalError("RunPod refused this job's result; the worker's log says how"))
)


class Loop:
    """Takes jobs, runs `handle` on up to `concurrency` of them at once, and delivers what it returns.

    It takes the place of the SDK's `JobScaler`: `start` returns when the worker is to end.
    """

    def __init__(self, sdk: Sdk, handle: Handler, concurrency: int, recycling: Recycling) -> None:
        self._sdk = sdk
        self._handle = handle
        self._concurrency = concurrency
        self._recycling = recycling
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._busy: set[str] = set()
        self._changed = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        self._arriving = False
        self._leaving = False
        self._taken_all = asyncio.Event()
        self._stop_sent = False

    def start(self) -> None:
        """Work until SIGTERM, SIGINT, or until the worker is to be replaced; then finish what was taken."""
        asyncio.run(self.run())

    async def run(self) -> None:
        """Do what `start` does, on this event loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.leave, f"{signal.Signals(number).name} received")
        async with self._sdk.open_session() as session, self._sdk.open_watched(self._answering) as polls:
            self._taking = asyncio.create_task(self._take(polls, session))
            stopping = asyncio.create_task(self._stop_jobs(session))
            await asyncio.wait([self._taking])
            self._taken_all.set()
            if self._jobs:
                await asyncio.wait(self._jobs.values())
            stopping.cancel()
            await asyncio.wait([stopping])
        if not self._taking.cancelled():
            self._taking.result()

    def leave(self, why: str) -> None:
        """Take no more jobs. The poll is cancelled, unless its answer is arriving: that job would be lost."""
        if self._leaving:
            return
        self._leaving = True
        log.info("no more jobs are taken (%s); %d are in flight", why, len(self._jobs))
        if self._taking is not None and not self._arriving:
            self._taking.cancel()

    # Taking

    async def _take(self, polls: Any, session: Any) -> None:
        async for jobs in answers(partial(self._ask, polls), "jobs"):
            for job in jobs:
                self._begin(job, session)
            while not self._leaving and self._room() <= 0:
                self._changed.clear()
                await self._changed.wait()
            if self._leaving:
                return

    async def _ask(self, polls: Any) -> list[dict[str, Any]] | None:
        try:
            return await self._sdk.get_job(polls, self._room())
        finally:
            self._arriving = False
            if self._leaving and self._taking is not None:
                self._taking.cancel()  # at the next await: what has just arrived is begun before

    def _answering(self) -> None:
        self._arriving = True

    def _room(self) -> int:
        free = self._concurrency - len(self._busy)
        held = self._concurrency * HELD_PER_SLOT - len(self._jobs)
        return self._recycling.room(min(free, held))

    def _begin(self, job: Any, session: Any) -> None:
        job_id = job.get("id") if isinstance(job, dict) else None
        if not isinstance(job_id, str):
            log.error("something was handed out that is no job: %s", type(job).__name__)
        elif job_id in self._jobs:
            log.warning("job %s was handed out again while it is in flight; it runs once", job_id)
        else:
            self._busy.add(job_id)
            self._sdk.progress.add(job_id)
            self._jobs[job_id] = task = asyncio.create_task(self._do(job_id, job, session))
            task.add_done_callback(partial(self._forget, job_id))
            self._recycling.took()
            self._leave_if_worn()

    # Working

    async def _do(self, job_id: str, job: dict[str, Any], session: Any) -> None:
        channel = self._channel(job_id, session)
        try:
            result = await self._sdk.run_job(partial(self._handle, channel=channel), job)
        except BaseException:
            channel.abandon()
            raise
        self._busy.discard(job_id)
        self._changed.set()
        worn = self._leave_if_worn()  # before the next await: no poll is to begin
        await channel.close()
        stop = worn and await self._is_last()
        body = results.body(result, stop=stop)
        if len(body) > results.MOST_BYTES:
            log.error("job %s: its result has %d bytes, more than RunPod takes", job_id, len(body))
            body = TOO_LARGE
        await deliver(Door(session, self._sdk.done_url, channel.streamed), job_id, body, REFUSED)

    def _channel(self, job_id: str, session: Any) -> Channel:
        async def chunk(body: bytes) -> bool:
            door = Door(session, str(self._sdk.stream_url))
            return await deliver(door, job_id, body, body, CHUNK_BUDGET_S, what="a chunk of its stream")

        progress = partial(attempt, Door(session, self._sdk.done_url), job_id)
        return Channel(chunk if self._sdk.stream_url else None, progress)

    def _forget(self, job_id: str, task: "asyncio.Task[None]") -> None:
        del self._jobs[job_id]
        self._busy.discard(job_id)
        self._sdk.progress.remove(job_id)
        self._changed.set()
        if task.cancelled():
            log.info("job %s was stopped", job_id)
        elif (error := task.exception()) is not None:
            log.error("job %s failed", job_id, exc_info=error)

    def _leave_if_worn(self) -> bool:
        reason = self._recycling.reason
        if reason is not None:
            self.leave(reason)
        return reason is not None

    async def _is_last(self) -> bool:
        """Return True to the one job, the last in flight, whose result is to say that the worker ends."""
        await self._taken_all.wait()
        if self._busy or self._stop_sent:
            return False
        self._stop_sent = True
        others = [task for task in self._jobs.values() if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)
        return True

    # Stopping

    async def _stop_jobs(self, session: Any) -> None:
        """Cancel the jobs that the platform names: a client did so, or their time is over."""
        async for job_ids in answers(partial(self._sdk.get_stop_signals, session), "jobs to stop"):
            for job_id in job_ids:
                if job_id in self._jobs:
                    self._jobs[job_id].cancel()
