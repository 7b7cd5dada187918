import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from anomaly.errors import InvalidRequest, QueueFull
from anomaly.jobs import Ended, Job, Jobs, Postman, Postponed, State, Store, Voice, parse
from anomaly.outbound import anywhere

ASKED = parse({"input": {"image": "A"}})


async def at_once() -> None:
    """Be ready."""


async def echo(job: dict[str, Any], voice: Voice) -> Ended:
    """Answer at once."""
    return Ended(b'"done"')


async def for_ever(job: dict[str, Any], voice: Voice) -> Ended:
    """Never answer."""
    await asyncio.sleep(3600)
    raise AssertionError


async def breaking(job: dict[str, Any], voice: Voice) -> Ended:
    """Break."""
    raise ZeroDivisionError


Handle = Callable[[dict[str, Any], Voice], Awaitable[Ended]]


def with_jobs(
    handle: Handle, story: Callable[[Jobs], Awaitable[Any]], store: Store | None = None, **options: Any
) -> Any:
    """Run a story with a queue that is started before and closed after it."""

    async def told() -> Any:
        settings = {"at_once": 1, "most_waiting": 10, "keep_s": 60.0, **options}
        jobs = Jobs(store or Store(None), handle, Postman(anywhere, None), **settings)
        await jobs.start(at_once)
        try:
            async with asyncio.timeout(10):
                return await story(jobs)
        finally:
            await jobs.close()

    return asyncio.run(told())


async def in_state(jobs: Jobs, identity: str, state: State) -> Job:
    """Wait until a job is in a state."""
    while True:
        job = await jobs.get(identity)
        if job is not None and job.state is state:
            return job
        await asyncio.sleep(0.01)


def test_a_job_is_done_and_its_result_kept() -> None:
    """What was handed in comes back by its id."""

    async def story(jobs: Jobs) -> Job | None:
        return await jobs.wait((await jobs.submit(ASKED)).id, 5)

    done = with_jobs(echo, story)
    assert (done.state, done.output) == (State.COMPLETED, b'"done"')


def test_waiting_ends_with_its_time() -> None:
    """Who waits too short learns how the job stands."""

    async def story(jobs: Jobs) -> Job | None:
        return await jobs.wait((await jobs.submit(ASKED)).id, 0.2)

    assert with_jobs(for_ever, story).state is State.IN_PROGRESS


def test_a_running_job_is_cancelled_and_the_next_one_taken() -> None:
    """Cancelling stops the work, and the place is free."""

    async def story(jobs: Jobs) -> tuple[State, State]:
        first, second = await jobs.submit(ASKED), await jobs.submit(ASKED)
        await in_state(jobs, first.id, State.IN_PROGRESS)
        cancelled = await jobs.cancel(first.id)
        await in_state(jobs, second.id, State.IN_PROGRESS)
        again = await jobs.cancel(first.id)
        assert cancelled is not None
        assert again is not None
        return cancelled.state, again.state

    assert with_jobs(for_ever, story) == (State.CANCELLED, State.CANCELLED)


def test_a_job_that_breaks_fails_without_telling_how() -> None:
    """The caller gets a code, the log the reason."""

    async def story(jobs: Jobs) -> Job | None:
        return await jobs.wait((await jobs.submit(ASKED)).id, 5)

    failed = with_jobs(breaking, story)
    assert failed.state is State.FAILED
    assert json.loads(failed.error)["error"]["code"] == "internal_error"
    assert "ZeroDivision" not in failed.error


def test_a_job_that_runs_too_long_fails() -> None:
    """The policy's executionTimeout holds."""

    async def story(jobs: Jobs) -> Job | None:
        asked = parse({"input": {"image": "A"}, "policy": {"executionTimeout": 5000}})
        # The least that may be asked for is too long for a test.
        hasty = asked.model_copy(update={"policy": asked.policy.model_copy(update={"executionTimeout": 50})})
        return await jobs.wait((await jobs.submit(hasty)).id, 5)

    job = with_jobs(for_ever, story)
    assert job.state is State.FAILED
    assert "executionTimeout" in job.error


@pytest.mark.parametrize(("counts", "state", "runs"), [(True, State.FAILED, 3), (False, State.COMPLETED, 5)])
def test_what_this_server_cannot_do_waits_for_the_next(counts: bool, state: State, runs: int) -> None:
    """A job that is postponed is taken again; where its tries count it fails in the end with what it is said to."""
    ran = 0

    async def postponing(job: dict[str, Any], voice: Voice) -> Ended:
        nonlocal ran
        ran += 1
        await voice.chunk(b"1")
        if ran < 5:
            raise Postponed("the card is gone", counts=counts)
        return Ended(b'"done"')

    async def story(jobs: Jobs) -> tuple[Job | None, int]:
        identity = (await jobs.submit(ASKED)).id
        return await jobs.wait(identity, 5), len(await jobs.drain(identity))

    job, chunks = with_jobs(postponing, story)
    assert (job.state, ran, chunks) == (state, runs, 1)
    assert job.error == ("the card is gone" if counts else None)


def test_no_job_is_taken_before_the_server_is_ready() -> None:
    """Each time: a server that stops takes none of those that wait."""
    gate = asyncio.Event()

    async def told() -> list[State]:
        jobs = Jobs(Store(None), echo, Postman(anywhere, None), at_once=1, most_waiting=9, keep_s=60.0)
        gate.set()
        await jobs.start(gate.wait)
        first = await jobs.submit(ASKED)
        await jobs.wait(first.id, 5)
        gate.clear()
        second = await jobs.submit(ASKED)
        stand = [await jobs.wait(each.id, 0.3) for each in (first, second)]
        gate.set()
        stand.append(await jobs.wait(second.id, 5))
        await jobs.close()
        return [each.state for each in stand if each is not None]

    assert asyncio.run(told()) == [State.COMPLETED, State.IN_QUEUE, State.COMPLETED]


def test_a_stopped_server_leaves_its_jobs_to_the_next(tmp_path: Path) -> None:
    """What ran and what waited is done after the restart, each once."""

    async def first(jobs: Jobs) -> list[str]:
        ids = [(await jobs.submit(ASKED)).id for _ in range(3)]
        await in_state(jobs, ids[0], State.IN_PROGRESS)
        return ids

    async def second(jobs: Jobs) -> list[Job | None]:
        return [await jobs.wait(each, 5) for each in ids]

    ids = with_jobs(for_ever, first, Store(tmp_path / "jobs.sqlite3"))
    done = with_jobs(echo, second, Store(tmp_path / "jobs.sqlite3"))
    assert [(each.state, each.tries) for each in done] == [(State.COMPLETED, 1)] * 3


def test_more_than_may_wait_are_refused() -> None:
    """A full queue says so, and when to come again."""

    async def story(jobs: Jobs) -> None:
        first = await jobs.submit(ASKED)
        await in_state(jobs, first.id, State.IN_PROGRESS)
        await jobs.submit(ASKED)
        with pytest.raises(QueueFull) as full:
            await jobs.submit(ASKED)
        assert full.value.retry_after_s

    with_jobs(for_ever, story, most_waiting=1)


def test_the_queue_is_purged_of_what_waits() -> None:
    """What runs goes on."""

    async def story(jobs: Jobs) -> tuple[int, dict[State, int]]:
        first = await jobs.submit(ASKED)
        await in_state(jobs, first.id, State.IN_PROGRESS)
        for _ in range(2):
            await jobs.submit(ASKED)
        return await jobs.purge(), await jobs.counts()

    removed, counts = with_jobs(for_ever, story)
    assert removed == counts[State.CANCELLED] == 2
    assert counts[State.IN_PROGRESS] == 1


def test_a_failed_job_is_run_again() -> None:
    """A retry has the same id and its input; a completed job has none."""
    handed: list[object] = []

    async def noting(job: dict[str, Any], voice: Voice) -> Ended:
        handed.append(job["input"])
        return await breaking(job, voice)

    async def story(jobs: Jobs) -> None:
        job = await jobs.submit(ASKED)
        await jobs.wait(job.id, 5)
        again = await jobs.retry(job.id)
        assert again is not None
        assert (again.id, again.state) == (job.id, State.IN_QUEUE)
        assert (await jobs.wait(job.id, 5)).state is State.FAILED
        assert handed == [{"image": "A"}] * 2

    with_jobs(noting, story)

    async def completed(jobs: Jobs) -> Job | None:
        job = await jobs.submit(ASKED)
        await jobs.wait(job.id, 5)
        return await jobs.retry(job.id)

    assert with_jobs(echo, completed) is None


def test_what_is_nested_too_deeply_to_be_kept_is_refused() -> None:
    """It is the caller's to mend."""
    deep = json.loads("[" * 300 + "]" * 300)

    async def story(jobs: Jobs) -> None:
        with pytest.raises(InvalidRequest, match="nested"):
            await jobs.submit(parse({"input": {"image": deep}}))

    with_jobs(echo, story)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ({}, "input is missing"),
        ({"input": {}}, "input: "),
        ({"input": "A"}, "input: "),
        ({"input": {"image": "A"}, "webhook": "ftp://a"}, "webhook: "),
        ({"input": {"image": "A"}, "webhook": "http://xn--/"}, "webhook is not an address"),
        ({"input": {"image": "A"}, "webhook": "https:///done"}, "webhook is not an address"),
        ({"input": {"image": "A"}, "policy": {"ttl": 1}}, "policy.ttl: "),
        ({"input": {"image": "A"}, "policy": {"speed": 1}}, "policy.speed"),
        ({"input": {"image": "A"}, "id": "mine"}, "id is not a field"),
        ([], "expected an object"),
    ],
)
def test_what_is_no_job_says_why(value: object, match: str) -> None:
    """A wrong submission is refused with a sentence."""
    with pytest.raises(InvalidRequest, match=match):
        parse(value)
