"""Jobs a second of a RunPod worker: our loop beside the SDK's own, on the simulator, in pairs.

`python -m benchmarks.worker`. Each job sleeps 50 ms, so that what is measured is the loop and not a model. The
simulator, the worker and this program share the machine. Also: how long a lone job of 100 ms takes to come
back to a client that waits for it on /runsync.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from anomaly.serving.handling.channel import Channel
from anomaly.serving.handling.results import Written
from anomaly.serving.worker.recycling import Recycling
from anomaly.serving.worker.startup import start
from anomaly.simulator import Simulator, State
from benchmarks import machine

CONCURRENCIES = (1, 4, 8)
JOB_S, LONE_JOB_S = 0.05, 0.1
JOBS_PER_SLOT = {"ours": 40, "stock": 5}
LONE_JOBS = 10


async def sleeper(job: dict[str, Any], *, channel: Channel | None = None) -> Written:
    """Sleep as long as the job says."""
    await asyncio.sleep(job["input"]["sleep_s"])
    return Written(b'{"slept":true}')


async def plain_sleeper(job: dict[str, Any]) -> dict[str, bool]:
    """Do the same, for the SDK alone."""
    await asyncio.sleep(job["input"]["sleep_s"])
    return {"slept": True}


def work(loop: str, concurrency: int) -> None:
    """Be a worker, until told to stop."""
    import runpod

    runpod.RunPodLogger().set_level("ERROR")
    sys.argv = sys.argv[:1]  # the SDK reads the rest
    if loop == "ours":
        start(sleeper, concurrency, Recycling())
    else:
        runpod.serverless.start({"handler": plain_sleeper, "concurrency_modifier": lambda now: concurrency})


def measure(loop: str, concurrency: int) -> tuple[float, float]:
    """Return jobs a second with a queue that is never empty, and ms until a lone job is back, the median."""
    command = [sys.executable, "-m", "benchmarks.worker", "--work", loop, str(concurrency)]
    with tempfile.TemporaryDirectory() as folder, Simulator() as sim, httpx2.Client(trust_env=False) as http:
        headers = {"Authorization": f"Bearer {sim.api_key}"}

        def submit(path: str, sleep_s: float) -> None:
            answer = http.post(
                f"{sim.url}/{path}", json={"input": {"sleep_s": sleep_s}}, headers=headers, timeout=60
            )
            answer.raise_for_status()

        for _ in range(JOBS_PER_SLOT[loop] * concurrency):
            submit("run", JOB_S)
        sim.start_worker(command, log=Path(folder) / "log")
        sim.wait_until(
            lambda: all(job.state.final for job in sim.queue.jobs()), 120, f"{loop} at {concurrency}"
        )
        jobs = sim.queue.jobs()
        if any(job.state is not State.COMPLETED for job in jobs):
            raise RuntimeError(f"not every job of {loop} at {concurrency} was completed")
        began = min(job.taken_at for job in jobs if job.taken_at is not None)
        ended = max(job.finished_at for job in jobs if job.finished_at is not None)
        waits_ms = []
        for _ in range(LONE_JOBS):
            time.sleep(0.05)
            asked_at = time.perf_counter()
            submit("runsync", LONE_JOB_S)
            waits_ms.append((time.perf_counter() - asked_at) * 1e3)
    return len(jobs) / (ended - began), statistics.median(waits_ms)


def main() -> None:
    """Print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", nargs=2, metavar=("LOOP", "CONCURRENCY"), help="be a worker")
    parser.add_argument(
        "--pairs", type=int, default=3, help="rounds of ours and stock (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/worker.json"))
    options = parser.parse_args()
    if options.work:
        work(options.work[0], int(options.work[1]))
        return
    before = machine.describe()
    rows: list[dict[str, object]] = []
    print("| loop | concurrency | jobs/s | lone 100 ms job, ms |\n|---|---|---|---|")
    for concurrency in CONCURRENCIES:
        found: dict[str, list[tuple[float, float]]] = {"stock": [], "ours": []}
        for _ in range(options.pairs):
            for loop, each in found.items():
                each.append(measure(loop, concurrency))
        for loop, each in found.items():
            rate, lone_ms = (statistics.median(values) for values in zip(*each, strict=True))
            print(f"| {loop} | {concurrency} | {rate:.1f} | {lone_ms:.0f} |", flush=True)
            rows.append(
                {
                    "loop": loop,
                    "concurrency": concurrency,
                    "jobs_per_s": round(rate, 2),
                    "lone_job_ms": round(lone_ms, 1),
                    "runs": each,
                }
            )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": before, "load_average_after": machine.load_average(), "rows": rows}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
