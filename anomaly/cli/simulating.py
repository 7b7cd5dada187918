"""What `anomaly simulate` does."""

import asyncio
import importlib.util
import shlex
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from anomaly.cli.serve import ENTRY
from anomaly.errors import ConfigurationError
from anomaly.simulator import FaultPlan, Simulator


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the simulator listens, what runs behind it, and the photo of the example."""

    host: str
    port: int
    endpoint: str
    api_key: str
    worker: str | None
    workers: int
    faults: FaultPlan
    sample: Path

    @property
    def command(self) -> list[str]:
        """The worker's command: ours, unless another is named."""
        if self.worker is not None:
            return shlex.split(self.worker)
        if not ENTRY.is_file():
            raise ConfigurationError(
                "our worker needs the repository: name another with --worker, or --workers 0"
            )
        if importlib.util.find_spec("runpod") is None:
            raise ConfigurationError(
                "our worker needs runpod, which the light install leaves out: `RUNPOD_SERVERLESS=true make install`"
                " brings it; or name another worker with --worker, or --workers 0"
            )
        return [sys.executable, str(ENTRY)]


async def run(bench: Bench) -> None:
    """Run both until SIGINT or SIGTERM; say what to try."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    command = bench.command if bench.workers else []
    async with Simulator(
        endpoint_id=bench.endpoint,
        api_key=bench.api_key,
        worker_key=None,  # a user with a ~/.runpod/config.toml: the SDK sends that key whatever it is told
        host=bench.host,
        port=bench.port,
        faults=bench.faults,
    ) as sim:
        for _ in range(bench.workers):
            sim.start_worker(command, environment={"RUNPOD_SERVERLESS": "true"}, respawn=True)
        typer.echo("\n".join(_words(sim, bench)))
        await stop.wait()


def curl_lines(sim: Simulator, sample: Path) -> list[str]:
    """Return the two lines to try: a job with a photo, and how the endpoint is."""
    key = shlex.quote(f"Authorization: Bearer {sim.api_key}")
    photo = f"\"$(base64 < {shlex.quote(str(sample))} | tr -d '\\n')\""
    body = f'printf \'{{"input": {{"image": "%s"}}}}\' {photo}'
    return [
        f"{body} | curl -s {sim.url}/runsync -H {key} -H 'Content-Type: application/json' -d @-",
        f"curl -s {sim.url}/health -H {key}",
    ]


def _words(sim: Simulator, bench: Bench) -> list[str]:
    lines = ["A RunPod endpoint, simulated. Try:", "", *curl_lines(sim, bench.sample), ""]
    lines += ["or", "", f"anomaly detect PHOTO --url {sim.url} --api-key {sim.api_key}", ""]
    if not bench.workers:
        lines += ["No worker runs yet. Start one in a shell that has", ""]
        lines += [
            f"export {name}={shlex.quote(value)}" for name, value in sim.worker_environment("by-hand").items()
        ]
        lines += [""]
    return [*lines, "Ctrl-C ends it."]
