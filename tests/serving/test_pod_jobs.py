import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anomaly.bootstrap import build, queue
from anomaly.keys import Keyring
from anomaly.serving.pod import Access, create_app
from anomaly.settings import Settings
from tests.pictures import base64_of, encoded, gradient

PHOTO = {"image": base64_of(encoded(gradient(320, 240)))}
BAD = {"image": "no base64!"}


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Give a pod that takes jobs."""
    settings = Settings(
        detector_backend="fake",
        segmenter_backend="fake",
        cpu_threads=2,
        state_path=tmp_path_factory.mktemp("state"),
    )
    service = build(settings)
    service.start()
    with TestClient(create_app(service, 0.3, queue=queue(settings, service))) as client:
        yield client


def ended(pod: TestClient, identity: str) -> dict[str, Any]:
    """Return a job's status once it has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status: dict[str, Any] = pod.get(f"/status/{identity}").json()
        if status["status"] not in ("IN_QUEUE", "IN_PROGRESS"):
            return status
        time.sleep(0.02)
    raise TimeoutError(identity)


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from run to run."""
    return {name: value for name, value in answer.items() if name != "processing_time_ms"}


def test_a_job_answers_what_detect_answers(pod: TestClient) -> None:
    """The queue is another door to the same work."""
    handed_in = pod.post("/run", json={"input": PHOTO}).json()
    assert handed_in["status"] == "IN_QUEUE"
    job = ended(pod, handed_in["id"])
    assert job["status"] == "COMPLETED"
    assert job["delayTime"] >= 0
    assert job["executionTime"] >= 0
    assert timeless(job["output"]) == timeless(pod.post("/detect", json=PHOTO).json())


def test_runsync_answers_the_result(pod: TestClient) -> None:
    """Who can wait gets it at once."""
    job = pod.post("/runsync?wait=10000", json={"input": {"images": [PHOTO["image"]] * 2}}).json()
    assert job["status"] == "COMPLETED"
    assert len(job["output"]["results"]) == 2


def test_a_call_that_comes_twice_is_one_job(pod: TestClient) -> None:
    """Under one key the same request is the same job, at each door; without one each call is a job of its own."""
    under = {"Idempotency-Key": "3f0a7c1e"}
    body = {"input": {**PHOTO, "frame_id": "once"}}
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(pod.post, "/run", json=body, headers=under) for _ in range(4)]
        [identity] = {each.result().json()["id"] for each in calls}
    assert ended(pod, identity)["status"] == "COMPLETED"
    assert pod.post("/run", json=body, headers=under).json() == {"id": identity, "status": "COMPLETED"}
    assert pod.post("/runsync", json=body, headers=under).json()["output"]["frame_id"] == "once"
    others = [
        pod.post("/run", json={"input": PHOTO}, headers=under),
        pod.post("/run", json=body, headers={"Idempotency-Key": "3f0a7c1f"}),
        pod.post("/run", json=body),
    ]
    assert len({identity, *(each.json()["id"] for each in others)}) == 4
    later = [pod.post("/detect", json={**PHOTO, "wait_for_result": False}, headers=under) for _ in range(2)]
    assert len({each.json()["id"] for each in later}) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_none_is_refused(pod: TestClient, key: str) -> None:
    """It says how long one may be."""
    answer = pod.post("/run", json={"input": PHOTO}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert "255" in answer.json()["error"]["message"]


def test_keys_of_two_callers_are_not_the_same(tmp_path: Path) -> None:
    """One caller's job is not answered to another who chose the same key."""
    settings = Settings(detector_backend="fake", segmenter_backend="fake", cpu_threads=1, state_path=tmp_path)
    service = build(settings)
    service.start()
    access = Access.read(Keyring.read("key-of-the-first,key-of-the-second"), None, None)
    with TestClient(create_app(service, 0.3, access, queue(settings, service))) as client:
        ids = [
            client.post(
                "/run",
                json={"input": PHOTO},
                headers={"X-API-Key": f"key-of-the-{who}", "Idempotency-Key": "1"},
            ).json()["id"]
            for who in ("first", "second", "first")
        ]
    assert ids[0] == ids[2] != ids[1]


def test_a_failed_job_has_its_error_as_text(pod: TestClient) -> None:
    """As on RunPod, the error is a string that holds the code."""
    job = pod.post("/runsync", json={"input": BAD}).json()
    assert job["status"] == "FAILED"
    assert "invalid_base64" in job["error"]
    again = pod.post(f"/retry/{job['id']}").json()
    assert again == {"id": job["id"], "status": "IN_QUEUE"}
    assert ended(pod, job["id"])["status"] == "FAILED"


def test_a_failed_job_is_run_again_for_a_while_alone(tmp_path: Path) -> None:
    """Then its photo and its key are gone, and the refusal says so; how it ended is still told."""
    settings = Settings(
        detector_backend="fake", segmenter_backend="fake", cpu_threads=1, state_path=tmp_path, retry_keep_s=0
    )
    service = build(settings)
    service.start()
    opener = "a-key-that-opens-a-bucket"
    where = {"accessId": "A", "accessSecret": opener, "bucketName": "b", "endpointUrl": "https://s3.example"}
    with TestClient(create_app(service, 0.3, queue=queue(settings, service))) as client:
        job = client.post("/runsync", json={"input": BAD, "s3Config": where}).json()
        assert job["status"] == "FAILED"
        deadline = time.monotonic() + 20
        while any(opener.encode() in each.read_bytes() for each in tmp_path.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        refused = client.post(f"/retry/{job['id']}")
        assert refused.status_code == 422
        assert "RETRY_KEEP_S" in refused.json()["error"]["message"]
        assert client.get(f"/status/{job['id']}").json()["error"] == job["error"]


def test_a_batch_streams_an_answer_for_each_photo(pod: TestClient) -> None:
    """Chunks come in order and are told once."""
    job = pod.post("/runsync", json={"input": {"images": [PHOTO["image"]] * 3, "stream": True}}).json()
    stream = pod.get(f"/stream/{job['id']}").json()
    assert stream["status"] == "COMPLETED"
    assert [each["output"]["index"] for each in stream["stream"]] == [0, 1, 2]
    assert pod.get(f"/stream/{job['id']}").json()["stream"] == []


@pytest.mark.parametrize(
    ("method", "path"), [("get", "status"), ("get", "stream"), ("post", "cancel"), ("post", "retry")]
)
def test_an_unknown_job_is_not_found(pod: TestClient, method: str, path: str) -> None:
    """404 with a code, whatever is asked of it."""
    answer = pod.request(method, f"/{path}/job_unknown")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_completed_job_stays_as_it_is(pod: TestClient) -> None:
    """It is neither cancelled nor run again."""
    job = pod.post("/runsync", json={"input": PHOTO}).json()
    assert pod.post(f"/cancel/{job['id']}").json()["status"] == "COMPLETED"
    assert pod.post(f"/retry/{job['id']}").status_code == 422


@pytest.mark.parametrize("wait", ["0", "999", "300001", "soon", "-1"])
def test_a_wait_out_of_range_is_refused(pod: TestClient, wait: str) -> None:
    """The range is RunPod's."""
    answer = pod.post(f"/runsync?wait={wait}", json={"input": PHOTO})
    assert answer.status_code == 422
    assert "1000 to 300000" in answer.json()["error"]["message"]


def test_a_pod_that_was_restarted_still_tells_its_results(tmp_path: Path) -> None:
    """The next server on the same folder answers for the last one's jobs."""
    settings = Settings(detector_backend="fake", segmenter_backend="fake", cpu_threads=1, state_path=tmp_path)
    statuses = []
    for _ in range(2):
        service = build(settings)
        service.start()
        with TestClient(create_app(service, 0.3, queue=queue(settings, service))) as pod:
            if not statuses:
                identity = pod.post("/runsync", json={"input": PHOTO}).json()["id"]
            statuses.append(pod.get(f"/status/{identity}").json())
    assert statuses[0] == statuses[1]
    assert statuses[1]["status"] == "COMPLETED"


def test_the_figures_tell_how_many_jobs_wait(pod: TestClient) -> None:
    """An operator sees the queue of jobs, some seconds late."""
    figures = pod.get("/metrics").text
    assert "anomaly_jobs_waiting 0.0" in figures
    assert "anomaly_jobs_running" in figures


def test_nonsense_is_no_job(pod: TestClient) -> None:
    """Lists in lists are no photograph, at no door."""
    deep = '{"image": ' + "[" * 900 + "]" * 900
    for path, body in (
        ("/detect", deep + ', "wait_for_result": false}'),
        ("/run", '{"input": ' + deep + "}}"),
    ):
        answer = pod.post(path, content=body)
        assert answer.status_code == 422, answer.text
        assert "nested too deeply" in answer.json()["error"]["message"]
