import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging, structlog
from anomaly import logs
logs.configure("info", {form!r})
with structlog.contextvars.bound_contextvars(request_id="r-1"):
    logging.getLogger("a.b").info("%s done", "job", extra={{"elapsed_ms": 1.5}})
logging.getLogger("a").debug("unseen")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a").exception("broke")
"""


def log(form: str) -> list[str]:
    """Return the lines that a process logs."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=True
    )
    assert run.stdout == ""
    return run.stderr.splitlines()


@pytest.mark.parametrize("form", ["json", "auto"])
def test_machines_read_one_object_a_line(form: str) -> None:
    """Away from a terminal each line is JSON with level, logger, time and the request's id; an exception too."""
    first, second = map(json.loads, log(form))
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "job done",
        "level": "info",
        "logger": "a.b",
        "request_id": "r-1",
        "elapsed_ms": 1.5,
    }
    assert "ZeroDivisionError" in second["exception"]


def test_readers_get_text() -> None:
    """Text is for people."""
    lines = log("text")
    assert "job done" in lines[0]
    assert "request_id=r-1" in lines[0]
    assert any("ZeroDivisionError" in line for line in lines)


SECRETIVE = """
import logging
from anomaly import logs
logs.configure("debug", {form!r})
for name in ("httpx", "httpcore.http11", "urllib3.connectionpool"):
    logging.getLogger(name).info("HTTP Request: GET https://bucket/a.jpg?X-Amz-Signature=%s", "hush")
def answer(key):
    raise ValueError("broke")
try:
    answer("hush")
except ValueError:
    logging.getLogger("a").exception("failed")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_link_and_no_variable_is_logged(form: str) -> None:
    """A traceback shows lines of the program alone, and the HTTP client's own lines are left out."""
    program = SECRETIVE.format(form=form)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "ValueError: broke" in run.stderr
    assert "hush" not in run.stderr
