"""Results reach the platform through its faults."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import pytest

from anomaly.serving.worker.delivery import Door, deliver
from anomaly.simulator import Drop, Duplicate, Fault, FaultPlan, Hang, Late, Refuse, Simulator, State
from anomaly.simulator.job import Job, Submission

pytestmark = pytest.mark.xdist_group("sdk")

BODY, INSTEAD = b'{"output":[1]}', b'{"error":"refused"}'


def delivered(faults: Sequence[Fault], budget_s: float = 20.0) -> tuple[bool, Job, int, float]:
    """Deliver a result past `faults`: whether it arrived, the job after it, the calls it took, and s."""

    async def run() -> tuple[bool, Job, int, float]:
        plan = FaultPlan({("job-done", number): fault for number, fault in enumerate(faults, 1)})
        async with Simulator(worker_key=None, faults=plan) as sim, aiohttp.ClientSession() as session:
            sim.queue.submit(Submission({"number": 1}))
            [job] = sim.queue.take("w")
            door = Door(session, f"{sim.url}/job-done/w/$ID?gpu=simulated")
            started = time.perf_counter()
            known = await deliver(door, job.id, BODY, INSTEAD, budget_s)
            after = sim.job(job.id)
            assert after is not None
            return known, after, len(sim.calls.of("job-done")), time.perf_counter() - started

    return asyncio.run(run())


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(408),
        Refuse(429),
        Refuse(500),
        Refuse(503, after=True),
        Drop(),
        Drop(after=True),
        Hang(0.1),
        Hang(0.1, after=True),
        Refuse(400),
        Refuse(401),
    ],
    ids=repr,
)
def test_a_fault_does_not_cost_the_result(fault: Fault) -> None:
    """Whatever happens to the first two calls, and whether they had their effect, the third brings it home."""
    known, job, calls, _ = delivered([fault, fault])
    assert known
    assert (job.state, job.output, calls) == (State.COMPLETED, [1], 3)


@pytest.mark.parametrize("fault", [Late(0.1), Duplicate()], ids=repr)
def test_what_arrived_is_not_sent_again(fault: Fault) -> None:
    """A late acknowledgement is waited for."""
    known, job, calls, _ = delivered([fault])
    assert known
    assert (job.output, calls) == ([1], 1)


def test_the_wait_that_the_platform_asks_for_is_kept() -> None:
    """`Retry-After: 1` is a second."""
    known, _, calls, took_s = delivered([Refuse(429, retry_after_s=1)])
    assert known
    assert calls == 2
    assert took_s >= 1


def test_a_result_that_is_refused_for_what_it_is_gives_way_to_an_error() -> None:
    """After three refusals the job ends FAILED with a reason, instead of never."""
    known, job, calls, _ = delivered([Refuse(413)] * 3)
    assert known
    assert (job.state, job.error, calls) == (State.FAILED, "refused", 4)


def test_a_job_that_nobody_knows_any_more_needs_no_result() -> None:
    """404 ends it at once."""
    known, _, calls, _ = delivered([Refuse(404)])
    assert not known
    assert calls == 1


def test_the_tries_end_with_their_budget() -> None:
    """A platform that is gone does not hold the result for ever, not even by hanging."""
    known, job, calls, took_s = delivered([Refuse(500)] * 100, budget_s=0.5)
    assert not known
    assert job.state is State.IN_PROGRESS
    assert 2 <= calls <= 6
    assert took_s < 10
    known, _, _, took_s = delivered([Hang(30.0)] * 100, budget_s=0.5)
    assert not known
    assert took_s < 10
