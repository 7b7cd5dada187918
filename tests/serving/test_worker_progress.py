"""What is told of a job while it runs, how it is stopped, and what is never posted."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import orjson
import pytest

from anomaly.service import Service
from anomaly.serving.handling import channel as module
from anomaly.serving.handling.results import Written
from anomaly.simulator import Drop, FaultPlan, Late, Limits, Refuse, State
from anomaly.simulator.calls import Record
from anomaly.simulator.job import Job
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.loops import speaking, submit, working

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(320, 240)))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service that takes 60 ms for each photograph."""
    service = warm_service(max_batch=1, fake_image_ms=60)
    yield service
    service.close()


def test_progress_is_told_before_the_result_and_awaited(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who asks meanwhile reads how many are done; a slow post of it holds the result back."""
    monkeypatch.setattr(module, "EVERY_S", 0.1)
    faults = FaultPlan({("job-done", 1): Late(0.5)})

    async def run() -> tuple[list[Any], Job, list[Record]]:
        async with working(monkeypatch, speaking=speaking(service), faults=faults) as bench:
            job_id = submit(bench, {"images": [PHOTO] * 6})
            seen: list[Any] = []
            while not (job := bench.job(job_id)).state.final:
                if job.output is not None and job.output not in seen:
                    seen.append(job.output)
                await asyncio.sleep(0.005)
            await bench.leave()
            return seen, job, bench.sim.calls.of("job-done")

    seen, job, calls = asyncio.run(run())
    done = [each["progress"]["done"] for each in seen]
    assert done == sorted(done)
    assert 0 <= done[0] < 6
    assert all(each["progress"]["of"] == 6 for each in seen)
    assert job.output["image_count"] == 6
    assert len(calls) >= 2
    assert all(first.ended_at <= then.began_at for first, then in pairwise(calls))


def test_progress_that_cannot_be_told_costs_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried once; the result comes all the same."""
    monkeypatch.setattr(module, "EVERY_S", 0.05)
    faults = FaultPlan({("job-done", 1): Drop(), ("job-done", 2): Refuse(500)})

    async def run() -> Job:
        async with working(monkeypatch, speaking=speaking(service), faults=faults) as bench:
            return await bench.ended(submit(bench, {"images": [PHOTO] * 4}))

    assert asyncio.run(run()).state is State.COMPLETED


def test_a_cancelled_job_takes_no_more_time_of_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is taken out of the queue; only the photograph that is being looked at is finished."""
    service = warm_service(max_batch=1, fake_image_ms=150)

    async def run() -> tuple[int, int, State]:
        async with working(monkeypatch, speaking=speaking(service), concurrency=2) as bench:
            before = looked_at(service)
            job_id = submit(bench, {"images": [PHOTO] * 16})
            await bench.until(lambda: looked_at(service) > before)
            async with httpx2.AsyncClient(trust_env=False) as client:
                headers = {"Authorization": f"Bearer {bench.sim.api_key}"}
                answer = await client.post(f"{bench.sim.url}/cancel/{job_id}", headers=headers)
            assert answer.json()["status"] == "CANCELLED"
            await bench.until(lambda: not bench.loop._jobs, 5)
            stopped = looked_at(service)
            other = await bench.ended(submit(bench, {"image": PHOTO}))
            assert other.state is State.COMPLETED
            return stopped - before, looked_at(service) - stopped, bench.job(job_id).state

    until_it_stopped, after_it, state = asyncio.run(run())
    service.close()
    assert state is State.CANCELLED
    assert until_it_stopped < 16
    assert after_it <= 2  # the one that was under way, and the other job's


def looked_at(service: Service) -> int:
    """Return how many photographs the models have seen."""
    queue = service.info()["queue"]
    assert isinstance(queue, dict)
    return int(queue["items"])


def test_a_probe_answers_what_info_answers(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with {"probe": true} says what is loaded and how the start went."""

    async def run() -> Job:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            return await bench.ended(submit(bench, {"probe": True}))

    told, expected = asyncio.run(run()).output, orjson.loads(orjson.dumps(service.info()))
    assert told.keys() == expected.keys()
    assert told["detector"] == expected["detector"]
    assert told["ready_after_s"] == expected["ready_after_s"]


def test_a_result_over_the_platforms_limit_is_never_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a handler returns, what is sent has been counted to the byte."""

    async def huge(job: dict[str, Any]) -> Written:
        return Written(b'"' + b"x" * 20_000_000 + b'"')

    async def run() -> Job:
        async with working(monkeypatch, huge, limits=Limits()) as bench:
            return await bench.ended(bench.submit())

    job = asyncio.run(run())
    assert job.state is State.FAILED
    assert orjson.loads(str(job.error))["error"]["code"] == "answer_too_large"
