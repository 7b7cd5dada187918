"""Resident memory of our server after many requests against that after few: `python -m benchmarks.memory`.

Requests of both kinds, 8 at any time, turn about. A server that keeps something of each request grows. The
resident set also breathes by some photographs, which the allocator gives back or keeps: a figure is the
median of READINGS, a slice of load between each.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.serving import requests
from benchmarks.serving.load import Load, Order
from benchmarks.serving.servers import OURS, Server

SLICE_S = 0.1
READINGS = 9


def measure(counts: list[int]) -> dict[int, float]:
    """Return the server's resident set, MB, from when it has answered each of `counts` requests."""
    load, sizes, answered = Load(), {}, 0
    try:
        with tempfile.TemporaryDirectory() as name, Server(OURS, "lock", Path(name) / "log") as server:
            files = [Path(name) / str(number) for number, _ in enumerate(requests.KINDS)]
            for file, kind in zip(files, requests.KINDS, strict=True):
                file.write_bytes(requests.request(kind, "/detect/upload" if kind.form else "/detect"))
                server.wait(file.read_bytes())

            def ask() -> int:
                results = [load.put(Order(server.port, str(file), 8, SLICE_S)) for file in files]
                for result in results:
                    if result.errors:
                        raise RuntimeError(f"the server answered {result.errors}")
                return sum(result.total for result in results)

            for count in sorted(counts):
                while answered < count:
                    answered += ask()
                readings = []
                for _ in range(READINGS):
                    readings.append(server.resident_mb())
                    answered += ask()
                sizes[count] = round(statistics.median(readings), 1)
    finally:
        load.close()
    return sizes


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "memory.json")
    args = parser.parse_args()
    sizes = measure(args.counts)
    first = sizes[min(sizes)]
    print("| requests | resident MB | against the first |\n|---|---|---|")
    for count, size in sizes.items():
        print(f"| {count} | {size} | {size / first - 1:+.1%} |")
    report = {"machine": machine.describe(), "resident_mb": sizes}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
