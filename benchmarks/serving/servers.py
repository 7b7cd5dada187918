"""The servers under test: how each is started, where it listens, what it costs, how it is stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.serving import task
from benchmarks.serving.environment import NETWORK, PYTHON, ROOT

OURS = "ours"
FLOOR = "floor"
"""Not a peer: it does less than the task. It is measured where it is asked for."""

PEERS = ("naive", "litserve", "bentoml", "ray", "mosec")
MODELS = ("lock", "network")
START_S = 180
_UPLOAD_PATHS = {"litserve": "/detect"}  # it has one door, and looks at the content type


def upload_path(name: str) -> str:
    """Return where the server `name` takes a form."""
    return _UPLOAD_PATHS.get(name, "/detect/upload")


def command(name: str, model: str, port: int) -> tuple[list[str], Mapping[str, str]]:
    """Return how the server `name` is started round `model`, and what its environment holds beside ours."""
    if name != OURS:
        file = "lock" if model == "lock" else str(NETWORK)
        if name == FLOOR:
            return [sys.executable, "-m", "benchmarks.serving.floor", str(port), file], {}
        return [str(PYTHON), "-m", f"benchmarks.serving.peers.{name}", str(port), file], {}
    settings = {"API_HOST": "127.0.0.1", "LOG_LEVEL": "warning", "MAX_BATCH": str(task.MAX_BATCH)}
    settings["RESULT_CACHE_MB"] = "0"  # the same photograph comes again and again, and is to cost its models
    if model == "network":
        return [sys.executable, "-m", "benchmarks.serving.ours", str(port), str(NETWORK)], settings
    return [sys.executable, "entrypoint.py"], settings | {
        "RUNPOD_SERVERLESS": "false",
        "DETECTOR_BACKEND": "fake",
        "SEGMENTER_BACKEND": "none",
        "FAKE_BATCH_MS": str(task.BATCH_MS),
        "FAKE_IMAGE_MS": str(task.IMAGE_MS),
        "FAKE_BOXES": str(task.BOXES),
        "API_PORT": str(port),
    }


class Server:
    """One server, started at `__enter__` and stopped with every process it started at `__exit__`."""

    def __init__(self, name: str, model: str, log: Path) -> None:
        self.name = name
        self.port = _free_port()
        arguments, extra = command(name, model, self.port)
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(extra),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        family = self._family()
        self._process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=10)
        for each in left:
            each.kill()
        self._process.wait()
        self._log.close()

    def wait(self, request: bytes) -> None:
        """Wait until `request` is answered with 200. Raises RuntimeError with the log's end if it never is."""
        head, _, body = request.partition(b"\r\n\r\n")
        path, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        url = f"http://127.0.0.1:{self.port}{path.split()[1]}"
        until, answer = time.monotonic() + START_S, "nothing"
        while time.monotonic() < until and self._process.poll() is None:
            try:
                asked = urllib.request.Request(url, body, headers)
                with urllib.request.urlopen(asked, timeout=20) as response:  # noqa: S310
                    if response.status == 200:
                        return
            except urllib.error.HTTPError as error:
                answer = f"{error.code} {error.read()[:200]!r}"
            except OSError as error:
                answer = str(error)
            time.sleep(0.5)
        end = Path(self._log.name).read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.name} answered {answer}; its log ends with:\n{end}")

    def cpu_s(self) -> float:
        """Return the CPU time that the server's living processes have taken, s."""
        return sum(_cpu_s(each) for each in self._family())

    def resident_mb(self) -> float:
        """Return the resident set of the server's processes together, MB of 2**20 bytes."""
        return sum(each.memory_info().rss for each in self._family()) / 2**20

    def _family(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
