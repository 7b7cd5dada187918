"""The worker as it runs on RunPod: the entry point under the real SDK, against the simulated platform."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from starlette.testclient import TestClient

from anomaly.serving.pod import create_app
from anomaly.simulator import Simulator
from tests.contract.test_shells import timeless
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service

pytestmark = pytest.mark.xdist_group("sdk")  # starting the SDK costs seconds: once is enough

ROOT = Path(__file__).parents[2]
PHOTO = base64_of(encoded(gradient(320, 240)))


@dataclass
class Endpoint:
    """A simulated endpoint with one of our workers."""

    sim: Simulator
    http: httpx2.Client
    log: Path

    def run(self, input_: Any) -> dict[str, Any]:
        """Submit a job, wait for its end, and return its status."""
        headers = {"Authorization": f"Bearer {self.sim.api_key}"}
        answer = self.http.post(
            f"{self.sim.url}/runsync?wait=30000", json={"input": input_}, headers=headers, timeout=40
        )
        status: dict[str, Any] = answer.json()
        return status


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Start the entry point as RunPod does: nothing says that it is serverless but RunPod's own variables."""
    log = tmp_path_factory.mktemp("worker") / "log"
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        worker = sim.start_worker(
            [sys.executable, "entrypoint.py"],
            cwd=ROOT,
            environment={"DETECTOR_BACKEND": "fake", "SAM_MODEL_PATH": "/nowhere/sam3.pt"},
            log=log,
        )
        sim.wait_ready(worker, 60)
        yield Endpoint(sim, http, log)


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
