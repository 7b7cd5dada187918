"""A worker whose device or memory is gone reports what it has, and has itself replaced."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from anomaly.bootstrap import tables
from anomaly.errors import AnomalyError, DeviceLost, OutOfMemory
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.serving.handling import handler
from anomaly.serving.handling.channel import Channel
from anomaly.serving.worker import loop as worker_loop
from anomaly.serving.worker.delivery import Door, deliver
from anomaly.serving.worker.recycling import FAILURES_IN_A_ROW, Recycling
from anomaly.serving.worker.startup import free_mb
from anomaly.simulator import State
from anomaly.simulator.job import Job, Submission
from anomaly.types import Limits
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.failing import Failing
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(64, 48)))


def failing_service(error: AnomalyError, device: Mapping[str, object] | None = None) -> Service:
    """Return a warm service that fails with `error` from then on; `device` adds to what is told of its card."""

    def load() -> Loaded:
        pipeline = Pipeline(Failing(error), None, tables.taxonomy(), tables.standards())
        return Loaded(pipeline, 4, {}, lambda: {"device": "cuda:0", **(device or {})})

    service = Service(load, limits=Limits(), max_waiting=4, cpu_threads=1)
    service.start()
    service.wait()
    return service


def worked(
    monkeypatch: pytest.MonkeyPatch, error: AnomalyError, inputs: Sequence[dict[str, Any]]
) -> tuple[list[Job], bool]:
    """Queue jobs, let a worker with one slot end by itself; return the jobs and whether it asked for another."""
    service = failing_service(error)
    recycling = Recycling()
    handle = handler(service, 0.3, ended=recycling.ended)

    async def speak(job: dict[str, Any], channel: Channel) -> object:
        return await handle(job, channel=channel)

    sent: list[dict[str, Any]] = []

    async def noted(door: Door, job_id: str, body: bytes, *rest: Any, **more: Any) -> bool:
        sent.append(orjson.loads(body))
        return await deliver(door, job_id, body, *rest, **more)

    monkeypatch.setattr(worker_loop, "deliver", noted)

    async def run() -> tuple[list[Job], bool]:
        async with working(monkeypatch, speaking=speak, recycling=recycling) as bench:
            ids = [bench.sim.queue.submit(Submission(each)).id for each in inputs]
            await asyncio.wait_for(asyncio.shield(bench.running), 20)
            return [bench.job(each) for each in ids], [each.get("stopPod", False) for each in sent][-1]

    try:
        return asyncio.run(run())
    finally:
        service.close()


def code_of(job: Job) -> str:
    """Return the code of a failed job."""
    return str(orjson.loads(str(job.error))["error"]["code"])


@pytest.mark.parametrize(
    "input_", [{"image": PHOTO}, {"images": [PHOTO] * 3}, {"images": [PHOTO] * 3, "stream": True}]
)
def test_a_lost_device_reports_the_job_and_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, input_: dict[str, Any]
) -> None:
    """The job that met it fails whole, with the code that says that another worker can answer it; no other is taken."""
    jobs, replaced = worked(monkeypatch, DeviceLost("the card answers no more"), [input_, {"image": PHOTO}])
    assert [each.state for each in jobs] == [State.FAILED, State.IN_QUEUE]
    assert code_of(jobs[0]) == "device_lost"
    assert replaced


def test_memory_that_does_not_come_back_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some jobs in a row that ran out of memory are reported, and the worker is replaced before the next."""
    inputs = [{"image": PHOTO}] * (FAILURES_IN_A_ROW + 1)
    jobs, replaced = worked(monkeypatch, OutOfMemory("too much"), inputs)
    assert [each.state for each in jobs] == [State.FAILED] * FAILURES_IN_A_ROW + [State.IN_QUEUE]
    assert {code_of(each) for each in jobs[:-1]} == {"out_of_memory"}
    assert replaced


def test_memory_that_is_not_free_again_ends_the_worker_at_once() -> None:
    """After one job that ran out of it, much less being free than at the start says that something leaks."""
    free_mb = [1000, 600, 400]
    recycling = Recycling(free_mb=lambda: free_mb.pop(0))
    recycling.ended([None])
    recycling.ended([OutOfMemory("too much"), None])
    assert recycling.reason is None
    recycling.ended([OutOfMemory("too much"), None])
    assert recycling.reason == "400 MB are free after a job ran out of memory, of 1000 at the start"
    assert free_mb == []


def test_free_memory_is_that_of_the_card() -> None:
    """Where the models run on the CPU, or the card does not tell, nobody knows."""
    for service in (failing_service(OutOfMemory("too much")), warm_service()):
        assert free_mb(service) is None
        service.close()
    service = failing_service(OutOfMemory("too much"), {"memory": {"free_mb": 7}})
    assert free_mb(service) == 7
    service.close()
