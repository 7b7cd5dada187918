"""A thousand jobs through a storm: `python -m benchmarks.worker_storm`.

The entry point runs as two workers under the real SDK, with the deterministic fake models, against the simulated
platform. A third of all calls that the workers make meets a fault: refusals, dropped and hanging connections, late
answers, jobs handed out twice. Meanwhile one worker gets SIGTERM and another is killed; both are replaced. In
the end each job has its own answer or an honest failure, once, and no process is left.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pybase64

from anomaly.simulator import FaultPlan, Limits, Simulator, State
from anomaly.simulator.faults import WORKER_OPERATIONS
from benchmarks import machine

ROOT = Path(__file__).parents[1]
WORKERS, CONCURRENCY = 2, 8
RATE = 1 / 3
LOST_AFTER_S = 10.0
"""Ten pings: as on the platform, where a job is given up after about four."""


def alive(groups: set[int]) -> int:
    """Return how many processes of these groups live; one that has ended and is not yet reaped does not."""
    count = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        count += int(group) in groups and state != "Z"
    return count


def storm(count: int, seed: int) -> dict[str, object]:
    """Run `count` jobs through a storm; return what became of them."""
    _, picture = cv2.imencode(".png", np.tile(np.arange(256, dtype=np.uint8), (192, 1)))
    photo = pybase64.b64encode(picture.tobytes()).decode()
    limits = Limits(lost_after_s=LOST_AFTER_S, poll_s=2.0)
    plan = FaultPlan(rates=dict.fromkeys(WORKER_OPERATIONS, RATE), seed=seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(limits=limits, ping_interval_s=1) as sim,
        httpx2.Client(trust_env=False) as http,
    ):
        headers = {"Authorization": f"Bearer {sim.api_key}"}
        frames = {}
        for number in range(count):
            body = {"input": {"image": photo, "frame_id": f"photo-{number}"}}
            answer = http.post(f"{sim.url}/run", json=body, headers=headers).raise_for_status()
            frames[answer.json()["id"]] = f"photo-{number}"
        sim.use(plan)
        environment = {
            "DETECTOR_BACKEND": "fake",
            "SEGMENTER_BACKEND": "fake",
            "RESULT_CACHE_MB": "0",
            "RUNPOD_CONCURRENCY": str(CONCURRENCY),
            "FAKE_IMAGE_MS": "5",
        }
        for number in range(WORKERS):
            sim.start_worker(
                [sys.executable, "entrypoint.py"],
                cwd=ROOT,
                environment=environment,
                log=Path(folder) / f"{number}.log",
                respawn=True,
            )
        started = time.monotonic()
        groups = set(filter(None, map(sim.fleet.pid, sim.fleet.ids())))

        def ended(share: float) -> bool:
            groups.update(filter(None, map(sim.fleet.pid, sim.fleet.ids())))
            return sum(job.state.final for job in sim.queue.jobs()) >= share * count

        for share, number in ((0.3, signal.SIGTERM), (0.6, signal.SIGKILL)):
            sim.wait_until(lambda share=share: ended(share), 600, f"{share:.0%} of the jobs")
            sim.kill_worker(sim.fleet.ids()[0], number)
        sim.wait_until(lambda: ended(1), 600, "the end of every job")
        took_s = time.monotonic() - started
        jobs = {job.id: job for job in sim.queue.jobs()}
        counts = sim.queue.counts()
        met = Counter(record.call.operation for record in sim.calls if record.fault is not None)
        calls = Counter(record.call.operation for record in sim.calls)
    right = [job for job in jobs.values() if job.state is State.COMPLETED]
    wrong = [
        job for job in right if job.output["frame_id"] != frames[job.id] or job.output["anomaly_count"] != 3
    ]
    return {
        "jobs": count,
        "seed": seed,
        "right_answers": len(right) - len(wrong),
        "wrong_answers": len(wrong),
        "honest_failures": dict(Counter(job.error for job in jobs.values() if job.state is State.FAILED)),
        "lost": len(set(frames) - {job.id for job in jobs.values() if job.state.final}),
        "ended_more_than_once": counts.completed + counts.failed - count,
        "posted_again_without_effect": counts.repeats,
        "redelivered": counts.retried,
        "calls": sum(calls.values()),
        "faults": sum(met.values()),
        "faults_by_operation": dict(met),
        "processes_left": alive(groups),
        "took_s": round(took_s, 1),
    }


def main() -> None:
    """Print what became of the jobs and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=5, help="of the faults (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/worker_storm.json"))
    options = parser.parse_args()
    before = machine.describe()
    found = storm(options.jobs, options.seed)
    print("| | |\n|---|---|")
    for name, value in found.items():
        print(f"| {name.replace('_', ' ')} | {value} |")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": before, "load_average_after": machine.load_average(), **found}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
