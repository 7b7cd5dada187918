import asyncio
import io
import time

import aiohttp
import httpx2
import pytest

from anomaly.simulator import Drop, Duplicate, FaultPlan, Hang, Late, Refuse, Simulator
from tests.simulator.conftest import Caller


async def post_done(sim: Simulator, job_id: str, session: aiohttp.ClientSession) -> int:
    """Post a result as the SDK does, and return the status."""
    url = f"{sim.url}/job-done/w/{job_id}?gpu=x&isStream=false"
    headers = {"Authorization": "local-worker-key", "Content-Type": "application/x-www-form-urlencoded"}
    async with session.post(url, data='{"output": 1}', headers=headers) as response:
        await response.read()
        return response.status


def taken(caller: Caller, plan: FaultPlan) -> str:
    """Return a job in progress, under this plan from now on."""
    job_id = caller.submit()
    caller.take()
    caller.sim.use(plan)
    return job_id


@pytest.mark.parametrize("after", [False, True])
def test_a_refusal_comes_before_or_after_the_effect(caller: Caller, after: bool) -> None:
    """A refused job-done has ended its job only where the refusal comes after; the next call passes."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Refuse(503, after, retry_after_s=2)}))
    refused = caller.done(job_id, {"output": 1})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert caller.status(job_id)["status"] == ("COMPLETED" if after else "IN_PROGRESS")
    assert caller.done(job_id, {"output": 2}).status_code == 200
    assert caller.status(job_id)["output"] == (1 if after else 2)


@pytest.mark.parametrize("after", [False, True])
def test_a_dropped_connection_is_a_disconnected_server(caller: Caller, after: bool) -> None:
    """aiohttp, which the SDK uses, sees ServerDisconnectedError, and the next call passes."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Drop(after)}))

    async def twice() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await post_done(caller.sim, job_id, session)
            assert caller.sim.job(job_id).state.final == after  # type: ignore[union-attr]
            return await post_done(caller.sim, job_id, session)

    assert asyncio.run(twice()) == 200
    assert caller.status(job_id)["status"] == "COMPLETED"
    assert [record.status for record in caller.sim.calls.of("job-done")] == [None, 200]


def test_a_large_body_is_read_before_the_connection_is_dropped(caller: Caller) -> None:
    """A sender of megabytes sees the same clean disconnection, not a broken pipe."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Drop()}))

    async def post() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": "local-worker-key"}) as session:
            await session.post(
                f"{caller.sim.url}/job-done/w/{job_id}?gpu=x", data=io.BytesIO(b"x" * 10_000_000)
            )

    with pytest.raises(aiohttp.ServerDisconnectedError):
        asyncio.run(post())


def test_a_hanging_connection_says_nothing_and_then_closes(caller: Caller) -> None:
    """A hang lasts as long as said, ends without an answer, and a caller may give up before."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Hang(0.3), ("job-done", 2): Hang(30)}))
    began = time.monotonic()
    with pytest.raises(httpx2.RemoteProtocolError):
        caller.done(job_id, {"output": 1})
    assert 0.25 < time.monotonic() - began < 15
    with pytest.raises(httpx2.ReadTimeout):
        caller.http.post(
            f"{caller.sim.url}/job-done/w/{job_id}",
            headers={"Authorization": "local-worker-key"},
            json={"output": 1},
            timeout=0.1,
        )
    assert caller.status(job_id)["status"] == "IN_PROGRESS"


def test_a_late_answer_comes_after_its_effect(caller: Caller) -> None:
    """A late job-done has ended its job before it is answered."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Late(0.3)}))

    async def post() -> tuple[bool, int]:
        async with aiohttp.ClientSession() as session:
            posting = asyncio.create_task(post_done(caller.sim, job_id, session))
            await asyncio.sleep(0.15)
            job = caller.sim.job(job_id)
            return bool(job and job.state.final and not posting.done()), await posting

    assert asyncio.run(post()) == (True, 200)


def test_a_job_can_be_handed_out_twice(caller: Caller) -> None:
    """A duplicated job-take gives the same job to the next worker; the first answer counts."""
    caller.sim.use(FaultPlan({("job-take", 1): Duplicate()}))
    job_id = caller.submit()
    first = caller.as_worker("GET", "job-take/w?gpu=x").json()
    second = caller.as_worker("GET", "job-take/v?gpu=x").json()
    assert first == second == {"id": job_id, "input": {"a": 1}}
    assert caller.status(job_id)["workerId"] == "w"


def test_an_answer_can_be_delivered_twice(caller: Caller) -> None:
    """A duplicated job-done reaches the queue twice and ends the job once."""
    job_id = taken(caller, FaultPlan({("job-done", 1): Duplicate()}))
    repeats = caller.sim.queue.counts().repeats
    assert caller.done(job_id, {"output": 1}).status_code == 200
    assert caller.sim.queue.counts().repeats == repeats + 1
    assert caller.status(job_id)["output"] == 1


def test_a_request_can_be_delivered_twice(caller: Caller) -> None:
    """A duplicated /run makes two jobs and answers the id of the second."""
    caller.sim.use(FaultPlan({("run", 1): Duplicate()}))
    job_id = caller.submit()
    first, second = caller.take(), caller.take()
    assert second == job_id != first


def test_a_plan_with_a_seed_does_the_same_again(caller: Caller) -> None:
    """The same calls under the same seed meet the same faults."""

    def statuses() -> list[int | None]:
        caller.sim.use(FaultPlan(rates={"health": 0.5}, menu=[Refuse(429), Refuse(503), Drop()], seed=5))
        for _ in range(40):
            try:
                caller.as_client("GET", "health")
            except httpx2.RemoteProtocolError:
                continue
        return [record.status for record in caller.sim.calls.of("health")]

    first = statuses()
    assert first == statuses()
    assert {None, 200, 429, 503} == set(first)


def test_the_log_says_what_was_called_and_what_became_of_it(caller: Caller) -> None:
    """Each call is recorded with its number, its ids, its fault and its status."""
    job_id = taken(caller, FaultPlan({("job-done", 2): Refuse(500)}))
    caller.done(job_id, {"status": "IN_PROGRESS", "output": 1})
    caller.done(job_id, {"output": 1})
    first, second = caller.sim.calls.of("job-done")
    assert (first.call.number, first.call.worker_id, first.call.job_id) == (1, "w", job_id)
    assert (first.fault, first.status) == (None, 200)
    assert (second.call.number, second.fault, second.status) == (2, Refuse(500), 500)
    assert first.began_at <= first.ended_at <= second.began_at <= second.ended_at


def test_a_hang_does_not_outlive_the_simulator() -> None:
    """A simulator ends at once although a connection hangs in it."""

    async def scene() -> float:
        async with aiohttp.ClientSession() as session:
            async with Simulator(faults=FaultPlan({("job-done", 1): Hang(60)})) as sim:
                hanging = asyncio.create_task(post_done(sim, "nobody", session))
                await asyncio.sleep(0.1)
                began = time.monotonic()
            with pytest.raises(aiohttp.ClientError):
                await hanging
            return time.monotonic() - began

    assert asyncio.run(scene()) < 15
