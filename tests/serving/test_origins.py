"""What a page elsewhere reads of the answers, over a real server: refusals and failures too."""

from collections.abc import Iterator

import httpx
import pytest

from anomaly.keys import Keyring
from anomaly.service import Service
from anomaly.serving.pod import Access, create_app
from tests.listener import on_uvicorn
from tests.services import warm_service

KEY, PAGE = "correct-horse-battery", "https://app.example"


@pytest.fixture
def service() -> Service:
    """Give a warm service, which the application closes."""
    return warm_service()


@pytest.fixture
def pod(service: Service) -> Iterator[httpx.Client]:
    """Give a server with a key, that pages of one origin may call, and on which one path fails."""
    app = create_app(service, 0.3, Access.read(Keyring.read(KEY), "5/minute", PAGE))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("nobody expected it")

    headers = {"Origin": PAGE, "X-API-Key": KEY}
    with on_uvicorn(app) as url, httpx.Client(base_url=url, headers=headers) as client:
        yield client


def readable(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status and code of an answer that a browser lets the page read."""
    assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
    assert answer.headers["x-request-id"]
    return answer.status_code, answer.json()["error"]["code"], answer.headers.get("retry-after", "")


def test_a_page_reads_what_nobody_expected(pod: httpx.Client) -> None:
    """A 500 is our error in the browser, not one of CORS."""
    assert readable(pod.get("/broken")) == (500, "internal_error", "")


def test_a_page_elsewhere_reads_no_failure(pod: httpx.Client) -> None:
    """An origin that is not listed gets the failure without the header that would open it."""
    answer = pod.get("/broken", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 500
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_reads_that_the_server_stops(pod: httpx.Client, service: Service) -> None:
    """While it drains the browser may ask first, and reads when to come again and that the connection ends."""
    service.drain()
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    asked = pod.options("/detect", headers=asking)
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    answer = pod.post("/detect", json={"image": ""})
    assert readable(answer) == (503, "not_ready", "1")
    assert answer.headers["connection"] == "close"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_a_page_reads_each_refusal(pod: httpx.Client) -> None:
    """No key, a bad request, no such path, too often: each with its code."""
    assert readable(pod.post("/detect", headers={"X-API-Key": "wrong"}))[:2] == (401, "unauthorized")
    assert readable(pod.post("/detect", json={}))[:2] == (422, "invalid_request")
    assert readable(pod.get("/nowhere"))[:2] == (404, "not_found")
    for _ in range(3):
        pod.get("/info")
    assert readable(pod.get("/info"))[:2] == (429, "rate_limited")


def test_questions_of_browsers_are_in_the_figures(pod: httpx.Client) -> None:
    """What a browser asks first is counted, refused or not: an operator sees the origin that is missing."""
    asking = {"Access-Control-Request-Method": "POST", "Origin": "https://evil.example"}
    assert pod.options("/detect", headers=asking).status_code == 400
    assert 'method="OPTIONS",path="/detect",status="400"} 1.0' in pod.get("/metrics").text
