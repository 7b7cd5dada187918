import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anomaly.errors import ConfigurationError
from anomaly.simulator.workers import Fleet, Order

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(child.pid, flush=True); time.sleep(60)"
)


class Told:
    """A fleet, and what it has told."""

    def __init__(self, grace_s: float = 5.0) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self.fleet = Fleet(
            lambda worker_id: {"WHO": worker_id}, self.started.append, self.ended.append, grace_s
        )

    def wait(self, count: int) -> None:
        """Poll until so many have ended."""
        until = time.monotonic() + 10
        while len(self.ended) < count:
            assert time.monotonic() < until
            self.fleet.poll()
            time.sleep(0.01)


@pytest.fixture
def told() -> Iterator[Told]:
    """Return a fleet of which nothing is left after the test."""
    told = Told()
    yield told
    told.fleet.close()
    for worker_id in told.fleet.ids():
        told.fleet.send_signal(worker_id, signal.SIGKILL)
    told.wait(len(told.started))


def wait_for_line(log: Path) -> str:
    """Return the first line that appears in `log`."""
    until = time.monotonic() + 10
    while "\n" not in (text := log.read_text() if log.exists() else ""):
        assert time.monotonic() < until
        time.sleep(0.01)
    return text.splitlines()[0]


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "\nState:\tZ" in status.read_text())


def test_a_worker_has_its_environment_and_the_shells(told: Told, tmp_path: Path) -> None:
    """A worker sees the platform's variables, those of its order, and what was there before."""
    log = tmp_path / "log"
    code = "import os; print(os.environ['WHO'], os.environ['EXTRA'], 'PATH' in os.environ, os.environ['NO_PROXY'])"
    told.fleet.start(Order([sys.executable, "-c", code], {"EXTRA": "more"}, log=log))
    told.wait(1)
    assert log.read_text().startswith("worker-1 more True ")
    assert log.read_text().rstrip().endswith("127.0.0.1,localhost")


def test_an_end_is_noticed_with_its_code(told: Told) -> None:
    """A worker that ends by itself is reported with its return code and not replaced."""
    worker_id = told.fleet.start(Order([sys.executable, "-c", "raise SystemExit(3)"]))
    told.wait(1)
    assert (told.started, told.ended) == ([worker_id], [worker_id])
    assert told.fleet.exits == {worker_id: 3}
    assert told.fleet.ids() == ()


def test_a_command_that_cannot_run_is_an_error_that_names_it(told: Told) -> None:
    """A command that does not exist is refused at once."""
    with pytest.raises(ConfigurationError, match="no-such-command"):
        told.fleet.start(Order(["no-such-command"]))
    assert told.started == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_worker(told: Told, number: int) -> None:
    """The signal that ended a worker is its negative return code."""
    worker_id = told.fleet.start(Order([sys.executable, "-c", SLEEPER]))
    told.fleet.send_signal(worker_id, number)
    told.wait(1)
    assert told.fleet.exits[worker_id] == -number


def test_an_unnamed_signal_goes_to_the_oldest(told: Told) -> None:
    """Where no worker is named, the one that runs longest gets the signal."""
    first, second = (told.fleet.start(Order([sys.executable, "-c", SLEEPER])) for _ in range(2))
    told.fleet.send_signal(None, signal.SIGKILL)
    told.wait(1)
    assert (told.ended, told.fleet.ids()) == ([first], (second,))
    told.fleet.send_signal("nobody", signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_worker_started_ends_with_it(told: Told, tmp_path: Path, number: int) -> None:
    """A child that outlives its worker is killed, however the worker ended."""
    log = tmp_path / "log"
    worker_id = told.fleet.start(Order([sys.executable, "-c", PARENT], log=log))
    child = int(wait_for_line(log))
    assert alive(child)
    told.fleet.send_signal(worker_id, number)
    told.wait(1)
    until = time.monotonic() + 5
    while alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive(child)


def test_a_worker_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    """After the grace a worker that did not heed SIGTERM gets SIGKILL."""
    told, log = Told(grace_s=0.1), tmp_path / "log"
    worker_id = told.fleet.start(Order([sys.executable, "-c", STUBBORN], log=log))
    wait_for_line(log)
    told.fleet.close()
    told.wait(1)
    assert told.fleet.exits[worker_id] == -signal.SIGKILL


def test_a_recycled_worker_is_replaced_by_another(told: Told) -> None:
    """A respawning worker that is recycled ends, and one with a new id takes its place, not at once."""
    first = told.fleet.start(Order([sys.executable, "-c", SLEEPER], respawn=True))
    began = time.monotonic()
    told.fleet.recycle(first)
    told.wait(1)
    while not told.fleet.ids():
        assert time.monotonic() < began + 10
        told.fleet.poll()
        time.sleep(0.01)
    assert time.monotonic() - began > 0.9
    assert told.fleet.ids() == ("worker-2",)
    told.fleet.recycle("nobody")
