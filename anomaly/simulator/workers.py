"""Worker processes: started with the environment that the SDK reads, ended with all they have started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from anomaly.errors import ConfigurationError

RESTART_AFTER_S = 1.0
"""A worker is not replaced earlier than this after its start: one that cannot run does not spin."""


@dataclass(frozen=True, slots=True)
class Order:
    """How to start a worker. Its output goes to the end of `log`, or where the simulator's own goes."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    log: Path | None = None
    respawn: bool = False


@dataclass(slots=True)
class _Running:
    order: Order
    process: "subprocess.Popen[bytes]"
    started_at: float
    kill_at: float | None = None


class Fleet:
    """The workers started here, each the leader of a process group of its own.

    `environment` gives the variables for a worker's id; `on_start` and `on_exit` are told the id.
    """

    def __init__(
        self,
        environment: Callable[[str], dict[str, str]],
        on_start: Callable[[str], None],
        on_exit: Callable[[str], None],
        grace_s: float,
    ) -> None:
        self._environment = environment
        self._on_start = on_start
        self._on_exit = on_exit
        self._grace_s = grace_s
        self._running: dict[str, _Running] = {}
        self._due: list[tuple[float, Order]] = []
        self._started = 0
        self._closing = False
        self.exits: dict[str, int] = {}
        """Return codes by worker; minus the number of the signal that ended it."""

    def start(self, order: Order) -> str:
        """Start a worker and return its id. Raises `ConfigurationError` where the command cannot be run."""
        self._started += 1
        worker_id = f"worker-{self._started}"
        inherited = dict(os.environ)  # noqa: TID251 - handed on to the worker, not read
        unproxied = ",".join(filter(None, (inherited.get("NO_PROXY"), "127.0.0.1,localhost")))
        environment = {
            **inherited,
            "NO_PROXY": unproxied,
            **self._environment(worker_id),
            **order.environment,
        }
        output = order.log.open("ab") if order.log else None
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is the user's own
                list(order.command),
                env=environment,
                cwd=order.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigurationError(
                f"the worker's command {order.command[0]!r} cannot be started ({error.strerror}); "
                "give one that runs by itself in this folder"
            ) from error
        finally:
            if output:
                output.close()
        self._on_start(worker_id)
        self._running[worker_id] = _Running(order, process, time.monotonic())
        return worker_id

    def ids(self) -> tuple[str, ...]:
        """Return the workers whose process has not ended, oldest first."""
        return tuple(self._running)

    def pid(self, worker_id: str) -> int | None:
        """Return the process id of a running worker, which is that of its process group too."""
        running = self._running.get(worker_id)
        return running.process.pid if running else None

    def send_signal(self, worker_id: str | None, number: int) -> None:
        """Signal a worker, the oldest where none is named: its first process, or with SIGKILL all of them."""
        running = self._running.get(worker_id or next(iter(self._running), ""))
        if running is None:
            return
        if number == signal.SIGKILL:
            _kill_group(running.process)
        else:
            running.process.send_signal(number)

    def recycle(self, worker_id: str) -> None:
        """Ask a worker to end, kill it if it does not; a respawning one is replaced."""
        if running := self._running.get(worker_id):
            running.process.terminate()
            running.kill_at = running.kill_at or time.monotonic() + self._grace_s

    def poll(self) -> None:
        """Notice who has ended, kill who was to end and has not, replace who is to be replaced."""
        now = time.monotonic()
        for worker_id, running in tuple(self._running.items()):
            if running.kill_at is not None and now >= running.kill_at:
                _kill_group(running.process)
            code = running.process.poll()
            if code is None:
                continue
            _kill_group(running.process)  # the SDK's heartbeat outlives a killed worker
            del self._running[worker_id]
            self.exits[worker_id] = code
            if running.order.respawn and not self._closing:
                self._due.append((running.started_at + RESTART_AFTER_S, running.order))
            self._on_exit(worker_id)
        for due in [due for due in self._due if due[0] <= now and not self._closing]:
            self._due.remove(due)
            self.start(due[1])

    def close(self) -> None:
        """Recycle everybody and replace nobody; `poll` until `ids` is empty."""
        self._closing = True
        for worker_id in self.ids():
            self.recycle(worker_id)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by the latter
        os.killpg(process.pid, signal.SIGKILL)
