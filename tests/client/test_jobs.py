"""Jobs: handed in, waited for, streamed, cancelled and lost, at a pod and at an endpoint."""

import pytest

from anomaly.client import Answer, Client, Failed, JobCancelled, JobFailed, JobLost, ResultLate, State
from anomaly.errors import InvalidRequest
from anomaly.simulator import Drop, FaultPlan, Late, Refuse, Simulator
from tests.client.conftest import QUICK
from tests.pictures import encoded, gradient

pytestmark = pytest.mark.xdist_group("client")

PHOTO = encoded(gradient(96, 64), "JPEG")


def test_a_job_is_handed_in_and_waited_for(either: Client) -> None:
    """`submit` returns at once; the job says how it stands, and has the answer in the end."""
    job = either.submit(PHOTO, frame_id="a")
    answer = job.result(30)
    assert not isinstance(answer, Failed)
    assert answer.frame_id == "a"
    status = either.job(job.id).status()
    assert status.state is State.COMPLETED
    assert status.execution_ms is not None
    assert list(job.stream()) == [answer]


def test_a_failed_job_raises_with_its_code(either: Client) -> None:
    """The job's error is the server's, and knows the job."""
    job = either.submit(b"no picture at all")
    with pytest.raises(JobFailed, match="not a picture") as raised:
        job.result(30)
    assert (raised.value.code, raised.value.job_id) == ("unsupported_image", job.id)
    with pytest.raises(JobFailed, match="not a picture"):
        list(job.stream())


def test_a_job_of_several_photos_answers_each(either: Client) -> None:
    """A list is one job, whose results stand in order, the failed ones among them."""
    job = either.submit([PHOTO, b"no picture", PHOTO], confidence_threshold=0.1)
    first, second, third = job.results(30)
    assert isinstance(first, Answer)
    assert isinstance(second, Failed)
    assert isinstance(third, Answer)
    assert first.findings == third.findings
    assert second.code == "unsupported_image"
    with pytest.raises(ValueError, match="`results` returns an answer for each"):
        job.result()
    with pytest.raises(InvalidRequest, match="not both"):
        either.submit([PHOTO, "https://example.org/a.jpg"])


def test_answers_are_streamed(either: Client) -> None:
    """With `stream` each answer comes once, as soon as it is there, and the results are whole all the same."""
    job = either.submit([PHOTO, b"no picture", PHOTO], stream=True)
    assert sorted(type(each).__name__ for each in job.stream()) == ["Answer", "Answer", "Failed"]
    assert [type(each).__name__ for each in job.results(20)] == ["Answer", "Failed", "Answer"]


def test_what_a_stream_loses_comes_in_the_end(endpoint: Client, sim: Simulator) -> None:
    """A piece that was on a connection that broke is taken from the result."""
    sim.use(
        FaultPlan({("stream", 1): Late(0.3), ("stream", 2): Drop(after=True), ("stream", 3): Refuse(503)})
    )
    job = endpoint.submit([PHOTO, b"no picture", PHOTO], stream=True)
    assert sorted(type(each).__name__ for each in job.stream()) == ["Answer", "Answer", "Failed"]
    assert [type(each).__name__ for each in job.results()] == ["Answer", "Failed", "Answer"]


def test_a_cancelled_job_has_no_result() -> None:
    """`cancel` ends a job that nobody has taken, and its result is that it was cancelled."""
    with Simulator() as sim, Client(sim.url, sim.api_key, **QUICK) as client:
        job = client.submit(PHOTO)
        assert job.status().state is State.IN_QUEUE
        with pytest.raises(ResultLate, match="goes on"):
            job.result(0.1)
        assert job.cancel() is State.CANCELLED
        with pytest.raises(JobCancelled, match="was cancelled"):
            job.result(5)


def test_a_job_that_nobody_knows_is_lost(either: Client) -> None:
    """An id that the server does not know, or knows no more, raises `JobLost` at every call."""
    job = either.job("no-such-job")
    for call in (job.status, job.result, job.cancel, lambda: list(job.stream())):
        with pytest.raises(JobLost, match="does not know job no-such-job"):
            call()


def test_an_answer_that_comes_too_late_ends_its_job() -> None:
    """Where no worker comes within the time given, `detect` gives up and cancels the job."""
    with Simulator() as sim, Client(sim.url, sim.api_key, timeout_s=1.2, **QUICK) as client:
        with pytest.raises(ResultLate):
            client.detect(PHOTO)
        assert [str(job.state) for job in sim.queue.jobs()] == ["CANCELLED"]
