"""The other end of a webhook."""

import queue
import time
from typing import Any

import httpx
import orjson
import pytest
from starlette.testclient import TestClient

from anomaly.client import Answer, Client, JobFailed, Notice, State, read_notice, receiver
from anomaly.errors import InvalidRequest
from anomaly.webhooks import HEADER, InvalidSignature, sign
from tests.listener import on_uvicorn
from tests.pictures import encoded

pytestmark = pytest.mark.xdist_group("client")

ANSWER = {"frame_id": "a", "image_size": {"width": 4, "height": 3}, "anomalies": [], "structures": []}
DONE = orjson.dumps({"id": "job-1", "status": "COMPLETED", "output": ANSWER, "executionTime": 5})


@pytest.fixture
def heard() -> list[Notice]:
    """Return what the receiver of this test has heard."""
    return []


def post(heard: list[Notice], body: bytes, signature: str | None) -> Any:
    """Send a webhook to a receiver that knows two secrets."""
    app = TestClient(receiver(heard.append, ["new", "old"]))
    return app.post("/", content=body, headers={} if signature is None else {HEADER: signature})


@pytest.mark.parametrize("secret", ["new", "old"])
def test_a_signed_webhook_is_handled(heard: list[Notice], secret: str) -> None:
    """Whoever knows one of the secrets is heard, and told that it was taken."""
    assert post(heard, DONE, sign(DONE, secret)).status_code == 204
    [notice] = heard
    assert (notice.job_id, notice.state) == ("job-1", State.COMPLETED)
    [answer] = notice.results()
    assert isinstance(answer, Answer)
    assert answer.findings.width == 4


@pytest.mark.parametrize(
    ("signature", "what"),
    [
        (None, "there is no"),
        (sign(DONE, "stolen"), "does not match"),
        (sign(DONE + b" ", "new"), "does not match"),
        (sign(DONE, "new", time.time() - 1000), "replay"),
    ],
    ids=["none", "another secret", "another body", "too old"],
)
def test_nobody_else_is_handled(heard: list[Notice], signature: str | None, what: str) -> None:
    """Without a true, fresh signature the answer is 401 and nothing is called."""
    answer = post(heard, DONE, signature)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_signature"
    assert what in answer.json()["error"]["message"]
    assert heard == []


@pytest.mark.parametrize("body", [b"text", b"[]", b"{}", b'{"id": 1, "status": "LOST"}'])
def test_what_is_no_notice_is_refused(heard: list[Notice], body: bytes) -> None:
    """A signed body that does not say how a job ended is the sender's mistake."""
    assert post(heard, body, sign(body, "new")).status_code == 400
    assert heard == []
    with pytest.raises(InvalidRequest, match="how a job ended"):
        read_notice(body, sign(body, "new"), "new")


def test_a_failed_job_raises_as_it_does_for_a_caller() -> None:
    """The notice of a failed job has the code in its error."""
    body = orjson.dumps(
        {"id": "2", "status": "FAILED", "error": '{"error": {"code": "corrupt_image", "message": "broken"}}'}
    )
    notice = read_notice(body, sign(body, "s"), "s")
    with pytest.raises(JobFailed, match="broken") as raised:
        notice.results()
    assert raised.value.code == "corrupt_image"


def test_a_function_serves_any_framework() -> None:
    """`read_notice` takes the body and the header, and raises for a wrong signature."""
    assert read_notice(DONE, sign(DONE, "s"), "s").job_id == "job-1"
    with pytest.raises(InvalidSignature):
        read_notice(DONE, sign(DONE, "s"), "t")


def test_over_the_wire_and_awaiting() -> None:
    """Under a real server a handler that awaits is awaited, and where it fails the sender hears 500."""
    heard: list[str] = []

    async def handle(notice: Notice) -> None:
        heard.append(notice.job_id)
        if len(heard) > 1:
            raise RuntimeError("full")

    with on_uvicorn(receiver(handle, "s", path="/done")) as url:
        statuses = [
            httpx.post(f"{url}/done", content=DONE, headers={HEADER: sign(DONE, "s")}).status_code
            for _ in range(2)
        ]
    assert statuses == [204, 500]
    assert heard == ["job-1", "job-1"]


def test_a_flood_is_cut_off(heard: list[Notice]) -> None:
    """More than an answer can have is not read to its end."""
    assert post(heard, bytes(33_000_000), None).status_code == 413


def test_the_pods_own_webhook_is_heard(pod: Client) -> None:
    """A job that was handed in with a webhook tells its receiver, signed, with its answer."""
    heard: queue.Queue[Notice] = queue.Queue()
    with on_uvicorn(receiver(heard.put, ["next", "shared"])) as url:
        job = pod.submit(encoded(), webhook=url, frame_id="told")
        notice = heard.get(timeout=20)
    assert notice.job_id == job.id
    [answer] = notice.results()
    assert isinstance(answer, Answer)
    assert answer.findings == job.result().findings  # type: ignore[union-attr]
