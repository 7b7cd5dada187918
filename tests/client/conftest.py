"""The servers that the client meets: an endpoint with our worker behind it, and a pod."""

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from anomaly.bootstrap import queue
from anomaly.client import Client, Pace, Patience
from anomaly.serving.pod import create_app
from anomaly.settings import Settings
from anomaly.simulator import FaultPlan, Simulator
from tests.listener import on_uvicorn
from tests.pictures import encoded, gradient
from tests.services import warm_service
from tests.serving.endpoint import served

QUICK = {"patience": Patience(first_s=0.01, most_s=0.1), "pace": Pace(0.02, 0.2)}
"""Waits for a server that is on this machine."""


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run one endpoint with one worker for all files."""
    with served(tmp_path_factory.mktemp("platform") / "log") as endpoint:
        yield endpoint.sim


@pytest.fixture
def sim(platform: Simulator) -> Iterator[Simulator]:
    """Give the endpoint without faults, its calls counted from 1."""
    platform.use(FaultPlan())
    yield platform
    platform.use(FaultPlan())


@pytest.fixture
def endpoint(sim: Simulator) -> Iterator[Client]:
    """Give a client of the endpoint."""
    with Client(sim.url, sim.api_key, **QUICK) as client:
        yield client


@pytest.fixture(scope="session")
def pod_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one pod for all files, with a queue for jobs; give its address."""
    service = warm_service(allow_private_urls=True)
    settings = Settings(
        state_path=tmp_path_factory.mktemp("pod"), allow_private_urls=True, webhook_secret=SecretStr("shared")
    )
    with on_uvicorn(create_app(service, 0.3, queue=queue(settings, service))) as url:
        yield url


@pytest.fixture
def pod(pod_url: str) -> Iterator[Client]:
    """Give a client of the pod."""
    with Client(pod_url, **QUICK) as client:
        yield client


@pytest.fixture(params=["pod", "endpoint"])
def either(request: pytest.FixtureRequest) -> Client:
    """Give a client of the pod, and then one of the endpoint: the same calls serve both."""
    client: Client = request.getfixturevalue(request.param)
    return client


@contextlib.contextmanager
def shelf(folder: Path) -> Iterator[str]:
    """Serve a folder's files over HTTP; give its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Return ten photographs, each of another size, in files."""
    paths = [tmp_path / f"{number}.jpg" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(gradient(64 + number, 48), "JPEG"))
    return paths
