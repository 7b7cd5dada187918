import http.client
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.testclient import TestClient

from anomaly.errors import DeviceLost, StorageUnavailable
from anomaly.serving.pod import create_app, failures
from tests.services import warm_service


@pytest.fixture(scope="module")
def pod() -> Iterator[TestClient]:
    """Give a pod with the fake models."""
    service = warm_service()
    yield TestClient(create_app(service, 0.3))
    service.close()


def test_a_path_is_one_line_of_the_log(pod: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """A stranger's path neither writes a line of its own, nor colours the terminal, nor fills the disk."""
    with caplog.at_level(logging.INFO, "anomaly"):
        pod.get("/a%0a2026-11-21 [info] all is well%1b[31m")
        pod.get("/" + "b" * 9000)
    first, second = [each.getMessage() for each in caplog.records if each.name.endswith("trace")]
    assert first.startswith("GET /a%0A2026")
    assert first.isprintable()
    assert len(second) < 1000


def test_methods_that_strangers_make_up_have_one_name(pod: TestClient) -> None:
    """The number of figures is bounded."""
    for method in ("MKCOL", "PROPFIND"):
        assert pod.request(method, "/detect").status_code == 405
    assert 'method="other",path="/detect",status="405"} 2.0' in pod.get("/metrics").text
    assert "MKCOL" not in pod.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/health", "/ping", "/info", "/metrics", "/openapi.json"])
def test_head_answers_what_get_does_without_the_body(pod: TestClient, path: str) -> None:
    """Monitors ask with HEAD."""
    head, full = pod.head(path), pod.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.get("content-type") == full.headers.get("content-type")


def test_a_real_server_sends_the_head_alone() -> None:
    """It sees a HEAD by the time that it sends, and expects no body of the announced length."""
    service = warm_service()
    config = uvicorn.Config(create_app(service, 0.3), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=10)
            for method, length in (("HEAD", 0), ("GET", None)):  # on one connection
                connection.request(method, "/info")
                answer = connection.getresponse()
                announced = int(answer.headers["content-length"])
                assert announced > 100
                assert len(answer.read()) == (announced if length is None else length)
            connection.close()
        finally:
            server.should_exit = True
            thread.join()


def test_head_of_what_is_posted_is_a_wrong_method(pod: TestClient) -> None:
    """It names the right one."""
    answer = pod.head("/detect")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("error", [StorageUnavailable("it does not answer"), DeviceLost("the card is gone")])
def test_each_503_says_when_to_come_again(error: StorageUnavailable | DeviceLost) -> None:
    """Also where nothing measured says it."""
    answer = failures.response(error)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
