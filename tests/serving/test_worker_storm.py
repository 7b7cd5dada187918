"""The entry point as a worker, under the real SDK, through a storm of faults and to its end."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from anomaly.simulator import FaultPlan, State
from tests.pictures import base64_of, encoded, gradient
from tests.serving.endpoint import ROOT, Endpoint

pytestmark = pytest.mark.xdist_group("sdk")

PHOTO = base64_of(encoded(gradient(320, 240)))
JOBS = 200


def submit(endpoint: Endpoint, frame_id: str) -> str:
    """Queue a job and return its id."""
    return str(endpoint.post("run", {"image": PHOTO, "frame_id": frame_id})["id"])


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has started and that live."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def is_alive(pid: int) -> bool:
    """Return whether a process lives; one that has ended and is not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_storm_of_faults_costs_no_result(endpoint: Endpoint) -> None:
    """With a fault on a third of all calls, every job ends with its own answer or with an honest failure."""
    sim = endpoint.sim
    rates = dict.fromkeys(("job-take", "job-take-batch", "job-done"), 1 / 3)
    before = sim.queue.counts()
    sim.use(FaultPlan(rates=rates, seed=5))
    frames = {submit(endpoint, name): name for name in map("photo-{}".format, range(JOBS))}
    sim.wait_until(lambda: all(job.state.final for job in sim.queue.jobs()), 60, "the end of every job")
    jobs = {job.id: job for job in sim.queue.jobs() if job.id in frames}
    assert set(jobs) == set(frames)
    completed = [job for job in jobs.values() if job.state is State.COMPLETED]
    assert all(job.output["frame_id"] == frames[job.id] for job in completed)
    assert all(job.output["anomaly_count"] == 3 for job in completed)
    failed = [job for job in jobs.values() if job.state is not State.COMPLETED]
    assert {job.error for job in failed} <= {"job timed out after 1 retries"}, endpoint.log.read_text()
    assert len(completed) > 0.8 * JOBS
    after = sim.queue.counts()
    ended = (after.completed - before.completed, after.failed - before.failed)
    assert ended == (len(completed), len(failed))
    met = Counter(record.call.operation for record in sim.calls if record.fault is not None)
    assert met["job-done"] > 50
    assert sum(1 for record in sim.calls if record.call.operation.startswith("job-take")) < 2 * JOBS
    sim.use(FaultPlan())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_sigterm_ends_the_worker_with_all_it_has_started(endpoint: Endpoint) -> None:
    """An idle worker has ended soon after the signal, with status 0, and its heartbeat with it."""
    sim = endpoint.sim
    pid = sim.fleet.pid(endpoint.worker)
    assert pid is not None
    sim.wait_until(lambda: bool(children(pid)), 60, "a heartbeat")
    family = [pid, *children(pid)]
    started = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    sim.wait_until(lambda: endpoint.worker in sim.fleet.exits, 60, "the worker's end")
    took_s = time.monotonic() - started
    assert sim.fleet.exits[endpoint.worker] == 0, endpoint.log.read_text()
    sim.wait_until(lambda: not any(map(is_alive, family)), 5, "the end of all it has started")
    assert took_s < 10  # a poll is held for 20 s
    assert "Traceback" not in endpoint.log.read_text()


def test_sigterm_ends_a_worker_that_is_still_starting() -> None:
    """Before the first job there is nothing to finish: the process ends at once, with status 0."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LD_LIBRARY_PATH") if key in os.environ}
    process = subprocess.Popen(
        [sys.executable, "entrypoint.py"],
        cwd=ROOT,
        env={**kept, "RUNPOD_SERVERLESS": "true", "DETECTOR_BACKEND": "fake", "SEGMENTER_BACKEND": "fake"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    while "ready after" not in process.stderr.readline():  # the SDK is yet to be imported
        assert process.poll() is None
    process.terminate()
    assert process.wait(5) == 0
    process.stderr.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to do it")
def test_a_heartbeat_does_not_outlive_a_killed_worker() -> None:
    """A forked child ends with its parent even where the parent is killed."""
    program = (
        "import multiprocessing, os, signal, time\n"
        "from anomaly.serving.worker import heartbeat\n"
        "heartbeat.bind_children()\n"
        "child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,), daemon=True)\n"
        "child.start()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(0.2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 5
    while is_alive(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(int(done.stdout))
