"""What time does to the jobs of a queue: the clock is a hand that the tests move."""

from collections.abc import Callable

import pytest

from anomaly.simulator.job import Job, Policy, Submission
from anomaly.simulator.queue import JobQueue
from anomaly.types import JobState as State
from tests.simulator.conftest import Hand, state


def test_a_job_that_waits_beyond_its_ttl_has_timed_out(queue: JobQueue, hand: Hand) -> None:
    """At its ttl a waiting job is TIMED_OUT, is not handed out, and can be retried."""
    job = queue.submit(Submission(1, policy=Policy(ttl_s=10)))
    hand.now += 10
    assert queue.take("w") == []
    assert state(queue, job) is State.TIMED_OUT
    assert queue.retry(job.id) is not None
    assert [taken.id for taken in queue.take("w")] == [job.id]


def test_a_job_that_runs_beyond_its_ttl_has_timed_out_and_its_answer_finds_no_job(
    queue: JobQueue, hand: Hand
) -> None:
    """At its ttl a running job is TIMED_OUT, its worker is told to stop, its answer is refused."""
    job = queue.submit(Submission(1, policy=Policy(ttl_s=10)))
    queue.take("w")
    hand.now += 10
    queue.sweep()
    assert state(queue, job) is State.TIMED_OUT
    assert queue.stops("w") == [job.id]
    assert not queue.answer(job.id, 1)


def test_a_job_that_runs_too_long_fails_as_on_the_platform(queue: JobQueue, hand: Hand) -> None:
    """At its execution timeout a job has FAILED with the platform's words and is stopped at its worker."""
    job = queue.submit(Submission(1, policy=Policy(execution_timeout_s=20)))
    hand.now += 100
    queue.take("w")
    hand.now += 19.9
    assert state(queue, job) is State.IN_PROGRESS
    hand.now += 0.1
    ended = queue.get(job.id)
    assert ended is not None
    assert (ended.state, ended.error) == (State.FAILED, "executionTimeout exceeded")
    assert queue.stops("w") == [job.id]


def test_a_job_no_ping_names_is_handed_out_once_more_and_then_fails(queue: JobQueue, hand: Hand) -> None:
    """Lost once, a job is back at the head of the queue; lost twice, it has FAILED."""
    job = queue.submit(Submission(1))
    queue.take("w")
    other = queue.submit(Submission(1))
    hand.now += 40
    queue.sweep()
    assert state(queue, job) is State.IN_QUEUE
    assert [taken.id for taken in queue.take("v", 2)] == [job.id, other.id]
    hand.now += 40
    queue.sweep()
    assert queue.get(job.id).for_client() == {  # type: ignore[union-attr]
        "id": job.id,
        "status": "FAILED",
        "delayTime": 40_000,
        "executionTime": 40_000,
        "workerId": "v",
        "retries": 1,
        "error": "job timed out after 1 retries",
    }


@pytest.mark.parametrize(
    "sign",
    [
        lambda queue, job: queue.heard([job.id, ""], "w"),
        lambda queue, job: queue.progress(job.id, "half"),
        lambda queue, job: queue.stream(job.id, "chunk"),
    ],
)
def test_a_sign_of_life_keeps_a_job_with_its_worker(
    queue: JobQueue, hand: Hand, sign: Callable[[JobQueue, Job], object]
) -> None:
    """A ping that names it, progress or a chunk keep a long job from being lost."""
    job = queue.submit(Submission(1))
    queue.take("w")
    hand.now += 30
    sign(queue, job)
    hand.now += 30
    queue.sweep()
    assert state(queue, job) is State.IN_PROGRESS


def test_the_ping_of_another_worker_keeps_nothing(queue: JobQueue, hand: Hand) -> None:
    """Only the worker that has a job keeps it alive."""
    job = queue.submit(Submission(1))
    queue.take("w")
    hand.now += 30
    queue.heard([job.id], "v")
    hand.now += 10
    assert state(queue, job) is State.IN_QUEUE


def test_the_jobs_of_a_dead_worker_are_handed_out_again_at_once(queue: JobQueue) -> None:
    """When a worker's process has ended, its jobs, and only its, are back in the queue."""
    mine, other = queue.submit(Submission(1)), queue.submit(Submission(1))
    queue.take("w")
    queue.take("v")
    queue.worker_gone("w")
    assert (state(queue, mine), state(queue, other)) == (State.IN_QUEUE, State.IN_PROGRESS)
    assert queue.counts().retried == 1


def test_an_answer_that_comes_after_all_still_counts(queue: JobQueue) -> None:
    """A job that was given up and waits again is ended by its first worker's late answer."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.worker_gone("w")
    queue.answer(job.id, "after all")
    assert queue.get(job.id).output == "after all"  # type: ignore[union-attr]
    assert queue.take("v") == []


@pytest.mark.parametrize(("sync", "kept_s"), [(False, 1800), (True, 60)])
def test_results_are_kept_as_long_as_the_platform_keeps_them(
    queue: JobQueue, hand: Hand, sync: bool, kept_s: float
) -> None:
    """Half an hour for /run, a minute for /runsync; then there is no such job."""
    job = queue.submit(Submission(1, sync=sync))
    queue.take("w")
    queue.answer(job.id, 1)
    hand.now += kept_s - 0.1
    assert state(queue, job) is State.COMPLETED
    hand.now += 0.1
    assert queue.get(job.id) is None
    assert queue.retry(job.id) is None


def test_a_result_does_not_outlive_its_ttl(queue: JobQueue, hand: Hand) -> None:
    """A completed job is forgotten at its ttl, also where /status has shortened that."""
    job, other = queue.submit(Submission(1, policy=Policy(ttl_s=100))), queue.submit(Submission(1))
    queue.take("w", 2)
    queue.answer(job.id, 1)
    queue.answer(other.id, 1)
    queue.keep_for(other.id, 6)
    hand.now += 6
    queue.sweep()
    assert [kept.id for kept in queue.jobs()] == [job.id]
    hand.now += 94
    assert queue.get(job.id) is None
