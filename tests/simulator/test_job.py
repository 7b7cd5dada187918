from anomaly.simulator.job import Job, Submission
from anomaly.types import JobState as State


def test_only_what_a_worker_may_still_change_is_not_final() -> None:
    """A job is final in every state but IN_QUEUE and IN_PROGRESS."""
    assert {state for state in State if not state.final} == {State.IN_QUEUE, State.IN_PROGRESS}


def test_a_waiting_job_shows_no_times() -> None:
    """A queued job has an id and a status, and no delay that is not over."""
    assert Job("a", Submission(1), 0.0, 9.0).for_client() == {"id": "a", "status": "IN_QUEUE"}


def test_times_are_whole_milliseconds_between_queue_worker_and_end() -> None:
    """Delay is from submission to the worker, execution from the worker to the end."""
    job = Job("a", Submission(1), 10.0, 99.0).taken("w", 10.25).finished(State.COMPLETED, 11.0, {"x": 1})
    assert job.for_client() == {
        "id": "a",
        "status": "COMPLETED",
        "delayTime": 250,
        "executionTime": 750,
        "workerId": "w",
        "output": {"x": 1},
    }


def test_a_worker_is_given_the_bucket_and_the_webhook() -> None:
    """The worker gets input, webhook and s3Config as the client sent them."""
    submission = Submission({"a": 1}, webhook="http://h/", s3_config={"bucketName": "b"})
    assert Job("a", submission, 0.0, 9.0).for_worker() == {
        "id": "a",
        "input": {"a": 1},
        "webhook": "http://h/",
        "s3Config": {"bucketName": "b"},
    }


def test_an_empty_input_is_left_out_as_the_platform_does() -> None:
    """A job whose input is an empty object reaches the worker without one."""
    assert Job("a", Submission({}), 0.0, 9.0).for_worker() == {"id": "a"}


def test_falsy_outputs_are_outputs() -> None:
    """An output of 0, False or an empty list is shown; only None is none."""
    done = [
        Job("a", Submission(1), 0.0, 9.0).finished(State.COMPLETED, 1.0, output)
        for output in (0, False, [], None)
    ]
    assert ["output" in job.for_client() for job in done] == [True, True, True, False]
