"""What measuring masks costs the server, on threads and on processes: `python -m benchmarks.measuring`.

A 1080p photograph with 20 cracks, their edges refined on the photograph and the masks written as RLE. CPU time of
the server's own process is time for which the models may wait for the interpreter.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from anomaly.backends.lowres import mask_in_box
from anomaly.imaging.decode import decode
from anomaly.measuring import Job, Measuring, around
from anomaly.types import Box, Limits, MaskFormat
from benchmarks import machine
from benchmarks.request import HEIGHT as LARGE
from benchmarks.request import found
from benchmarks.serving.requests import photograph

WIDTH, HEIGHT = 1920, 1080


def jobs() -> list[Job]:
    """Return the jobs of the photograph's cracks."""
    image, seen = decode(photograph(WIDTH, HEIGHT), Limits()), found()
    made = []
    for logits, box in zip(seen.logits, seen.boxes, strict=True):
        corners = np.array([box.x_min, box.y_min, box.x_max, box.y_max]) * HEIGHT / LARGE
        mask = mask_in_box(logits, Box(*corners.tolist()), WIDTH, HEIGHT, 0.9)
        photo, corner = around(image, mask)
        made.append(Job(mask, WIDTH, HEIGHT, photo=photo, corner=corner, form=MaskFormat.RLE))
    return made


def measure(processes: int, asked: list[Job], rounds: int) -> dict[str, float]:
    """Return the CPU ms of one photograph in this process and in those that measure."""
    measuring, own, theirs = Measuring(processes), [], []
    for _ in range(rounds + 2):
        before, before_theirs = time.process_time(), _children_s()
        measuring.run(asked)
        own.append((time.process_time() - before) * 1e3)
        theirs.append((_children_s() - before_theirs) * 1e3)
    measuring.close()
    return {
        "server_ms": round(statistics.median(own[2:]), 1),
        "processes_ms": round(statistics.mean(theirs[2:]), 1),  # the system counts it in steps of 10
    }


def _children_s() -> float:
    return sum(sum(each.cpu_times()[:2]) for each in psutil.Process().children(recursive=True))


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "measuring.json")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    asked = jobs()
    report: dict[str, object] = {"machine": machine.describe()}
    print("| processes | CPU ms of the server | CPU ms of the processes |\n|---|---|---|")
    for processes in args.processes:
        row = measure(processes, asked, args.rounds)
        print(f"| {processes or 'none: threads'} | {row['server_ms']} | {row['processes_ms']} |", flush=True)
        report[str(processes)] = row
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
