"""Taking jobs in turn, and bringing each to its end once."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

import orjson
import structlog

from anomaly.errors import InternalError, InvalidRequest, QueueFull
from anomaly.jobs.job import MOST_TRIES, Ended, Job, Postponed
from anomaly.jobs.postman import TROUBLE_S, Postman
from anomaly.jobs.store import Store
from anomaly.jobs.submission import Submission, identity_of, policy_of
from anomaly.jobs.voice import Kept, Voice
from anomaly.types import JobState as State
from anomaly.wire import answer

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SWEEP_S = 5.0
"""How often what has waited or was kept too long is looked for."""


Handle = Callable[[dict[str, Any], Voice], Awaitable[Ended]]
"""Does one job: `{"id", "input"}`, with `s3Config` where it was given. What it raises fails the job, but for
`Postponed`."""


class Jobs:
    """A queue over a store. Made anywhere; `start` and all the rest belong to one event loop.

    `at_once` jobs run side by side, `most_waiting` wait, and what has ended is kept for `keep_s`; what was handed in
    with a job that failed or timed out for `retry_s`.
    """

    def __init__(
        self,
        store: Store,
        handle: Handle,
        postman: Postman,
        *,
        at_once: int,
        most_waiting: int,
        keep_s: float,
        retry_s: float = 1800.0,
    ) -> None:
        self._store, self._handle, self._postman = store, handle, postman
        self._at_once, self._most_waiting = at_once, most_waiting
        self._keep_s, self._retry_s = keep_s, retry_s
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._arrival = asyncio.Event()
        self._running: dict[str, asyncio.Task[Ended]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stood: Mapping[State, int] = {}

    async def start(self, ready: Callable[[], Awaitable[object]]) -> None:
        """Take up what the last server left, and begin; each time `ready` has returned the next one is taken."""
        await self._kept(self._store.recover, time.time(), self._keep_s)
        self._arrival.set()
        loops = [self._sweep(), self._postman.run(self._kept, self._store)]
        loops += [self._work(ready) for _ in range(self._at_once)]
        self._tasks = [asyncio.create_task(each) for each in loops]

    async def close(self) -> None:
        """Stop. What runs goes back into the queue, for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._kept(self._store.close)
        self._disk.shutdown()

    async def submit(self, submission: Submission, key: str | None = None) -> Job:
        """Queue a job; the same submission under the same `key` is the same job, as it stands.

        Raises `QueueFull` where no more can be kept, `InvalidRequest` for what cannot be kept.
        """
        try:
            asked = orjson.dumps(submission.model_dump(exclude_none=True))
        except TypeError:  # it reads deeper ones than it writes
            raise InvalidRequest("input is nested too deeply; see GET /docs for its fields") from None
        identity = identity_of(asked, key)
        if key is not None and (known := await self.get(identity)) is not None:
            return known
        if await self._kept(self._store.waiting) >= self._most_waiting:
            raise QueueFull(f"{self._most_waiting} jobs wait already; try again later", retry_after_s=10.0)
        now = time.time()
        expires_at = now + submission.policy.ttl / 1e3
        job = Job(identity, State.IN_QUEUE, asked, now, expires_at)
        low = submission.policy.lowPriority
        try:
            await self._kept(self._store.add, job, low_priority=low, webhook=submission.webhook)
        except sqlite3.Error:
            log.exception("a job could not be kept")
            raise QueueFull("no more jobs can be kept now; try again later", retry_after_s=30.0) from None
        self._arrival.set()
        return job

    async def get(self, identity: str) -> Job | None:
        """Return a job, None where there is none or it is no longer kept."""
        return await self._kept(self._store.get, identity)

    async def wait(self, identity: str, timeout_s: float) -> Job | None:
        """Return a job once it has ended, or as it is after `timeout_s`."""
        end = self._ends.setdefault(identity, asyncio.Event())
        job = await self.get(identity)
        if job is None or job.state.final:
            self._ends.pop(identity, None)
            return job
        try:
            async with asyncio.timeout(timeout_s):
                await end.wait()
        except TimeoutError:
            pass
        return await self.get(identity)

    async def cancel(self, identity: str) -> Job | None:
        """Cancel a job, also one that runs; one that has ended stays as it is."""
        if await self._kept(self._store.end, identity, State.CANCELLED, Ended(), time.time(), self._keep_s):
            self._over(identity)
            if (task := self._running.get(identity)) is not None:
                task.cancel()
        return await self.get(identity)

    async def retry(self, identity: str) -> Job | None:
        """Queue a failed or timed-out job again; None where it is in another state, or its input is dropped."""
        job = await self._kept(self._store.get, identity, whole=True)
        if job is None or not job.submission:
            return None
        ttl_s = policy_of(job.asked()).ttl / 1e3
        if not await self._kept(self._store.retry, identity, time.time(), ttl_s):
            return None
        self._arrival.set()
        return await self.get(identity)

    async def purge(self) -> int:
        """Cancel what waits; return how many."""
        gone = await self._kept(self._store.purge, time.time(), self._keep_s)
        for identity in gone:
            self._over(identity)
        return len(gone)

    async def drain(self, identity: str) -> Sequence[bytes]:
        """Return what was streamed since the last call."""
        return await self._kept(self._store.drain, identity)

    async def counts(self) -> dict[State, int]:
        """Return how many jobs are kept in each state."""
        return await self._kept(self._store.counts)

    def told(self) -> dict[str, object]:
        """Say for the figures how many jobs were kept in each state some seconds ago; any thread."""
        return {"jobs": {str(state): count for state, count in self._stood.items()}}

    async def _kept(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one of the store's functions on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._disk, partial(function, *args, **kwargs)
        )

    async def _work(self, ready: Callable[[], Awaitable[object]]) -> None:
        while True:
            await ready()
            try:
                await self._next()
            except Exception:  # a full disk, say: the others' turn must still come
                log.exception("taking or ending a job failed")
                await asyncio.sleep(TROUBLE_S)

    async def _next(self) -> None:
        job = await self._kept(self._store.take, time.time())
        if job is not None:
            await self._run(job)
            return
        self._arrival.clear()
        # Between the look and the clearing one may have come.
        if await self._kept(self._store.waiting) == 0:
            await self._arrival.wait()

    async def _run(self, job: Job) -> None:
        asked = job.asked()
        limit_s = policy_of(asked).executionTimeout / 1e3
        task = asyncio.ensure_future(
            self._handle({**asked, "id": job.id}, Kept(self._kept, self._store, job.id))
        )
        self._running[job.id] = task
        state = State.FAILED
        with structlog.contextvars.bound_contextvars(job_id=job.id):
            try:
                async with asyncio.timeout(limit_s):
                    ended = await task
                state = State.FAILED if ended.error is not None else State.COMPLETED
            except TimeoutError:
                ended = Ended(error=f"the job ran longer than its policy's executionTimeout of {limit_s:g} s")
            except asyncio.CancelledError:
                if (me := asyncio.current_task()) is not None and me.cancelling():  # the server stops
                    await self._kept(self._store.release, job.id, time.time())
                    raise
                return  # cancelled by its caller, who brought it to its end
            except Postponed as later:
                if not later.counts or job.tries < MOST_TRIES:
                    log.warning("the job waits for the next start of the server")
                    await self._kept(self._store.release, job.id, time.time(), counts=later.counts)
                    return
                ended = Ended(error=str(later))
            except Exception:
                log.exception("the job failed")
                problem = InternalError("the server failed on this job; its log says how")
                ended = Ended(error=answer.to_json(answer.error_response(problem)).decode())
            finally:
                self._running.pop(job.id, None)
            await self._end(job.id, state, ended)

    async def _end(self, identity: str, state: State, ended: Ended) -> None:
        """Bring a job to its end; on a full disk, say, again and again, or it would run for ever."""
        while True:
            try:
                await self._kept(self._store.end, identity, state, ended, time.time(), self._keep_s)
            except sqlite3.Error:
                log.exception("the end of job %s could not be kept", identity)
                await asyncio.sleep(TROUBLE_S)
            else:
                self._over(identity)
                return

    def _over(self, identity: str) -> None:
        if (end := self._ends.pop(identity, None)) is not None:
            end.set()
        self._postman.look()

    async def _sweep(self) -> None:
        while True:
            try:
                for identity in await self._kept(self._store.expire, time.time(), self._keep_s):
                    self._over(identity)
                await self._kept(self._store.drop_inputs, time.time() - self._retry_s)
                self._stood = await self.counts()
            except Exception:  # what has expired is still there after the disk's trouble
                log.exception("letting jobs expire failed")
            await asyncio.sleep(SWEEP_S)
