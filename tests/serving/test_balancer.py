"""The worker of a load-balancing endpoint: a real process, asked and told to stop as the platform does."""

import signal
import threading
import time
from contextlib import suppress

import httpx
import pytest
from starlette.testclient import TestClient

from anomaly.errors import ConfigurationError
from anomaly.serving.pod import create_app
from anomaly.serving.pulse import Pulse
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.test_entrypoint import free_port, running

BODY = {"image": base64_of(encoded(gradient()))}
FAKE = {"DETECTOR_BACKEND": "fake", "SEGMENTER_BACKEND": "fake", "API_HOST": "127.0.0.1"}


def status(port: int) -> int | None:
    """Ask a port's /ping once; None where nobody listens."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ping", timeout=5).status_code
    except httpx.TransportError:
        return None


def until(port: int, wanted: int | None, within_s: float = 60) -> list[int | None]:
    """Ask /ping until it answers `wanted`; return all answers."""
    seen: list[int | None] = []
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        seen.append(status(port))
        if seen[-1] == wanted:
            return seen
        time.sleep(0.02)
    pytest.fail(f"/ping never answered {wanted}: {sorted(set(map(str, seen)))}")


def test_a_worker_comes_up_drains_and_ends() -> None:
    """/ping on its own port says 204, 200, 503; a running request is finished, a new one gets 503; exit 0."""
    port, health = free_port(), free_port()
    with running(
        **FAKE,
        RUNPOD_SERVERLESS="true",
        PORT=str(port),
        PORT_HEALTH=str(health),
        API_PORT="1",
        FAKE_BATCH_MS="1500",
    ) as process:
        early = until(health, 204)
        assert set(early) <= {None, 204}
        assert status(port) is None, "the health port is up long before the server is"
        assert set(until(health, 200)) == {204, 200}
        assert status(port) == 200
        answers: list[httpx.Response] = []
        url = f"http://127.0.0.1:{port}"
        slow = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{url}/detect", json=BODY, timeout=30))
        )
        slow.start()
        with httpx.Client(base_url=url, timeout=30) as kept:
            kept.get("/health")
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            until(health, 503)
            refused = kept.post("/detect", json=BODY)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "not_ready"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["connection"] == "close"
        assert status(port) == 503
        slow.join()
        assert answers[0].status_code == 200
        assert answers[0].headers["connection"] == "close"
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0, output


def test_an_idle_worker_ends_at_once_and_a_stuck_one_in_time() -> None:
    """Nothing to finish: exit 0 within seconds. A request that takes longer than DRAIN_S is cut off: exit 0 too."""
    for stuck in (False, True):
        port = free_port()
        with running(
            **FAKE, PORT=str(port), DRAIN_S="0.3", FAKE_BATCH_MS="3000" if stuck else "0"
        ) as process:
            until(port, 200)
            if stuck:
                threading.Thread(target=_post_in_vain, args=(port,), daemon=True).start()
                time.sleep(0.5)
            told_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
            took_s = time.monotonic() - told_at
            assert process.returncode == 0, output
            assert took_s < (10 if stuck else 6), output  # 2 s and less on a machine that is not busy
            assert ("cut off" in output) == stuck


def _post_in_vain(port: int) -> None:
    with suppress(httpx.TransportError):
        httpx.post(f"http://127.0.0.1:{port}/detect", json=BODY, timeout=30)


def test_ping_is_served_by_the_application_too() -> None:
    """Without a port of its own /ping is a route: 200 without a body when ready, 503 when draining."""
    service = warm_service()
    pod = TestClient(create_app(service, 0.3))
    ready = pod.get("/ping")
    assert (ready.status_code, ready.content) == (200, b"")
    service.drain()
    assert pod.get("/ping").status_code == 503
    assert pod.get("/health").json()["status"] == "draining"
    assert pod.get("/info").status_code == 200
    service.close()


def test_a_pulse_answers_what_it_is_told() -> None:
    """204 until it is told otherwise, for /ping with any query; other paths are not found."""
    with Pulse("127.0.0.1", 0) as pulse:
        url = f"http://127.0.0.1:{pulse.port}"
        assert httpx.get(f"{url}/ping?x=1").status_code == 204
        pulse.status = lambda: 200
        assert httpx.get(f"{url}/ping").status_code == 200
        assert httpx.head(f"{url}/ping").status_code == 200
        assert httpx.get(f"{url}/detect").status_code == 404
        with pytest.raises(ConfigurationError, match=f"PORT_HEALTH={pulse.port}"):
            Pulse("127.0.0.1", pulse.port)
