"""A simulated endpoint with one of our workers, as RunPod starts it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from anomaly.simulator import Limits, Simulator

ROOT = Path(__file__).parents[2]


@dataclass
class Endpoint:
    """The platform, a client of it, and the worker: its id and its log."""

    sim: Simulator
    http: httpx2.Client
    worker: str
    log: Path

    def post(self, path: str, input_: Any) -> dict[str, Any]:
        """Submit a job; return what the platform answers."""
        headers = {"Authorization": f"Bearer {self.sim.api_key}"}
        answer = self.http.post(
            f"{self.sim.url}/{path}", json={"input": input_}, headers=headers, timeout=40
        ).json()
        return dict(answer)

    def run(self, input_: Any) -> dict[str, Any]:
        """Submit a job, wait for its end, and return its status."""
        return self.post("runsync?wait=30000", input_)


@contextmanager
def served(log: Path) -> Iterator[Endpoint]:
    """Start the entry point with nothing that says serverless but RunPod's own variables.

    The platform loses a job three seconds after the last ping that names it.
    """
    limits = Limits(lost_after_s=3.0, poll_s=1.0)
    with Simulator(limits=limits, ping_interval_s=1) as sim, httpx2.Client(trust_env=False) as http:
        worker = sim.start_worker(
            [sys.executable, "entrypoint.py"],
            cwd=ROOT,
            environment={
                "DETECTOR_BACKEND": "fake",
                "SAM_MODEL_PATH": "/nowhere/sam3.pt",
                "RUNPOD_CONCURRENCY": "8",
            },
            log=log,
        )
        sim.wait_ready(worker, 60)
        yield Endpoint(sim, http, worker, log)
