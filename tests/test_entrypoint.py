import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.pictures import base64_of, encoded, gradient

ROOT = Path(__file__).parents[1]


def environment(**variables: str) -> dict[str, str]:
    """Return an environment without what an operator might have set, plus `variables`."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LD_LIBRARY_PATH") if key in os.environ}
    return {**kept, **variables}


@contextmanager
def running(**variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the entry point, and leave nothing of it behind."""
    process = subprocess.Popen(
        [sys.executable, "entrypoint.py"],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: "subprocess.Popen[str]") -> None:
    """Ask /health until it says ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/health").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(
        f"not ready: {process.communicate(timeout=5)[0] if process.poll() is not None else 'too slow'}"
    )


def test_serves_with_nothing_but_defaults_and_stops_when_told() -> None:
    """With no weights and no setting but the port the server answers, and SIGTERM ends it cleanly."""
    port = free_port()
    with running(API_PORT=str(port), API_HOST="127.0.0.1") as process:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        answer = httpx2.post(f"{url}/detect", json={"image": base64_of(encoded(gradient()))}, timeout=30)
        assert answer.status_code == 200
        assert answer.json()["image_size"] == {"width": 64, "height": 48}
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0, output
        assert "embedded crack finder" in output


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"CONFIDENCE_THRESHOLD": "2"}, "configuration_error: CONFIDENCE_THRESHOLD='2'"),
        (
            {"DETECTOR_WEIGHTS": "/nowhere/crack.pth"},
            "weights_error: DETECTOR_WEIGHTS=/nowhere/crack.pth is no file",
        ),
        (
            {"RUNPOD_SERVERLESS": "true", "DETECTOR_WEIGHTS": "/nowhere/crack.pth"},
            "weights_error: DETECTOR_WEIGHTS=/nowhere/crack.pth is no file",
        ),
    ],
)
def test_a_setting_that_cannot_work_ends_the_process_with_a_sentence(
    variables: dict[str, str], sentence: str
) -> None:
    """A wrong setting is said in one line and ends with status 1, in both modes, without a traceback."""
    with running(API_PORT=str(free_port()), API_HOST="127.0.0.1", **variables) as process:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert sentence in output
        assert "Traceback" not in output


def test_the_core_imports_neither_torch_nor_runpod() -> None:
    """Importing the pipeline, the pod and the bootstrap costs no heavy package."""
    program = (
        "import sys, anomaly.pipeline, anomaly.serving.pod, anomaly.serving.worker, anomaly.bootstrap;"
        "print(sorted({'torch', 'torchvision', 'rfdetr', 'sam2', 'sam3', 'runpod'} & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.strip() == "[]"
