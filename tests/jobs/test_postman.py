import asyncio
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from anomaly import webhooks
from anomaly.jobs import Ended, Job, Postman, State, Store
from anomaly.jobs.postman import WAITS_S
from anomaly.outbound import Permits, anywhere, is_public

SECRET = "between you and me"  # noqa: S105 - of this test


class Receiver(ThreadingHTTPServer):
    """Takes webhooks, answering with the statuses that it is given, the last one for ever."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.came: list[tuple[bytes, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Mailbox)

    @property
    def url(self) -> str:
        """Where it takes them."""
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Mailbox(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        receiver = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.came.append((body, self.headers[webhooks.HEADER]))
        status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a receiver on loopback."""
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def delivered(
    url: str, permits: Permits = anywhere, secret: str | None = SECRET, trouble: tuple[Exception, ...] = ()
) -> float | None:
    """End a job with a webhook, let the postman try once, and return when the next try is due.

    The first uses of the store end in `trouble`.
    """
    troubles = list(trouble)
    store = Store(None)
    store.add(Job("job_1", State.IN_QUEUE, b"{}", 0.0, 10.0), low_priority=False, webhook=url)
    store.take(1.0)
    store.end("job_1", State.COMPLETED, Ended(b'{"anomaly_count":0}'), 2.0, 60)
    tried = asyncio.Event()

    async def kept(function: object, *args: object) -> object:
        if troubles:
            raise troubles.pop()
        result = function(*args)  # type: ignore[operator]
        if function == store.webhook_tried:
            tried.set()
        return result

    async def run() -> None:
        postman = asyncio.create_task(Postman(permits, secret).run(kept, store))
        async with asyncio.timeout(10):
            await tried.wait()
        postman.cancel()
        await asyncio.gather(postman, return_exceptions=True)

    asyncio.run(run())
    return store.next_webhook_at()


def test_the_end_of_a_job_is_posted_and_signed(receiver: Receiver) -> None:
    """The receiver gets what /status answers, and can tell who sent it."""
    assert delivered(receiver.url) is None
    [(body, signature)] = receiver.came
    assert json.loads(body) == {
        "id": "job_1",
        "status": "COMPLETED",
        "delayTime": 1000,
        "executionTime": 1000,
        "output": {"anomaly_count": 0},
    }
    webhooks.verify(body, signature, SECRET)


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    """No header is better than one that proves nothing."""
    delivered(receiver.url, secret=None)
    assert receiver.came[0][1] is None


@pytest.mark.parametrize("status", [500, 429, 404, 302])
def test_what_is_not_taken_is_tried_again_later(receiver: Receiver, status: int) -> None:
    """Only a 2xx is a yes, and a redirect is none."""
    receiver.statuses = [status]
    assert delivered(receiver.url) is not None
    assert len(receiver.came) == 1


def test_nobody_there_is_tried_again_later() -> None:
    """A receiver may be restarting."""
    assert delivered("http://127.0.0.1:9/hook") is not None


def test_gone_is_final(receiver: Receiver) -> None:
    """410 says that no more is wanted."""
    receiver.statuses = [410]
    assert delivered(receiver.url) is None


def test_a_private_address_is_never_told(receiver: Receiver) -> None:
    """A caller cannot make the server post to the machines beside it."""
    assert delivered(receiver.url, is_public) is None
    assert receiver.came == []


@pytest.mark.parametrize("url", ["http://xn--/hook", "http://a\nb/hook"])
def test_what_is_no_address_is_given_up(url: str) -> None:
    """Another try would find the same."""
    assert delivered(url) is None


def test_a_port_that_there_is_not_ends_no_postman() -> None:
    """It counts as nobody there."""
    assert delivered("http://127.0.0.1:70000/hook") is not None


def test_trouble_of_the_store_ends_no_postman(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full for a moment leaves no webhook untold."""
    monkeypatch.setattr("anomaly.jobs.postman.TROUBLE_S", 0.01)
    delivered(receiver.url, trouble=(sqlite3.OperationalError("disk is full"),) * 20)
    assert len(receiver.came) == 1


def test_one_that_hangs_holds_up_no_other(receiver: Receiver) -> None:
    """Webhooks go side by side."""
    store = Store(None)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        for name, url in (("a", hanging), ("b", receiver.url)):
            store.add(Job(name, State.IN_QUEUE, b"{}", 0.0, 10.0), low_priority=False, webhook=url)
            store.end(name, State.COMPLETED, Ended(b"1"), 2.0 if name == "a" else 3.0, 60)

        async def kept(function: object, *args: object) -> object:
            return function(*args)  # type: ignore[operator]

        async def run() -> None:
            postman = asyncio.create_task(Postman(anywhere, None).run(kept, store))
            async with asyncio.timeout(5):
                while not receiver.came:
                    await asyncio.sleep(0.01)
            postman.cancel()
            await asyncio.gather(postman, return_exceptions=True)

        asyncio.run(run())


def test_the_waits_grow() -> None:
    """Each wait is longer than the one before."""
    assert list(WAITS_S) == sorted(set(WAITS_S))
