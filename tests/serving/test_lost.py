"""Pods that end while jobs wait: by a signal, and by themselves when the card is lost. Real processes."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.pictures import base64_of, encoded, gradient
from tests.test_entrypoint import ROOT, environment, free_port, running

PHOTO = {"image": base64_of(encoded(gradient()))}
FAKE = {
    "DETECTOR_BACKEND": "fake",
    "SEGMENTER_BACKEND": "fake",
    "API_HOST": "127.0.0.1",
    "MEASURING_PROCESSES": "0",
}


@contextmanager
def losing(port: int, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the pod whose card is lost."""
    command = [sys.executable, "-m", "tests.serving.lost", str(port), str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:  # of a failed test, too: on leaving, the process is waited for
            process.kill()


def until_up(url: str) -> None:
    """Wait until somebody listens, with the models still loading."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            httpx.get(f"{url}/ping")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("it never listened")


def handed_in(url: str, count: int) -> list[str]:
    """Hand in jobs; return their ids."""
    return [str(httpx.post(f"{url}/run", json={"input": PHOTO}).json()["id"]) for _ in range(count)]


def ended(url: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return how jobs stand once all have ended."""
    ends = time.monotonic() + 60
    while True:
        found = [httpx.get(f"{url}/status/{each}").json() for each in ids]
        if (
            all(each["status"] not in ("IN_QUEUE", "IN_PROGRESS") for each in found)
            or time.monotonic() > ends
        ):
            return found
        time.sleep(0.1)


def test_a_pod_whose_card_is_lost_ends_and_the_next_one_does_its_jobs(tmp_path: Path) -> None:
    """It ends by itself, with status 1 and the reason; no job has failed, and who waits is told that his waits too."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers: list[httpx.Response] = []

    def wait_for_one() -> None:
        answers.append(httpx.post(f"{url}/runsync?wait=60000", json={"input": PHOTO}, timeout=70))

    with losing(port, tmp_path) as process:
        until_up(url)
        waiting = threading.Thread(target=wait_for_one)
        waiting.start()
        ids = handed_in(url, 3)
        output, _ = process.communicate(timeout=30)
        waiting.join()
    assert process.returncode == 1, output
    assert output.rstrip().endswith("device_lost: the card answers no more")
    [answer] = answers
    assert answer.json()["status"] == "IN_QUEUE"
    with running(**FAKE, API_PORT=str(port), STATE_PATH=str(tmp_path)):
        until_up(url)
        found = ended(url, [*ids, answer.json()["id"]])
    assert [each["status"] for each in found] == ["COMPLETED"] * 4
    assert sum(each.get("retries", 0) for each in found) in (1, 2), "the tries of those that were begun count"


def test_a_photo_that_comes_when_the_card_is_lost_is_answered(tmp_path: Path) -> None:
    """It gets 503, its code and a time to come again, before the process ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with losing(port, tmp_path) as process:
        until_up(url)
        while httpx.get(f"{url}/health").status_code != 200:
            time.sleep(0.05)
        answer = httpx.post(f"{url}/detect", json=PHOTO)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "device_lost")
        assert int(answer.headers["retry-after"]) > 0
        assert process.wait(30) == 1


def test_a_pod_that_is_told_to_stop_fails_no_job(tmp_path: Path) -> None:
    """What waits and what runs is done by the next one."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    slow = {**FAKE, "API_PORT": str(port), "STATE_PATH": str(tmp_path), "JOBS_AT_ONCE": "2"}
    with running(**slow, FAKE_BATCH_MS="700") as process:
        until_up(url)
        ids = handed_in(url, 6)
        while httpx.get(f"{url}/status/{ids[0]}").json()["status"] == "IN_QUEUE":
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with running(**slow):
        until_up(url)
        found = ended(url, ids)
    assert [each["status"] for each in found] == ["COMPLETED"] * 6, found
