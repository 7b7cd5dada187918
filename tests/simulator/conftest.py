from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from anomaly.simulator import FaultPlan, Job, Simulator, State
from anomaly.simulator.queue import JobQueue


@dataclass
class Caller:
    """Calls a simulator as a client or as the worker `w`, over HTTP."""

    sim: Simulator
    http: httpx2.Client

    def as_client(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """Call with the account's key."""
        headers = {"Authorization": f"Bearer {self.sim.api_key}"}
        return self.http.request(method, f"{self.sim.url}/{path}", headers=headers, timeout=20, **what)

    def as_worker(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """Call with the worker's key, bare as the SDK sends it."""
        headers = {"Authorization": self.sim.worker_key or ""}
        return self.http.request(method, f"{self.sim.url}/{path}", headers=headers, timeout=20, **what)

    def submit(self, **more: Any) -> str:
        """Queue a job and return its id."""
        answer = self.as_client("POST", "run", json={"input": {"a": 1}, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def take(self) -> str:
        """Take one job, which there must be, and return its id."""
        answer = self.as_worker("GET", "job-take/w?gpu=x&job_in_progress=0")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def done(self, job_id: str, result: dict[str, Any]) -> httpx2.Response:
        """Post a result."""
        return self.as_worker("POST", f"job-done/w/{job_id}?gpu=x&isStream=false", json=result)

    def status(self, job_id: str) -> dict[str, Any]:
        """Return what /status says."""
        return dict(self.as_client("GET", f"status/{job_id}").json())


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now


@pytest.fixture
def hand() -> Hand:
    """Return the clock of this test."""
    return Hand()


@pytest.fixture
def queue(hand: Hand) -> JobQueue:
    """Return an empty queue with the platform's limits."""
    return JobQueue(hand)


def state(queue: JobQueue, job: Job) -> State | None:
    """Return how a job stands, None where it is forgotten."""
    now = queue.get(job.id)
    return now.state if now else None


@pytest.fixture(scope="module")
def served() -> Iterator[Caller]:
    """Run one simulator for the tests of a file."""
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        yield Caller(sim, http)


@pytest.fixture
def caller(served: Caller) -> Iterator[Caller]:
    """Return a caller of a simulator without faults and without waiting jobs."""
    served.sim.use(FaultPlan())
    yield served
    served.sim.use(FaultPlan())
    served.as_client("POST", "purge-queue")
