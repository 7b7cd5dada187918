import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from anomaly.simulator import Limits, Simulator
from tests.simulator.conftest import Caller


class Receiver(ThreadingHTTPServer):
    """A webhook that answers the given statuses in turn, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.statuses: list[int] = []
        self.bodies: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.server_port}/hook?token=t"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a webhook."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def served() -> Iterator[Caller]:
    """Run a simulator that is impatient with webhooks."""
    limits = Limits(webhook_delays_s=(0.02, 0.02))
    with Simulator(limits=limits) as sim, httpx2.Client(trust_env=False) as http:
        yield Caller(sim, http)


def tries(caller: Caller, url: str) -> list[int | None]:
    """Return the statuses of the deliveries to `url` so far."""
    return [delivery.status for delivery in caller.sim.webhooks.deliveries if delivery.url == url]


def test_a_webhook_is_told_what_status_would_say(caller: Caller, receiver: Receiver) -> None:
    """When a job ends, its webhook gets one POST with the body of /status."""
    job_id = caller.submit(webhook=receiver.url)
    caller.take()
    assert receiver.bodies == []
    caller.done(job_id, {"output": {"b": 2}})
    caller.sim.wait_until(lambda: tries(caller, receiver.url) == [200], 60)
    assert receiver.bodies == [caller.status(job_id)]


@pytest.mark.parametrize("statuses", [[500], [404, 503]])
def test_a_webhook_that_fails_is_tried_again(caller: Caller, receiver: Receiver, statuses: list[int]) -> None:
    """After an answer that is not 2xx there are up to two more tries."""
    receiver.statuses = list(statuses)
    job_id = caller.submit(webhook=receiver.url)
    caller.as_client("POST", f"cancel/{job_id}")
    caller.sim.wait_until(lambda: tries(caller, receiver.url) == [*statuses, 200], 60)
    assert [body["status"] for body in receiver.bodies] == ["CANCELLED"] * (len(statuses) + 1)


def test_a_webhook_is_given_up_after_three_tries(caller: Caller, receiver: Receiver) -> None:
    """A webhook that fails three times is left alone."""
    receiver.statuses = [500] * 9
    caller.as_client("POST", f"cancel/{caller.submit(webhook=receiver.url)}")
    caller.sim.wait_until(lambda: len(tries(caller, receiver.url)) == 3, 60)
    assert not threading.Event().wait(0.1)
    assert tries(caller, receiver.url) == [500] * 3


def test_a_webhook_nobody_listens_at_is_tried_as_often(caller: Caller, receiver: Receiver) -> None:
    """A refused connection is a failed try."""
    url = "http://127.0.0.1:9/"
    caller.as_client("POST", f"cancel/{caller.submit(webhook=url)}")
    caller.sim.wait_until(lambda: tries(caller, url) == [None] * 3, 60)


def test_the_platforms_delay_is_ten_seconds() -> None:
    """By default the two more tries come ten seconds apart."""
    assert Limits().webhook_delays_s == (10.0, 10.0)
