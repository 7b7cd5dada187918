"""The worker's loop under the real SDK's functions, in this process, against a simulator on the same event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.handling.channel import Channel
from anomaly.serving.worker import sdk
from anomaly.serving.worker.loop import Loop
from anomaly.serving.worker.recycling import Recycling
from anomaly.simulator import FaultPlan, Limits, Simulator
from anomaly.simulator.job import Job, Submission

Handle = Callable[[dict[str, Any]], Awaitable[Any]]
Speaking = Callable[[dict[str, Any], Channel], Awaitable[Any]]


@dataclass
class Bench:
    """A simulator, and a worker's loop that runs until it is told to leave."""

    sim: Simulator
    loop: Loop
    running: "asyncio.Task[None]"

    def submit(self, **input_: Any) -> str:
        """Queue a job and return its id."""
        return self.sim.queue.submit(Submission({"number": 0, **input_})).id

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until `condition` holds."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.002)

    async def ended(self, job_id: str, timeout_s: float = 60.0) -> Job:
        """Wait for a job's end."""
        await self.until(lambda: self.job(job_id).state.final, timeout_s)
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """Return a job as it stands."""
        job = self.sim.job(job_id)
        assert job is not None
        return job

    async def leave(self) -> None:
        """End the loop as SIGTERM does."""
        self.loop.leave("the test is over")
        await asyncio.wait_for(asyncio.shield(self.running), 10)


def speaking(service: Service, **options: Any) -> Speaking:
    """Return our handler as the bench takes it."""
    handle = handler(service, 0.3, **options)

    async def speak(job: dict[str, Any], channel: Channel) -> object:
        return await handle(job, channel=channel)

    return speak


def submit(bench: Bench, input_: dict[str, Any]) -> str:
    """Queue a job with this input, and nothing else in it."""
    return bench.sim.queue.submit(Submission(input_)).id


@asynccontextmanager
async def working(
    monkeypatch: pytest.MonkeyPatch,
    handle: Handle | None = None,
    *,
    speaking: Speaking | None = None,
    concurrency: int = 1,
    recycling: Recycling | None = None,
    faults: FaultPlan | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Bench]:
    """Run a simulator and a worker's loop; `speaking` is a handler that says something before its result."""

    async def handling(job: dict[str, Any], *, channel: Channel | None = None) -> Any:
        if handle is not None:
            return await handle(job)
        assert speaking is not None
        assert channel is not None
        return await speaking(job, channel)

    from runpod.serverless.modules import rp_http, rp_job

    async with Simulator(worker_key=None, faults=faults, limits=limits or Limits()) as sim:
        where = {
            key: value.replace("$RUNPOD_POD_ID", "w") for key, value in sim.worker_environment("w").items()
        }
        monkeypatch.setattr(rp_job, "JOB_GET_URL", where["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", "w"))
        monkeypatch.setattr(rp_http, "JOB_DONE_URL", where["RUNPOD_WEBHOOK_POST_OUTPUT"])
        monkeypatch.setattr(rp_http, "JOB_STREAM_URL", where["RUNPOD_WEBHOOK_POST_STREAM"])
        parts = sdk.load()
        assert isinstance(parts, sdk.Sdk), parts
        loop = Loop(parts, handling, concurrency, recycling or Recycling())
        bench = Bench(sim, loop, asyncio.create_task(loop.run()))
        try:
            yield bench
        finally:
            await bench.leave()
