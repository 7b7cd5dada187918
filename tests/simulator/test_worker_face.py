import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from anomaly.simulator import Limits, Simulator
from anomaly.simulator.limits import MIB
from tests.simulator.conftest import Caller


def test_a_job_is_taken_as_the_sdk_expects_it(caller: Caller) -> None:
    """job-take answers one object with id and input, labelled JSON."""
    job_id = caller.submit(s3Config={"bucketName": "b"})
    answer = caller.as_worker("GET", "job-take/w?gpu=x&job_in_progress=0")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"id": job_id, "input": {"a": 1}, "s3Config": {"bucketName": "b"}}
    assert caller.status(job_id)["status"] == "IN_PROGRESS"


def test_a_batch_is_what_there_is_up_to_its_size(caller: Caller) -> None:
    """job-take-batch answers a list, not longer than asked for, and does not wait to fill it."""
    job_ids = [caller.submit() for _ in range(3)]
    first = caller.as_worker("GET", "job-take-batch/w?gpu=x&batch_size=2&job_in_progress=0").json()
    second = caller.as_worker("GET", "job-take-batch/w?gpu=x&batch_size=2&job_in_progress=1").json()
    assert [job["id"] for job in first] == job_ids[:2]
    assert [job["id"] for job in second] == job_ids[2:]


def test_a_poll_is_held_until_a_job_comes(caller: Caller) -> None:
    """A worker that asks before there is a job gets it as soon as there is one."""
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(caller.as_worker, "GET", "job-take/w?gpu=x")
        assert not threading.Event().wait(0.1)
        assert not poll.done()
        job_id = caller.submit()
        assert poll.result(timeout=2).json()["id"] == job_id


def test_polls_end_empty_after_their_time() -> None:
    """With nothing to tell, job-take, job-take-batch and job-stop end in 204."""
    with Simulator(limits=Limits(poll_s=0.05)) as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        for path in ("job-take/w?gpu=x", "job-take-batch/w?gpu=x&batch_size=4", "job-stop/w?gpu=x"):
            answer = caller.as_worker("GET", path)
            assert (answer.status_code, answer.content) == (204, b"")


def test_a_worker_that_has_hung_up_is_not_given_a_job(caller: Caller) -> None:
    """A job that comes after a poll was given up stays in the queue for the next one."""
    with pytest.raises(httpx2.ReadTimeout):
        caller.http.get(
            f"{caller.sim.url}/job-take/w?gpu=x", headers={"Authorization": "local-worker-key"}, timeout=0.2
        )
    caller.sim.wait_until(lambda: any(r.call.worker_id == "w" for r in caller.sim.calls.of("job-take")), 60)
    job_id = caller.submit()
    assert caller.status(job_id)["status"] == "IN_QUEUE"
    assert caller.take() == job_id


def test_a_cancelled_job_is_told_to_its_worker(caller: Caller) -> None:
    """job-stop is held until a job of the worker is to be stopped, and names it."""
    job_id = caller.submit()
    caller.take()
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(caller.as_worker, "GET", "job-stop/w?gpu=x")
        caller.as_client("POST", f"cancel/{job_id}")
        assert poll.result(timeout=2).json() == {"jobsToStop": [job_id]}


@pytest.mark.parametrize(
    ("result", "status", "shown"),
    [
        ({"output": {"b": 2}}, "COMPLETED", {"output": {"b": 2}}),
        ({"output": 0}, "COMPLETED", {"output": 0}),
        ({"error": "broken"}, "FAILED", {"error": "broken"}),
        ({"output": {"b": 2}, "error": "broken"}, "FAILED", {"output": {"b": 2}, "error": "broken"}),
        ({"error": ""}, "COMPLETED", {}),
        ({}, "COMPLETED", {}),
    ],
)
def test_a_result_ends_a_job(
    caller: Caller, result: dict[str, object], status: str, shown: dict[str, object]
) -> None:
    """job-done ends a job as the platform does, an empty error or result leaving it without output."""
    job_id = caller.submit()
    caller.take()
    assert caller.done(job_id, result).status_code == 200
    answer = caller.status(job_id)
    assert answer["status"] == status
    assert {name: answer[name] for name in ("output", "error") if name in answer} == shown


@pytest.mark.parametrize("body", [b'{"output": NaN}', b"{", b"[]", b'{"error": {"code": 1}}'])
def test_a_result_that_cannot_be_read_is_lost(caller: Caller, body: bytes) -> None:
    """Invalid JSON or an error that is no string is a 400, and the job is COMPLETED with nothing."""
    job_id = caller.submit()
    caller.take()
    assert caller.as_worker("POST", f"job-done/w/{job_id}?gpu=x", content=body).status_code == 400
    answer = caller.status(job_id)
    assert answer["status"] == "COMPLETED"
    assert "output" not in answer


def test_a_result_over_the_limit_is_lost(caller: Caller) -> None:
    """One byte over 20 MiB is a 400 and a job COMPLETED with nothing; 20 MiB arrive whole."""
    frame = len(b'{"output": ""}')
    for size, status_code, arrives in [(20 * MIB, 200, True), (20 * MIB + 1, 400, False)]:
        job_id = caller.submit()
        caller.take()
        body = b'{"output": "%s"}' % (b"x" * (size - frame))
        assert caller.as_worker("POST", f"job-done/w/{job_id}?gpu=x", content=body).status_code == status_code
        answer = caller.status(job_id)
        assert answer["status"] == "COMPLETED"
        assert ("output" in answer) == arrives


def test_a_result_may_be_posted_twice(caller: Caller) -> None:
    """The second post of a result is a 200 and changes nothing."""
    job_id = caller.submit()
    caller.take()
    assert [caller.done(job_id, {"output": number}).status_code for number in (1, 2)] == [200, 200]
    assert caller.status(job_id)["output"] == 1


def test_a_result_for_a_job_nobody_knows_is_not_found(caller: Caller) -> None:
    """job-done and job-stream of an unknown job are 404."""
    assert caller.done("nobody", {"output": 1}).status_code == 404
    assert caller.as_worker("POST", "job-stream/w/nobody?gpu=x", json={"output": 1}).status_code == 404


def test_progress_shows_until_the_result_comes(caller: Caller) -> None:
    """A post with status IN_PROGRESS is shown by /status and does not end the job."""
    job_id = caller.submit()
    caller.take()
    caller.done(job_id, {"status": "IN_PROGRESS", "output": "half"})
    answer = caller.status(job_id)
    assert (answer["status"], answer["output"]) == ("IN_PROGRESS", "half")


def test_pings_keep_jobs_with_their_worker(caller: Caller) -> None:
    """A job that pings name stays; one they do not name is handed out again."""
    named, unnamed = caller.submit(), caller.submit()
    caller.take(), caller.take()
    caller.sim.advance(30)
    assert caller.as_worker("GET", f"ping/w?job_id={named}&runpod_version=1.12.0").status_code == 200
    caller.sim.advance(30)
    assert caller.status(named)["status"] == "IN_PROGRESS"
    assert caller.status(unnamed) == {"id": unnamed, "status": "IN_QUEUE", "retries": 1}


def test_a_worker_can_say_that_it_is_unfit(caller: Caller) -> None:
    """An unhealthy ping, as the SDK's fitness checks send it, shows in /health."""
    caller.as_worker("GET", "ping/unfit?status=unhealthy&check=disk&reason=full")
    assert caller.as_client("GET", "health").json()["workers"]["unhealthy"] == 1


def test_a_worker_without_its_key_is_refused(caller: Caller) -> None:
    """The worker's operations want the worker's key, and the refusal says where the SDK finds another."""
    for key in ("", "wrong", caller.sim.api_key):
        answer = caller.http.get(f"{caller.sim.url}/job-take/w?gpu=x", headers={"Authorization": key})
        assert answer.status_code == 401
        assert "config.toml" in answer.json()["error"]


def test_a_simulator_may_let_in_any_worker() -> None:
    """Without a worker key every key passes."""
    with Simulator(worker_key=None) as sim, httpx2.Client(trust_env=False) as http:
        answer = http.get(f"{sim.url}/ping/w", headers={"Authorization": "somebody's own"})
        assert answer.status_code == 200


def test_a_chunk_of_a_stream_is_smaller_than_a_result(caller: Caller) -> None:
    """More than a mebibyte at once is refused, and what was streamed before is there."""
    job_id = caller.submit()
    caller.as_worker("GET", "job-take/w?gpu=x")
    path = f"job-stream/w/{job_id}?gpu=x"
    assert caller.as_worker("POST", path, json={"output": "a"}).status_code == 200
    assert caller.as_worker("POST", path, json={"output": "x" * MIB}).status_code == 400
    assert [each["output"] for each in caller.sim.queue.drain(job_id)] == ["a"]
