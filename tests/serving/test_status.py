"""How the server is: before the models are there, while they are, and when the card is lost."""

import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from anomaly import errors
from anomaly.bootstrap import tables
from anomaly.errors import DeviceLost
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.serving.pod import create_app
from anomaly.types import Limits
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.serving.failing import Failing

TEXT = base64_of(encoded(gradient(320, 240), "JPEG"))


@pytest.fixture(scope="module")
def pod() -> Iterator[TestClient]:
    """Give a client of a warm service."""
    service = warm_service(max_images=4)
    yield TestClient(create_app(service, 0.3))
    service.close()


def test_a_refusal_says_when_to_try_again() -> None:
    """Before the models are warm a request is refused with 503 and a Retry-After, and /health says why."""
    released = threading.Event()

    def load() -> Loaded:
        released.wait(10)
        raise errors.WeightsError("no such file; set DETECTOR_WEIGHTS to one that is there")

    service = Service(load, limits=Limits(), max_waiting=4, cpu_threads=1)
    service.start()
    pod = TestClient(create_app(service, 0.3))
    refused = pod.post("/detect", json={"image": TEXT})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "not_ready"
    assert int(refused.headers["retry-after"]) >= 1
    health = pod.get("/health")
    assert health.status_code == 503
    assert (health.json()["live"], health.json()["ready"], health.json()["status"]) == (
        True,
        False,
        "loading",
    )
    released.set()
    with pytest.raises(errors.WeightsError):
        service.wait()
    health = pod.get("/health").json()
    assert (health["live"], health["status"], health["error"]["code"]) == (False, "failed", "weights_error")
    service.close()


def test_a_lost_device_makes_the_server_unhealthy() -> None:
    """The request that met the fault, and all after it, get 503 and its code; /health asks for a new process."""

    def load() -> Loaded:
        pipeline = Pipeline(
            Failing(DeviceLost("the card answers no more")), None, tables.taxonomy(), tables.standards()
        )
        return Loaded(pipeline, 4, {}, lambda: {"device": "cuda"})

    service = Service(load, limits=Limits(), max_waiting=4, cpu_threads=1)
    service.start()
    service.wait()
    pod = TestClient(create_app(service, 0.3))
    assert pod.get("/health").status_code == 200
    for _ in range(2):
        response = pod.post("/detect", json={"image": TEXT})
        assert (response.status_code, response.json()["error"]["code"]) == (503, "device_lost")
    response = pod.get("/health")
    health = response.json()
    assert (response.status_code, health["live"], health["status"]) == (503, False, "failed")
    assert health["error"]["code"] == "device_lost"
    service.close()


def test_health_tells_device_and_memory(pod: TestClient) -> None:
    """A warm server says that it is ready, on which device, and what memory it takes."""
    response = pod.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert (health["live"], health["ready"], health["status"]) == (True, True, "ready")
    assert health["device"] == "cpu"
    assert health["resident_mb"] > 10


def test_info_tells_what_is_loaded_and_why(pod: TestClient) -> None:
    """/info names the models, their classes, why they were chosen, the plan, versions and limits."""
    info = pod.get("/info").json()
    assert info["detector"]["backend"] == "fake"
    assert "crack" in info["detector"]["classes"]
    assert info["segmenter"]["backend"] == "fake"
    assert "DETECTOR_BACKEND" in info["why"]["detector"]
    assert info["plan"]["max_batch"] >= 1
    assert info["plan"]["reason"]
    assert info["versions"]["numpy"]
    assert info["limits"]["max_images"] == 4
    assert info["queue"]["limit"] >= 1
