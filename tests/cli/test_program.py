"""The program as a process: its start, its help, its signals, its exit codes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Run
from tests.pictures import encoded

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "anomaly.cli"]
FAKE = {**os.environ, "DETECTOR_BACKEND": "fake", "COLUMNS": "120"}

HEAVY = ("torch", "numpy", "cv2", "fastapi", "httpx", "runpod", "scipy", "skimage", "onnxruntime")


def test_help_imports_nothing_heavy() -> None:
    """The commands are declared without the libraries that do the work: help and completion answer at once."""
    code = f"""
import sys
from anomaly.cli.app import application
application()(["detect", "--help"], standalone_mode=False)
print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
    assert "--annotate" in done.stdout


@pytest.mark.parametrize(
    "command",
    [[], ["detect"], ["serve"], ["simulate"], ["plan"], ["doctor"], ["weights"], ["weights", "fetch"]],
)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    """`--help` and `-h` say what a command does and takes."""
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "Usage: anomaly" in done.stdout
    assert run(*command, "-h").stdout == done.stdout


def test_the_version_is_told(run: Run) -> None:
    """`--version` is the package's."""
    from anomaly import __version__

    assert run("--version").stdout.strip() == __version__


def test_a_known_failure_is_a_sentence() -> None:
    """The exit code is 1, without a traceback."""
    done = subprocess.run(
        [*PROGRAM, "weights", "fetch", "nonsense"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=FAKE,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("configuration_error: There are no weights 'nonsense'")
    assert "Traceback" not in done.stderr


def test_the_shell_completes() -> None:
    """The shell's question for commands and for names of weights is answered."""
    asked = {
        **FAKE,
        "_ANOMALY_COMPLETE": "complete_bash",
        "COMP_WORDS": "anomaly weights fetch sam",
        "COMP_CWORD": "3",
    }
    code = "from anomaly.cli.app import application; application()(prog_name='anomaly')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=asked, timeout=60
    )
    assert done.stdout.split() == ["sam3", "sam2_large", "sam2_base_plus", "sam2_small", "sam2_tiny"]


@contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the program in the background."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**FAKE, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_serve_is_the_server(tmp_path: Path) -> None:
    """It answers photos on its port, and ends well on SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started("serve", "--host", "127.0.0.1", "--port", str(port)) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None
            time.sleep(0.1)
        answer = httpx.post(f"{url}/detect", content=encoded(), headers={"Content-Type": "image/png"})
        assert answer.json()["anomaly_count"] == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines to try are for curl")
def test_simulate_shows_two_lines_that_work() -> None:
    """The lines that it prints, put into a shell, give a photo's answer and the endpoint's health."""
    with started("simulate", "--port", "0", "--api-key", "it's mine") as process:
        assert process.stdout is not None
        printed = []
        while not printed or printed[-1] != "Ctrl-C ends it.":
            printed.append(process.stdout.readline().rstrip("\n"))
            assert printed[-1] or process.poll() is None
        job, health = (line for line in printed if "curl" in line)
        answered = subprocess.run(["bash", "-c", job], capture_output=True, text=True, timeout=90)
        assert json.loads(answered.stdout)["output"]["anomaly_count"] == 3, answered
        told = subprocess.run(["bash", "-c", health], capture_output=True, text=True, timeout=30)
        assert json.loads(told.stdout)["jobs"]["completed"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_an_interrupt_is_130(tmp_path: Path) -> None:
    """Ctrl-C ends a run at once, with the shell's code for it and no traceback; its journal stays."""
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes(encoded())
    output = tmp_path / "out.jsonl"
    slow = {**FAKE, "FAKE_IMAGE_MS": "150", "RESULT_CACHE_MB": "0"}  # one photo, many times
    process = subprocess.Popen(
        [*PROGRAM, "detect", str(tmp_path), "-o", str(output)],
        stderr=subprocess.PIPE, text=True, cwd=ROOT, env=slow,
    )  # fmt: skip
    for _ in range(600):
        if output.exists() and output.read_text().count("\n") >= 2:
            break
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert Path(f"{output}.journal").exists()


def test_a_reader_who_has_had_enough_ends_it(tmp_path: Path) -> None:
    """With `head` behind it the program ends without a traceback."""
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(encoded())
    command = f"{sys.executable} -m anomaly.cli detect {tmp_path} -q -f jsonl | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, env=FAKE, timeout=60
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
