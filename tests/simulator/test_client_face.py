import json
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from anomaly.simulator import Limits, Simulator
from anomaly.simulator.limits import MIB
from tests.simulator.conftest import Caller


def body_of(size_bytes: int) -> bytes:
    """Return a request of exactly so many bytes."""
    empty = len(b'{"input": ""}')
    return b'{"input": "%s"}' % (b"x" * (size_bytes - empty))


def test_run_answers_an_id_at_once(caller: Caller) -> None:
    """A job submitted by /run is queued under the id it is answered with."""
    answer = caller.as_client("POST", "run", json={"input": {"a": 1}})
    assert answer.status_code == 200
    assert answer.json() == {"id": answer.json()["id"], "status": "IN_QUEUE"}
    assert caller.status(answer.json()["id"]) == answer.json()


def test_runsync_answers_the_result_as_soon_as_there_is_one(caller: Caller) -> None:
    """/runsync is held until its job ends and answers as /status does."""
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.as_client, "POST", "runsync", json={"input": {"a": 1}})
        job_id = caller.take()
        caller.done(job_id, {"output": {"b": 2}})
        answer = waiting.result().json()
    assert job_id.startswith("sync-")
    assert answer == caller.status(job_id)
    assert (answer["status"], answer["output"], answer["workerId"]) == ("COMPLETED", {"b": 2}, "w")


def test_runsync_answers_how_the_job_stands_when_the_wait_is_over(caller: Caller) -> None:
    """After `wait` milliseconds an unfinished job is answered as it is, and goes on."""
    answer = caller.as_client("POST", "runsync?wait=1000", json={"input": 1})
    assert answer.json()["status"] == "IN_QUEUE"
    assert 0.95 < answer.elapsed.total_seconds() < 1.9
    assert caller.take() == answer.json()["id"]


@pytest.mark.parametrize("wait", ["999", "300001", "soon"])
def test_a_wait_out_of_range_is_refused(caller: Caller, wait: str) -> None:
    """A wait under a second, over five minutes or not a number is a 400 that says so."""
    answer = caller.as_client("POST", f"runsync?wait={wait}", json={"input": 1})
    assert answer.status_code == 400
    assert "wait" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "limit", "named"), [("run", 10 * MIB, "10MiB"), ("runsync?wait=1000", 20 * MIB, "20MiB")]
)
def test_a_request_over_the_limit_is_refused_in_the_platforms_words(
    caller: Caller, path: str, limit: int, named: str
) -> None:
    """One byte too many is a 400 "exceeded max body size"; the limit itself passes."""
    assert caller.as_client("POST", path, content=body_of(limit)).status_code == 200
    refused = caller.as_client("POST", path, content=body_of(limit + 1))
    assert refused.status_code == 400
    assert f"exceeded max body size of {named}" in refused.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"prompt": 1}', b'{"input": 1, "policy": {"ttl": 1}}'])
def test_a_request_that_cannot_be_read_is_refused(caller: Caller, body: bytes) -> None:
    """What is not a request is a 400 with an error that says what was expected."""
    answer = caller.as_client("POST", "run", content=body)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_more_jobs_than_the_queue_may_hold_are_refused() -> None:
    """A full queue is a 429."""
    limits = Limits(max_workers=1, queue_per_worker=1, queue_floor=1)
    with Simulator(limits=limits) as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        caller.submit()
        assert caller.as_client("POST", "run", json={"input": 1}).status_code == 429


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "wrong", ""])
def test_a_wrong_key_is_refused(caller: Caller, authorization: str | None) -> None:
    """Without the account's key every operation is a 401."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in [("POST", "run"), ("GET", "status/x"), ("GET", "health")]:
        assert caller.http.request(method, f"{caller.sim.url}/{path}", headers=headers).status_code == 401


def test_the_key_may_be_sent_bare(caller: Caller) -> None:
    """`Authorization: KEY` passes as `Bearer KEY` does."""
    headers = {"Authorization": caller.sim.api_key}
    assert caller.http.get(f"{caller.sim.url}/health", headers=headers).status_code == 200


def test_another_endpoint_and_an_unknown_job_are_not_found(caller: Caller) -> None:
    """What does not exist is a 404, in every operation that names a job."""
    headers = {"Authorization": f"Bearer {caller.sim.api_key}"}
    assert caller.http.get(f"{caller.sim.base_url}/other/health", headers=headers).status_code == 404
    for method, operation in [("GET", "status"), ("GET", "stream"), ("POST", "cancel"), ("POST", "retry")]:
        assert caller.as_client(method, f"{operation}/nobody").status_code == 404


def test_status_may_be_asked_by_post(caller: Caller) -> None:
    """GET and POST of /status answer the same."""
    job_id = caller.submit()
    assert caller.as_client("POST", f"status/{job_id}").json() == caller.status(job_id)


def test_a_job_is_cancelled_in_the_queue(caller: Caller) -> None:
    """/cancel answers CANCELLED, and so does /status from then on."""
    job_id = caller.submit()
    assert caller.as_client("POST", f"cancel/{job_id}").json() == {"id": job_id, "status": "CANCELLED"}
    assert caller.status(job_id)["status"] == "CANCELLED"


def test_a_failed_job_is_retried_and_another_is_not(caller: Caller) -> None:
    """/retry queues a FAILED job again under its id, and is a 400 while it waits."""
    job_id = caller.submit()
    caller.take()
    caller.done(job_id, {"error": "broken"})
    assert caller.status(job_id)["error"] == "broken"
    assert caller.as_client("POST", f"retry/{job_id}").json() == {"id": job_id, "status": "IN_QUEUE"}
    assert caller.as_client("POST", f"retry/{job_id}").status_code == 400
    assert caller.take() == job_id


def test_a_purge_says_how_many_it_removed(caller: Caller) -> None:
    """/purge-queue removes what waits, not what runs."""
    running = caller.submit()
    caller.take()
    waiting = [caller.submit(), caller.submit()]
    assert caller.as_client("POST", "purge-queue").json() == {"removed": 2, "status": "completed"}
    assert caller.status(running)["status"] == "IN_PROGRESS"
    assert {caller.status(job_id)["status"] for job_id in waiting} == {"CANCELLED"}


def test_a_stream_is_drained_in_pieces(caller: Caller) -> None:
    """/stream answers the state and what has come since the last call."""
    job_id = caller.submit()
    assert caller.as_client("GET", f"stream/{job_id}").json() == {"status": "IN_QUEUE", "stream": []}
    caller.take()
    for number in (1, 2):
        caller.as_worker("POST", f"job-stream/w/{job_id}?gpu=x&isStream=false", json={"output": number})
    first = caller.as_client("GET", f"stream/{job_id}").json()
    assert first == {"status": "IN_PROGRESS", "stream": [{"output": 1}, {"output": 2}]}
    caller.done(job_id, {"output": [1, 2]})
    assert caller.as_client("GET", f"stream/{job_id}").json() == {"status": "COMPLETED", "stream": []}


def test_results_are_forgotten_when_their_time_is_over(caller: Caller) -> None:
    """Half an hour after its end a job is a 404; the clock can be set there."""
    job_id = caller.submit()
    caller.take()
    caller.done(job_id, {"output": 1})
    caller.sim.advance(1799)
    assert caller.as_client("GET", f"status/{job_id}").status_code == 200
    caller.sim.advance(1)
    assert caller.as_client("GET", f"status/{job_id}").status_code == 404


def test_status_can_shorten_a_jobs_life(caller: Caller) -> None:
    """`?ttl=` lets a finished job expire so many milliseconds later."""
    job_id = caller.submit()
    caller.take()
    caller.done(job_id, {"output": 1})
    assert caller.as_client("GET", f"status/{job_id}?ttl=6000").status_code == 200
    caller.sim.advance(6)
    assert caller.as_client("GET", f"status/{job_id}").status_code == 404


def test_policy_is_kept(caller: Caller) -> None:
    """A job past its ttl is TIMED_OUT, one past its execution timeout has FAILED."""
    waiting = caller.submit(policy={"ttl": 10_000, "lowPriority": True})
    running = caller.submit(policy={"executionTimeout": 10_000})
    assert caller.take() == running
    caller.sim.advance(10)
    assert caller.status(waiting)["status"] == "TIMED_OUT"
    assert caller.status(running)["error"] == "executionTimeout exceeded"


def test_health_counts_jobs_and_workers() -> None:
    """/health has every count of the platform's, of jobs and of workers."""
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        job_ids = [caller.submit() for _ in range(4)]
        for _ in range(3):
            caller.take()
        caller.done(job_ids[0], {"output": 1})
        caller.done(job_ids[1], {"error": "broken"})
        caller.as_worker("GET", "ping/idle-one")
        health = caller.as_client("GET", "health").json()
    assert health["jobs"] == {"completed": 1, "failed": 1, "inProgress": 1, "inQueue": 1, "retried": 0}
    assert health["workers"] == {
        "idle": 0,
        "initializing": 1,
        "ready": 0,
        "running": 1,
        "throttled": 0,
        "unhealthy": 0,
    }


def test_answers_are_json(caller: Caller) -> None:
    """Every answer, refusals too, is labelled and readable as JSON."""
    for answer in (caller.as_client("GET", "health"), caller.as_client("GET", "status/nobody")):
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(answer.content)
