"""The simulator as a whole: embed it in a test, or run it with `python -m anomaly.simulator`."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from anomaly.errors import ConfigurationError
from anomaly.simulator.background import Background
from anomaly.simulator.bell import Bell
from anomaly.simulator.calls import CallLog
from anomaly.simulator.clock import Clock
from anomaly.simulator.connections import Connections
from anomaly.simulator.endpoint import Endpoint
from anomaly.simulator.faults import FaultPlan
from anomaly.simulator.gate import Gate
from anomaly.simulator.guard import Guard
from anomaly.simulator.job import Job
from anomaly.simulator.limits import Limits
from anomaly.simulator.queue import JobQueue
from anomaly.simulator.roster import Roster
from anomaly.simulator.server import Server, application
from anomaly.simulator.webhooks import Webhooks
from anomaly.simulator.workers import Fleet, Order

TICK_S = 0.05


class Simulator:
    """One RunPod endpoint on loopback: `async with` runs it on this event loop, `with` in its own thread.

    With `port` 0 any free one is taken; `worker_key` None lets workers in with any key. `queue`, `roster`,
    `fleet`, `calls` and `webhooks` may be read from any thread; jobs are submitted and changed over HTTP.
    """

    def __init__(
        self,
        *,
        endpoint_id: str = "local",
        api_key: str = "local-key",
        worker_key: str | None = "local-worker-key",
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        faults: FaultPlan | None = None,
        ping_interval_s: int = 10,
    ) -> None:
        if ping_interval_s < 1:
            raise ConfigurationError(
                f"ping_interval_s is {ping_interval_s}, expected 1 or more whole seconds"
            )
        self.endpoint_id, self.api_key, self.worker_key, self.host = endpoint_id, api_key, worker_key, host
        self.limits = limits or Limits()
        self.clock = Clock()
        self.queue = JobQueue(self.clock, self.limits, self._changed)
        self.roster = Roster(self.clock, self.limits.lost_after_s)
        self.fleet = Fleet(
            self.worker_environment, self.roster.started, self._exited, self.limits.worker_grace_s
        )
        self.webhooks = Webhooks(self.limits)
        self._ping_interval_s = ping_interval_s
        self._asked_port = port
        self._bell = Bell()
        self._connections = Connections()
        endpoint = Endpoint(self.limits, self.queue, self.roster, self._bell, self.fleet.recycle)
        app = Guard(application(endpoint, endpoint_id), api_key, worker_key)
        self._gate = Gate(app, self.clock, self._bell, self._connections, self.fleet.send_signal)
        self._gate.plan = faults or FaultPlan()
        self._server: Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._background: Background | None = None

    # Where it is

    @property
    def base_url(self) -> str:
        """What `RUNPOD_ENDPOINT_BASE_URL` or `runpod.endpoint_url_base` has to be for the SDK's client."""
        if self._server is None:
            raise ConfigurationError("the simulator does not run: use it in a with or async with statement")
        return f"http://{self.host}:{self._server.port}/v2"

    @property
    def url(self) -> str:
        """The endpoint: /run, /status and the others stand below it."""
        return f"{self.base_url}/{self.endpoint_id}"

    def worker_environment(self, worker_id: str) -> dict[str, str]:
        """Return what the SDK reads at import; `$ID` and `$RUNPOD_POD_ID` are for it to fill in."""
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{self.url}/job-take/$ID?gpu=simulated",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{self.url}/job-done/$RUNPOD_POD_ID/$ID?gpu=simulated",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{self.url}/job-stream/$RUNPOD_POD_ID/$ID?gpu=simulated",
            "RUNPOD_WEBHOOK_PING": f"{self.url}/ping/$RUNPOD_POD_ID",
            "RUNPOD_PING_INTERVAL": str(self._ping_interval_s * 1000),
            "RUNPOD_AI_API_KEY": self.worker_key or "any",
            "RUNPOD_POD_ID": worker_id,
            "RUNPOD_ENDPOINT_ID": self.endpoint_id,
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    # What goes on

    @property
    def calls(self) -> CallLog:
        """Every call so far."""
        return self._gate.log

    def use(self, plan: FaultPlan) -> None:
        """Follow another plan of faults from now on, with calls counted from 1 again."""
        self._gate.log.restart()
        self._gate.plan = plan

    def advance(self, seconds: float) -> None:
        """Set the platform's clock forward: ttl, timeouts, retention, lost jobs. Workers keep their own."""
        self.clock.advance(seconds)

    def job(self, job_id: str) -> Job | None:
        """Return a job as it stands."""
        return next((job for job in self.queue.jobs() if job.id == job_id), None)

    def start_worker(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        respawn: bool = False,
    ) -> str:
        """Start a worker and return its id; it is ended with the simulator. See `Order`."""
        return self.fleet.start(Order(command, environment or {}, cwd, log, respawn))

    def kill_worker(self, worker_id: str, number: int = signal.SIGKILL) -> None:
        """Send a worker a signal: SIGKILL to all its processes, any other to the first."""
        self.fleet.send_signal(worker_id, number)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 30.0, what: str = "it") -> None:
        """Block until `condition` holds; on an event loop use `asyncio.to_thread`. Raises `TimeoutError`."""
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError(f"{what} has not come about within {timeout_s:g} s")
            time.sleep(0.005)

    def wait_ready(self, worker_id: str, timeout_s: float = 30.0) -> None:
        """Block until a worker has asked for a job. Raises `TimeoutError`, at once where its process ends."""

        def ready() -> bool:
            if worker_id in self.fleet.exits:
                raise TimeoutError(
                    f"{worker_id} ended with code {self.fleet.exits[worker_id]} before it was ready"
                )
            presence = self.roster.presence(worker_id)
            return presence is not None and presence.ready

        self.wait_until(ready, timeout_s, f"{worker_id} asking for a job")

    def _changed(self, job: Job) -> None:
        self._bell.ring()
        if job.state.final and job.submission.webhook:
            self.webhooks.send(job.submission.webhook, orjson.dumps(job.for_client()))

    def _exited(self, worker_id: str) -> None:
        self.roster.gone(worker_id)
        self.queue.worker_gone(worker_id)

    # Start and end

    async def __aenter__(self) -> Self:
        """Listen and serve."""
        self._server = Server(self._gate, self._connections, self.host, self._asked_port)
        await self._server.start()
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker with all it has started, then the server."""
        self._bell.close()
        self.fleet.close()
        while self.fleet.ids():
            self.fleet.poll()
            await asyncio.sleep(0.01)
        await self.webhooks.close()
        if self._server is not None:
            await self._server.stop()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking

    async def _tick(self) -> None:
        while True:
            self.queue.sweep()
            self.fleet.poll()
            await asyncio.sleep(TICK_S)

    def __enter__(self) -> Self:
        """Run in a thread of its own, until the statement ends."""
        self._background = Background(self)
        self._background.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End as `async with` does, and wait for the thread."""
        if self._background is not None:
            self._background.stop()
