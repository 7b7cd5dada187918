from dataclasses import replace

import pytest

from anomaly.errors import InvalidRequest, QueueFull
from anomaly.simulator.job import Policy, Submission
from anomaly.simulator.limits import Limits
from anomaly.simulator.queue import JobQueue
from anomaly.types import JobState as State
from tests.simulator.conftest import Hand, state


def test_a_job_goes_from_the_queue_to_a_worker_to_its_end(queue: JobQueue, hand: Hand) -> None:
    """IN_QUEUE, IN_PROGRESS, COMPLETED with the output and the times in between."""
    job = queue.submit(Submission({"a": 1}))
    assert state(queue, job) is State.IN_QUEUE
    hand.now += 2
    assert [taken.id for taken in queue.take("w")] == [job.id]
    assert state(queue, job) is State.IN_PROGRESS
    hand.now += 3
    assert queue.answer(job.id, {"b": 2})
    assert queue.get(job.id).for_client() == {  # type: ignore[union-attr]
        "id": job.id,
        "status": "COMPLETED",
        "delayTime": 2000,
        "executionTime": 3000,
        "workerId": "w",
        "output": {"b": 2},
    }


def test_ids_say_which_door_a_job_came_by(queue: JobQueue) -> None:
    """The id of a /runsync job starts with sync-, as on the platform."""
    assert queue.submit(Submission(1, sync=True)).id.startswith("sync-")
    assert not queue.submit(Submission(1)).id.startswith("sync-")


@pytest.mark.parametrize(
    ("error", "expected"), [("broken", State.FAILED), ("", State.COMPLETED), (None, State.COMPLETED)]
)
def test_an_error_that_is_not_empty_fails_a_job(queue: JobQueue, error: str | None, expected: State) -> None:
    """A job has FAILED by a non-empty error alone; an empty one leaves it COMPLETED."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.answer(job.id, error=error)
    assert state(queue, job) is expected


def test_the_first_answer_counts(queue: JobQueue) -> None:
    """A second answer is accepted, changes nothing, and is counted."""
    job = queue.submit(Submission(1))
    queue.take("w")
    assert queue.answer(job.id, "first")
    assert queue.answer(job.id, "second")
    assert queue.get(job.id).output == "first"  # type: ignore[union-attr]
    assert (queue.counts().completed, queue.counts().repeats) == (1, 1)


def test_an_answer_to_a_job_nobody_knows_is_refused(queue: JobQueue) -> None:
    """Answers, progress and chunks of an unknown job report that there is none."""
    assert not queue.answer("nobody", 1)
    assert not queue.progress("nobody", 1)
    assert not queue.stream("nobody", 1)


def test_jobs_are_handed_out_in_order_and_low_priority_last(queue: JobQueue) -> None:
    """Within a priority the oldest is first; a low-priority job waits for all others."""
    low = queue.submit(Submission(1, policy=Policy(low_priority=True)))
    first, second = queue.submit(Submission(1)), queue.submit(Submission(1))
    assert [job.id for job in queue.take("w", 2)] == [first.id, second.id]
    assert [job.id for job in queue.take("w", 2)] == [low.id]
    assert queue.take("w") == []


def test_a_cancelled_job_in_the_queue_is_never_handed_out(queue: JobQueue) -> None:
    """Cancelling a waiting job ends it, and no worker gets it."""
    job = queue.submit(Submission(1))
    queue.cancel(job.id)
    assert state(queue, job) is State.CANCELLED
    assert queue.take("w") == []
    assert queue.stops("w") == []


def test_a_cancelled_job_in_progress_is_stopped_once_at_its_worker(queue: JobQueue) -> None:
    """Cancelling a running job tells its worker, once, and a later answer changes nothing."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.cancel(job.id)
    assert queue.stops("other") == []
    assert queue.stops("w") == [job.id]
    assert queue.stops("w") == []
    queue.answer(job.id, "late")
    assert state(queue, job) is State.CANCELLED


def test_cancelling_what_has_ended_changes_nothing(queue: JobQueue) -> None:
    """A completed job stays COMPLETED, an unknown one is None."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.answer(job.id, 1)
    assert queue.cancel(job.id) == queue.get(job.id)
    assert queue.cancel("nobody") is None


def test_a_purge_cancels_what_waits_and_nothing_else(queue: JobQueue) -> None:
    """Purging returns how many waited; jobs in progress go on."""
    running = queue.submit(Submission(1))
    queue.take("w")
    waiting = [queue.submit(Submission(1)), queue.submit(Submission(1, policy=Policy(low_priority=True)))]
    assert queue.purge() == 2
    assert [state(queue, job) for job in waiting] == [State.CANCELLED] * 2
    assert state(queue, running) is State.IN_PROGRESS


def test_a_failed_job_can_be_retried_with_the_same_id(queue: JobQueue, hand: Hand) -> None:
    """Retrying removes the old answer and queues the same input under the same id."""
    job = queue.submit(Submission({"a": 1}))
    queue.take("w")
    queue.answer(job.id, "partial", "broken")
    hand.now += 5
    retried = queue.retry(job.id)
    assert retried is not None
    assert retried.for_client() == {"id": job.id, "status": "IN_QUEUE"}
    assert queue.take("w")[0].submission.input == {"a": 1}
    assert queue.counts().retried == 1


def test_a_job_that_has_not_failed_cannot_be_retried(queue: JobQueue) -> None:
    """Retrying a job that waits is refused with its state; an unknown one is None."""
    job = queue.submit(Submission(1))
    with pytest.raises(InvalidRequest, match="IN_QUEUE"):
        queue.retry(job.id)
    assert queue.retry("nobody") is None


def test_a_duplicate_is_the_same_job_in_two_hands(queue: JobQueue) -> None:
    """A job handed out again goes to the next taker while it stays in progress with the first."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.hand_out_again(job.id)
    assert [taken.id for taken in queue.take("v")] == [job.id]
    assert queue.get(job.id).worker_id == "w"  # type: ignore[union-attr]


def test_progress_shows_until_the_result_replaces_it(queue: JobQueue) -> None:
    """Interim output is visible while a job runs and cannot land on a finished one."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.progress(job.id, "half")
    assert queue.get(job.id).for_client()["output"] == "half"  # type: ignore[union-attr]
    queue.answer(job.id, "whole")
    assert queue.progress(job.id, "half, late")
    assert queue.get(job.id).for_client()["output"] == "whole"  # type: ignore[union-attr]


def test_chunks_are_drained_in_order_and_once(queue: JobQueue) -> None:
    """Each call gets the chunks since the last one."""
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.stream(job.id, {"output": 1})
    queue.stream(job.id, {"output": 2})
    assert queue.drain(job.id) == [{"output": 1}, {"output": 2}]
    queue.stream(job.id, {"output": 3})
    assert queue.drain(job.id) == [{"output": 3}]
    assert queue.drain(job.id) == []


def test_a_queue_beyond_its_length_refuses(hand: Hand) -> None:
    """More jobs than the workers' share and the floor are refused until some are taken."""
    queue = JobQueue(hand, replace(Limits(), max_workers=1, queue_per_worker=2, queue_floor=1))
    queue.submit(Submission(1))
    queue.submit(Submission(1))
    with pytest.raises(QueueFull, match="2 jobs wait"):
        queue.submit(Submission(1))
    queue.take("w")
    queue.submit(Submission(1))


def test_every_change_is_told(hand: Hand) -> None:
    """The listener hears of each state a job goes through."""
    heard: list[State] = []
    queue = JobQueue(hand, on_change=lambda job: heard.append(job.state))
    job = queue.submit(Submission(1))
    queue.take("w")
    queue.answer(job.id, error="broken")
    assert heard == [State.IN_QUEUE, State.IN_PROGRESS, State.FAILED]


def test_counts_are_of_the_moment_and_of_all_time(queue: JobQueue) -> None:
    """Waiting and running jobs are counted as they are, ended ones since the start."""
    jobs = [queue.submit(Submission(1)) for _ in range(5)]
    queue.take("w", 3)
    queue.answer(jobs[0].id, 1)
    queue.answer(jobs[1].id, error="broken")
    queue.cancel(jobs[3].id)
    counts = queue.counts()
    assert (counts.in_queue, counts.in_progress) == (1, 1)
    assert (counts.completed, counts.failed, counts.cancelled) == (1, 1, 1)
