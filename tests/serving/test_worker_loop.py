"""The worker's loop, under the real SDK's functions, against the simulated platform."""

import asyncio
import os
import signal
from typing import Any

import orjson
import pytest

from anomaly.errors import DeviceLost, OutOfMemory
from anomaly.serving.handling.results import Written
from anomaly.serving.worker import loop as worker_loop
from anomaly.serving.worker.delivery import Door, deliver
from anomaly.serving.worker.recycling import FAILURES_IN_A_ROW, Recycling
from anomaly.simulator import Duplicate, FaultPlan, Limits, Refuse, State
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("sdk")


async def echo(job: dict[str, Any]) -> Written:
    """Answer the job's number, after the pause that it asks for."""
    await asyncio.sleep(job["input"].get("sleep_s", 0))
    return Written(b'{"number":%d}' % job["input"].get("number", 0))


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_slot_is_filled_as_soon_as_it_is_free(monkeypatch: pytest.MonkeyPatch, concurrency: int) -> None:
    """Where one job ends the next one begins, whatever the others do; the SDK's own loop looks once a second."""
    ends: dict[int, asyncio.Event] = {}

    async def hold(job: dict[str, Any]) -> Written:
        number = job["input"]["number"]
        ends[number] = asyncio.Event()
        await ends[number].wait()
        return Written(b'{"number":%d}' % number)

    async def run() -> None:
        async with working(monkeypatch, hold, concurrency=concurrency) as bench:
            ids = [bench.submit(number=number) for number in range(concurrency + 40)]
            await bench.until(lambda: len(ends) == concurrency)
            async with asyncio.timeout(20):
                for number in range(40):
                    ends[number].set()
                    await bench.until(lambda: concurrency + number in ends)  # noqa: B023 - awaited at once
            for number in range(40, len(ids)):
                ends[number].set()
            jobs = [await bench.ended(each) for each in ids]
            assert [job.output for job in jobs] == [{"number": number} for number in range(len(ids))]

    asyncio.run(run())


def test_no_more_jobs_are_in_work_than_there_are_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrency 3 means 3, however many wait."""
    now, most = 0, 0

    async def count(job: dict[str, Any]) -> Written:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Written(b"1")

    async def run() -> None:
        async with working(monkeypatch, count, concurrency=3) as bench:
            for each in [bench.submit() for _ in range(20)]:
                await bench.ended(each)

    asyncio.run(run())
    assert most == 3


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_refused_polls_make_no_storm(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Where every poll is refused at once, a second sees a few of them, and not 1,500."""
    faults = FaultPlan(rates={"job-take": 1, "job-stop": 1}, menu=(Refuse(status),))

    async def run() -> int:
        async with working(monkeypatch, echo, faults=faults) as bench:
            await asyncio.sleep(0.6)
            return sum(1 for _ in bench.sim.calls)

    assert 2 <= asyncio.run(run()) <= 25


def test_empty_polls_make_no_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that answers 204 at once is asked less and less often."""

    async def run() -> int:
        async with working(monkeypatch, echo, limits=Limits(poll_s=0.0)) as bench:
            await asyncio.sleep(0.6)
            return sum(1 for _ in bench.sim.calls)

    assert 4 <= asyncio.run(run()) <= 30


def test_a_job_is_taken_soon_after_the_trouble_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few refused polls delay the next job by less than seconds."""
    faults = FaultPlan({("job-take", number): Refuse(500) for number in (1, 2, 3)})

    async def run() -> State:
        async with working(monkeypatch, echo, faults=faults) as bench:
            return (await bench.ended(bench.submit(), 5)).state

    assert asyncio.run(run()) is State.COMPLETED


def test_a_job_that_is_handed_out_twice_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a job is in flight, its double is left alone."""
    runs = 0

    async def count(job: dict[str, Any]) -> Written:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.2)
        return Written(b"1")

    async def run() -> None:
        faults = FaultPlan({("job-take", 1): Duplicate(), ("job-take-batch", 1): Duplicate()})
        async with working(monkeypatch, count, concurrency=4, faults=faults) as bench:
            await bench.ended(bench.submit())

    asyncio.run(run())
    assert runs == 1


def test_a_cancelled_job_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that its client cancels ends at its next await; others in flight go on."""
    ends: dict[int, str] = {}

    async def note(job: dict[str, Any]) -> Written:
        number = job["input"]["number"]
        try:
            answer = await echo(job)
        except asyncio.CancelledError:
            ends[number] = "cancelled"
            raise
        ends[number] = "answered"
        return answer

    async def run() -> None:
        async with working(monkeypatch, note, concurrency=2) as bench:
            first, second = (bench.submit(number=number, sleep_s=0.5) for number in (1, 2))
            await bench.until(lambda: bench.job(second).state is State.IN_PROGRESS)
            await asyncio.sleep(0.05)
            bench.sim.queue.cancel(first)
            assert (await bench.ended(second)).state is State.COMPLETED
            assert bench.job(first).state is State.CANCELLED

    asyncio.run(run())
    assert ends == {1: "cancelled", 2: "answered"}


def test_sigterm_ends_an_idle_worker_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The polls are cancelled, and nothing is waited for."""

    async def run() -> None:
        async with working(monkeypatch, echo, limits=Limits(poll_s=60.0)) as bench:
            await bench.until(lambda: bench.sim.roster.presence("w") is not None)
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(asyncio.shield(bench.running), 20)

    asyncio.run(run())


def test_sigterm_is_heard_while_an_answer_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll whose answer has begun is read to its end, for there may be a job in it, and is the last."""

    async def run() -> int:
        async with working(monkeypatch, echo, limits=Limits(poll_s=0.5)) as bench:
            await bench.until(lambda: bench.sim.roster.presence("w") is not None)
            bench.loop._answering()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert not bench.running.done()
            await asyncio.wait_for(asyncio.shield(bench.running), 2)
            return len(bench.sim.calls.of("job-take"))

    assert asyncio.run(run()) == 1


def test_sigterm_lets_running_jobs_finish_and_takes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in work is answered, what waits stays for another worker."""

    async def run() -> None:
        async with working(monkeypatch, echo, concurrency=2) as bench:
            running = [bench.submit(number=number, sleep_s=0.3) for number in (1, 2)]
            waiting = bench.submit(number=3)
            await bench.until(lambda: all(bench.job(each).state is State.IN_PROGRESS for each in running))
            await asyncio.sleep(0.05)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(asyncio.shield(bench.running), 5)
            assert [bench.job(each).output for each in running] == [{"number": 1}, {"number": 2}]
            assert bench.job(waiting).state is State.IN_QUEUE

    asyncio.run(run())


def test_a_worker_is_replaced_after_so_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop ends after `jobs_max` jobs, each answered; the last result alone asks for a new worker."""

    sent: list[dict[str, Any]] = []

    async def noted(door: Door, job_id: str, body: bytes, instead: bytes) -> bool:
        sent.append(orjson.loads(body))
        return await deliver(door, job_id, body, instead)

    monkeypatch.setattr(worker_loop, "deliver", noted)

    async def run() -> None:
        async with working(monkeypatch, echo, concurrency=3, recycling=Recycling(jobs_max=5)) as bench:
            ids = [bench.submit(number=number, sleep_s=0.02) for number in range(7)]
            await asyncio.wait_for(asyncio.shield(bench.running), 10)
            states = [bench.job(each).state for each in ids]
            assert states == [State.COMPLETED] * 5 + [State.IN_QUEUE] * 2

    asyncio.run(run())
    assert [each.get("stopPod", False) for each in sent] == [False] * 4 + [True]


def test_memory_that_does_not_come_back_ends_the_worker() -> None:
    """Jobs in a row that the model fails say that it is not their photographs; an answer takes it back."""
    recycling = Recycling()
    failure = OutOfMemory("too much")
    for _ in range(FAILURES_IN_A_ROW - 1):
        recycling.ended([failure])
    recycling.ended([failure, None])
    assert recycling.reason is None
    for _ in range(FAILURES_IN_A_ROW):
        recycling.ended([failure])
    assert recycling.reason == f"the model failed {FAILURES_IN_A_ROW} jobs in a row"


def test_a_lost_device_ends_the_worker_at_once() -> None:
    """Nothing that comes after it can be answered: no second failure is waited for, and no answer takes it back."""
    recycling = Recycling()
    recycling.ended([None, DeviceLost("gone")])
    recycling.ended([None])
    assert recycling.reason == "the device answers this process no more"


def test_a_result_that_cannot_be_delivered_yet_holds_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first result meets refusals, the next job runs."""
    faults = FaultPlan({("job-done", number): Refuse(503) for number in (1, 2)})

    async def run() -> None:
        async with working(monkeypatch, echo, faults=faults) as bench:
            first, second = bench.submit(number=1), bench.submit(number=2)
            assert (await bench.ended(first)).output == {"number": 1}
            assert (await bench.ended(second)).output == {"number": 2}

    asyncio.run(run())
