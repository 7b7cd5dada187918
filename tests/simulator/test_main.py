import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from anomaly.simulator.__main__ import main
from tests.simulator.test_simulator import POLLER
from tests.simulator.test_workers import alive

PID = "import os; os.write(1, b'%d\\n' % os.getpid())"  # in one piece: others write to the same pipe


@contextmanager
def command(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the command and give it with what it prints at its start."""
    argv = [sys.executable, "-m", "anomaly.simulator", "--port", "0", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = []
            while sum(line == "\n" for line in printed) < 2:
                printed.append(process.stdout.readline())
            yield process, "".join(printed)
        finally:
            process.terminate()
            process.wait(10)


def test_the_two_lines_to_try_are_complete() -> None:
    """The printed curl lines reach the endpoint with the key and the example given."""
    with command("--endpoint", "bridge", "--api-key", "it's secret", "--input", '{"a": 1}') as (
        process,
        printed,
    ):
        lines = [shlex.split(line) for line in printed.splitlines() if line.startswith("curl")]
        runsync, health = lines
        assert runsync[2].endswith("/v2/bridge/runsync")
        assert runsync[-1] == '{"input": {"a": 1}}'
        name, key = health[4].split(": ")
        with httpx2.Client(trust_env=False) as http:
            assert http.get(health[2], headers={name: key}).json()["jobs"]["completed"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_without_a_worker_it_says_how_to_start_one() -> None:
    """The environment for a worker started by hand is printed, quoted for a shell."""
    with command() as (process, _):
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read() if process.stdout else ""
    assert "export RUNPOD_WEBHOOK_GET_JOB='http://127.0.0.1:" in rest
    assert "export RUNPOD_POD_ID=by-hand" in rest


def test_workers_are_started_and_ended_with_it() -> None:
    """`--worker` runs as many as asked for, and none is left when the command ends."""
    worker = f"{shlex.quote(sys.executable)} -c {shlex.quote(PID + POLLER)}"
    with command("--worker", worker, "--workers", "2") as (process, _):
        assert process.stdout is not None
        pids = [int(process.stdout.readline()) for _ in range(2)]
        assert all(alive(pid) for pid in pids)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not any(alive(pid) for pid in pids)
    assert os.getpid() not in pids


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--fault", "job-done:1:explode"], "job-done:3:drop"),
        (["--fault-rate", "ping=2"], "from 0 to 1"),
        (["--input", "{"], "not JSON"),
        (["--port", "0", "--worker", "no-such-command"], "no-such-command"),
    ],
)
def test_what_cannot_be_meant_ends_with_a_message(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument ends the command with code 2 and says what was expected."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
