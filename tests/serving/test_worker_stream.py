"""Streams, progress and cancelling: our handler in our loop, against the simulated platform."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import orjson
import pytest

from anomaly.service import Service
from anomaly.serving.worker import channel as module
from anomaly.serving.worker import handler
from anomaly.serving.worker.channel import Channel
from anomaly.serving.worker.results import Written
from anomaly.simulator import Drop, FaultPlan, Late, Limits, Refuse, State
from anomaly.simulator.calls import Record
from anomaly.simulator.job import Job, Submission
from tests.contract.test_shells import timeless
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.loops import Bench, Speaking, working

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(320, 240)))
BATCH = {"images": [PHOTO, "?", PHOTO], "frame_ids": ["a", "b", "c"]}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service that takes 60 ms for each photograph."""
    service = warm_service(max_batch=1, fake_image_ms=60)
    yield service
    service.close()


def speaking(service: Service, **options: Any) -> Speaking:
    """Return our handler as the bench takes it."""
    handle = handler(service, 0.3, **options)

    async def speak(job: dict[str, Any], channel: Channel) -> object:
        return await handle(job, channel=channel)

    return speak


def submit(bench: Bench, input_: dict[str, Any]) -> str:
    """Queue a job with this input, and nothing else in it."""
    return bench.sim.queue.submit(Submission(input_)).id


def test_a_batch_streams_an_answer_for_each_photo(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, each before the next is there; in the end the job's output is the list of them."""

    async def run() -> tuple[list[Any], Job, list[Record], list[Record]]:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            job_id = submit(bench, {**BATCH, "stream": True})
            job = await bench.ended(job_id)
            await bench.until(lambda: len(bench.sim.calls.of("job-done")) == 1)
            calls = (bench.sim.calls.of(each) for each in ("job-stream", "job-done"))
            return bench.sim.queue.drain(job_id), job, *calls

    chunks, job, streamed, done = asyncio.run(run())
    assert streamed[2].began_at - streamed[0].began_at > 0.03  # the third photograph was yet to be looked at
    assert all(first.ended_at <= then.began_at for first, then in pairwise(streamed + done))
    outputs = [each["output"] for each in chunks]
    assert [(each["index"], each["frame_id"]) for each in outputs] == [(0, "a"), (1, "b"), (2, "c")]
    assert outputs[1]["error"]["code"] == "invalid_base64"
    assert outputs[0]["anomaly_count"] == 3
    assert (job.state, job.output) == (State.COMPLETED, outputs)


def test_a_chunk_is_what_the_batch_answers(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `stream` the same slots come together, and nothing is streamed."""

    async def run() -> tuple[Job, Job, list[Any]]:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            plain, streamed = (submit(bench, each) for each in (BATCH, {**BATCH, "stream": True}))
            return await bench.ended(plain), await bench.ended(streamed), bench.sim.queue.drain(plain)

    plain, streamed, chunks = asyncio.run(run())
    assert chunks == []
    slots = timeless([{k: v for k, v in each.items() if k != "index"} for each in streamed.output])
    assert slots == timeless(plain.output["results"])


@pytest.mark.parametrize("fault", [Refuse(503), Drop(), Drop(after=True)], ids=repr)
def test_a_fault_costs_no_chunk(
    service: Service, monkeypatch: pytest.MonkeyPatch, fault: Refuse | Drop
) -> None:
    """A chunk is sent again; one that had arrived all the same comes twice, and its index says so."""
    faults = FaultPlan({("job-stream", 2): fault})

    async def run() -> list[int]:
        async with working(monkeypatch, speaking=speaking(service), faults=faults) as bench:
            job_id = submit(bench, {**BATCH, "stream": True})
            assert (await bench.ended(job_id)).state is State.COMPLETED
            return [each["output"]["index"] for each in bench.sim.queue.drain(job_id)]

    indices = asyncio.run(run())
    assert list(dict.fromkeys(indices)) == [0, 1, 2]
    assert indices == sorted(indices)


def test_streams_pass_through_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fault on a third of the chunks and results, every stream is whole and in order, and so is its list."""
    menu = (Refuse(429), Refuse(503, after=True), Drop(), Drop(after=True), Late(0.05))
    faults = FaultPlan(rates={"job-stream": 1 / 3, "job-done": 1 / 3}, menu=menu, seed=3)
    service = warm_service(max_batch=4)

    async def run() -> list[tuple[list[int], Job]]:
        async with working(monkeypatch, speaking=speaking(service), concurrency=4, faults=faults) as bench:
            ids = [submit(bench, {"images": [PHOTO] * 4, "stream": True}) for _ in range(12)]
            jobs = [await bench.ended(each) for each in ids]
            return [
                ([each["output"]["index"] for each in bench.sim.queue.drain(job.id)], job) for job in jobs
            ]

    streams = asyncio.run(run())
    service.close()
    for indices, job in streams:
        assert list(dict.fromkeys(indices)) == sorted(set(indices)) == [0, 1, 2, 3]
        assert job.state is State.COMPLETED
        assert [each["index"] for each in job.output] == [0, 1, 2, 3]
    assert any(len(indices) > 4 for indices, _ in streams)  # some arrived and were not acknowledged


def test_a_chunk_that_is_too_large_says_so_and_the_result_has_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform takes less in a chunk than in a result."""
    monkeypatch.setattr("anomaly.serving.worker.results.MOST_CHUNK_BYTES", 1000)

    async def run() -> tuple[list[Any], Job]:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            job_id = submit(bench, {**BATCH, "stream": True})
            job = await bench.ended(job_id)
            return [each["output"] for each in bench.sim.queue.drain(job_id)], job

    chunks, job = asyncio.run(run())
    assert [each["error"]["code"] for each in chunks] == [
        "answer_too_large",
        "invalid_base64",
        "answer_too_large",
    ]
    assert [each.get("anomaly_count") for each in job.output] == [3, None, 3]


def test_a_job_that_fails_streams_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that cannot be read ends FAILED with its code."""

    async def run() -> Job:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            return await bench.ended(submit(bench, {"images": [], "stream": True}))

    job = asyncio.run(run())
    assert (job.state, job.output) == (State.FAILED, None)
    assert orjson.loads(str(job.error))["error"]["code"] == "invalid_request"


def test_the_sdks_client_reads_the_stream(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Endpoint.run(...).stream()` of the SDK yields each answer, in order."""
    import runpod

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async def run() -> list[Any]:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            monkeypatch.setattr(runpod, "endpoint_url_base", bench.sim.base_url)
            client = runpod.Endpoint(bench.sim.endpoint_id, api_key=bench.sim.api_key)
            return await asyncio.to_thread(
                lambda: list(client.run({"input": {**BATCH, "stream": True}}).stream())
            )

    assert [each["index"] for each in asyncio.run(run())] == [0, 1, 2]


def test_progress_is_told_before_the_result_and_awaited(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who asks meanwhile reads how many are done; a slow post of it holds the result back."""
    monkeypatch.setattr(module, "EVERY_S", 0.1)
    faults = FaultPlan({("job-done", 2): Late(0.5)})

    async def run() -> tuple[list[Any], Job, list[Any]]:
        async with working(monkeypatch, speaking=speaking(service), faults=faults) as bench:
            job_id = submit(bench, {"images": [PHOTO] * 4})
            seen: list[Any] = []
            while not (job := bench.job(job_id)).state.final:
                if job.output is not None and job.output not in seen:
                    seen.append(job.output)
                await asyncio.sleep(0.005)
            await bench.until(lambda: len(bench.sim.calls.of("job-done")) == 3)
            return seen, job, bench.sim.calls.of("job-done")

    seen, job, calls = asyncio.run(run())
    done = [each["progress"]["done"] for each in seen]
    assert len(done) == 2
    assert done == sorted(done)
    assert all(each["progress"]["of"] == 4 for each in seen)
    assert job.output["image_count"] == 4
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

    async def run() -> tuple[int, State]:
        before = looked_at(service)
        async with working(monkeypatch, speaking=speaking(service), concurrency=2) as bench:
            job_id = submit(bench, {"images": [PHOTO] * 8})
            await bench.until(lambda: looked_at(service) > before)
            async with httpx2.AsyncClient(trust_env=False) as client:
                headers = {"Authorization": f"Bearer {bench.sim.api_key}"}
                answer = await client.post(f"{bench.sim.url}/cancel/{job_id}", headers=headers)
            assert answer.json()["status"] == "CANCELLED"
            await bench.until(lambda: not bench.loop._jobs, 5)
            other = await bench.ended(submit(bench, {"image": PHOTO}))
            assert other.state is State.COMPLETED
            return looked_at(service) - before, bench.job(job_id).state

    count, state = asyncio.run(run())
    service.close()
    assert state is State.CANCELLED
    assert count <= 4  # one before, up to one more while the news travelled, one under way, the other job's


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
