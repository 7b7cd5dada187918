"""The worker as it runs on RunPod: the entry point under the real SDK, against the simulated platform."""

from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from anomaly.serving.pod import create_app
from tests.contract.test_shells import timeless
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.endpoint import Endpoint

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(320, 240)))


def test_a_job_gets_the_pods_answer(endpoint: Endpoint) -> None:
    """A job's output is what the pod answers to the same fields."""
    fields = {"image": PHOTO, "frame_id": "a", "include_masks": True}
    service = warm_service()
    pod = TestClient(create_app(service, 0.3))
    job = endpoint.run(fields)
    assert job["status"] == "COMPLETED", endpoint.log.read_text()
    assert timeless(job["output"]) == timeless(pod.post("/detect", json=fields).json())
    service.close()


def test_a_batch_is_a_job_too(endpoint: Endpoint) -> None:
    """A job with `images` answers each slot, and a bad one fails alone."""
    job = endpoint.run({"images": [PHOTO, "?"], "frame_ids": ["a", "b"]})
    assert job["status"] == "COMPLETED"
    first, second = job["output"]["results"]
    assert (first["frame_id"], second["frame_id"]) == ("a", "b")
    assert second["error"]["code"] == "invalid_base64"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"image": "?"}, "invalid_base64"),
        ({"image": PHOTO, "confidence_threshold": 7}, "invalid_request"),
        ({"imagee": PHOTO}, "invalid_request"),
    ],
)
def test_a_failure_is_a_failed_job_with_a_code(endpoint: Endpoint, fields: dict[str, Any], code: str) -> None:
    """What cannot be answered ends FAILED, with the error object as text and no traceback."""
    job = endpoint.run(fields)
    assert job["status"] == "FAILED"
    assert isinstance(job["error"], str)
    assert orjson.loads(job["error"])["error"]["code"] == code
    assert "Traceback" not in job["error"]


def test_the_models_are_warm_before_the_first_job(endpoint: Endpoint) -> None:
    """The log says that the models are ready before the SDK starts to take jobs."""
    log = endpoint.log.read_text()
    assert log.index("ready after") < log.index("Starting Serverless Worker")


def test_no_result_is_written_into_the_log(endpoint: Endpoint) -> None:
    """What was found on a customer's photo stays out of the worker's log."""
    job = endpoint.run({"image": PHOTO, "frame_id": "a-private-place"})
    assert job["output"]["frame_id"] == "a-private-place"
    assert "a-private-place" not in endpoint.log.read_text()


def test_a_stream_is_read_while_the_job_runs(endpoint: Endpoint) -> None:
    """Each photograph's answer comes by /stream, in order, and the job's output is the list of them."""
    fields = {"images": [PHOTO, "?"], "frame_ids": ["a", "b"], "stream": True}
    job = endpoint.post("run", fields)
    headers = {"Authorization": f"Bearer {endpoint.sim.api_key}"}
    chunks: list[Any] = []

    def ended() -> bool:
        now = endpoint.http.get(f"{endpoint.sim.url}/stream/{job['id']}", headers=headers).json()
        chunks.extend(each["output"] for each in now["stream"])
        return bool(now["status"] == "COMPLETED")

    endpoint.sim.wait_until(ended, 30, "the end of the stream")
    assert [(each["index"], each["frame_id"]) for each in chunks] == [(0, "a"), (1, "b")]
    [done] = [each for each in endpoint.sim.queue.jobs() if each.id == job["id"]]
    assert done.output == chunks


def test_a_probe_says_where_the_weights_came_from_and_how_the_start_went(endpoint: Endpoint) -> None:
    """What /info of a pod answers, a job with {"probe": true} answers."""
    told = endpoint.run({"probe": True})["output"]
    assert told["detector"]["backend"] == "fake"
    assert told["detector"]["source"] == "embedded"
    assert "sha256" in told["detector"]
    assert all(took_ms >= 0 for took_ms in told["start_ms"].values())
    assert "warm_up" in told["start_ms"]
    assert told["ready_after_s"] > 0
