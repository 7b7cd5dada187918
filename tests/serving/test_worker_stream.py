"""Streams, progress and cancelling: our handler in our loop, against the simulated platform."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest

from anomaly.service import Service
from anomaly.simulator import Drop, FaultPlan, Late, Refuse, State
from anomaly.simulator.calls import Record
from anomaly.simulator.job import Job
from tests.contract.test_shells import timeless
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.loops import speaking, submit, working

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(320, 240)))
BATCH = {"images": [PHOTO, "?", PHOTO], "frame_ids": ["a", "b", "c"]}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service that takes 60 ms for each photograph."""
    service = warm_service(max_batch=1, fake_image_ms=60)
    yield service
    service.close()


def test_a_batch_streams_an_answer_for_each_photo(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, each before the next is there; in the end the job's output is the list of them."""

    async def run() -> tuple[list[Any], Job, list[Record], list[Record]]:
        async with working(monkeypatch, speaking=speaking(service)) as bench:
            photos = {"images": [PHOTO, "?", *[PHOTO] * 6], "frame_ids": list("abcdefgh")}
            job_id = submit(bench, {**photos, "stream": True})
            job = await bench.ended(job_id)
            await bench.until(lambda: len(bench.sim.calls.of("job-done")) == 1)
            calls = (bench.sim.calls.of(each) for each in ("job-stream", "job-done"))
            return bench.sim.queue.drain(job_id), job, *calls

    chunks, job, streamed, done = asyncio.run(run())
    assert streamed[-1].began_at - streamed[0].began_at > 0.1  # of 0.4 s that the models take for the rest
    assert all(first.ended_at <= then.began_at for first, then in pairwise(streamed + done))
    outputs = [each["output"] for each in chunks]
    assert [(each["index"], each["frame_id"]) for each in outputs] == list(enumerate("abcdefgh"))
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
    monkeypatch.setattr("anomaly.serving.handling.results.MOST_CHUNK_BYTES", 1000)

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
