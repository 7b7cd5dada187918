"""Where photographs are best decoded, on threads or on processes: `python -m benchmarks.reading`.

What counts is the CPU time that it takes of the server's own process, beside the decoding itself, which lets the
interpreter go: that is the time for which the models and the event loop may have to wait.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from anomaly.imaging.photo import Photo
from anomaly.types import Limits
from benchmarks import machine
from benchmarks.serving.requests import KINDS, photograph

Pixels = NDArray[np.uint8]


def read(data: bytes) -> Pixels:
    """Return the pixels, as the server reads them."""
    return Photo(data).frame(Limits()).image


def read_into(data: bytes, name: str) -> tuple[int, ...]:
    """Put the pixels into shared memory, and return their shape."""
    pixels = read(data)
    memory = SharedMemory(name)
    np.ndarray(pixels.shape, np.uint8, memory.buf)[:] = pixels
    memory.close()
    return pixels.shape


def measure(data: bytes, processes: Executor, threads: Executor, rounds: int) -> dict[str, float]:
    """Return the CPU ms that a photograph costs this process, by the way in which it is read."""
    decoder = _median_ms(lambda: simplejpeg.decode_jpeg(data, colorspace="RGB"), rounds)
    memory = SharedMemory(create=True, size=read(data).nbytes)

    def shared() -> tuple[int, ...]:
        shape = processes.submit(read_into, data, memory.name).result()
        return np.ndarray(shape, np.uint8, memory.buf).shape

    try:
        return {
            "the decoder": decoder,
            "thread": _median_ms(lambda: threads.submit(read, data).result(), rounds) - decoder,
            "process, pixels sent back": _median_ms(lambda: processes.submit(read, data).result(), rounds),
            "process, pixels in shared memory": _median_ms(shared, rounds),
        }
    finally:
        memory.close()
        memory.unlink()


def _median_ms(step: Callable[[], object], rounds: int) -> float:
    step()
    took = []
    for _ in range(rounds):
        before = time.process_time()
        step()
        took.append((time.process_time() - before) * 1e3)
    return statistics.median(took)


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "reading.json")
    args = parser.parse_args()
    report: dict[str, object] = {"machine": machine.describe()}
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as processes, ThreadPoolExecutor(1) as threads:
        for kind in KINDS:
            data = photograph(kind.width, kind.height)
            rows = {name: round(ms, 2) for name, ms in measure(data, processes, threads, args.rounds).items()}
            report[f"{kind.width}x{kind.height}"] = rows
            print(f"\n{kind.width} x {kind.height}; without the decoder itself\n")
            print("| where | CPU ms of the server's process |\n|---|---|")
            for name, ms in rows.items():
                print(f"| {name} | {ms} |")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
