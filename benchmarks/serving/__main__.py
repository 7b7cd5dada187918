"""Starts each peer beside our own server, alternates short slices of load, prints a table and writes JSON.

In every round each server gets one slice, in an order of its own; a ratio is the median over the rounds
of a server's rate to the naive one's in the same round. What disturbs the machine disturbs both.
"""

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.serving import environment, requests
from benchmarks.serving.load import Load, Order
from benchmarks.serving.servers import FLOOR, MODELS, OURS, PEERS, Server, upload_path

RESULTS = environment.ROOT / "benchmarks" / "results"
NAIVE = "naive"


Row = dict[str, Any]
"""One server's figures in one cell."""


@dataclass(slots=True)
class Slices:
    """What one server did in one cell, round by round."""

    per_s: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def measure(
    servers: list[Server],
    kind: requests.Kind,
    files: dict[str, Path],
    concurrency: int,
    args: argparse.Namespace,
) -> dict[str, Slices]:
    """Return the slices of one cell, by server."""
    cells = {each.name: Slices() for each in servers}
    order = random.Random(f"{kind.name} {concurrency}")  # noqa: S311 - for fairness, not for secrets
    for _ in range(args.rounds):
        order.shuffle(servers)
        for server in servers:
            before = server.cpu_s()
            result = args.load.put(
                Order(
                    server.port,
                    str(files[f"{kind.name} {upload_path(server.name)}"]),
                    concurrency,
                    args.seconds,
                )
            )
            cell = cells[server.name]
            cell.per_s.append(result.per_s)
            cell.latencies_ms += result.latencies_ms
            cell.cpu_ms.append((server.cpu_s() - before) * 1e3 / max(1, result.total))
            cell.errors.update(result.errors)
    return cells


def row(cell: Slices, naive: Slices | None) -> Row:
    """Return one server's figures in one cell."""
    ratios = [] if naive is None else [a / b for a, b in zip(cell.per_s, naive.per_s, strict=True) if b]
    return {
        "per_s": round(statistics.median(cell.per_s), 1),
        "p50_ms": round(float(np.percentile(cell.latencies_ms or [0], 50)), 1),
        "p99_ms": round(float(np.percentile(cell.latencies_ms or [0], 99)), 1),
        "cpu_ms": round(statistics.median(cell.cpu_ms), 2),
        "ratio": round(statistics.median(ratios), 2) if ratios else None,
        "ratio_least": round(min(ratios), 2) if ratios else None,
        "ratio_most": round(max(ratios), 2) if ratios else None,
        "errors": dict(cell.errors),
    }


def show(title: str, rows: dict[str, Row]) -> None:
    """Print one cell as a Markdown table."""
    print(f"\n{title}\n")
    print("| server | requests/s | p50 ms | p99 ms | CPU ms/request | x naive (least to most) | errors |")
    print("|---|---|---|---|---|---|---|")
    for name, each in sorted(rows.items(), key=lambda item: -(item[1]["per_s"] or 0)):
        ratio = (
            ""
            if each["ratio"] is None
            else f"{each['ratio']} ({each['ratio_least']} to {each['ratio_most']})"
        )
        errors = ", ".join(f"{count} x {how}" for how, count in each["errors"].items()) or "none"
        figures = (each["per_s"], each["p50_ms"], each["p99_ms"], each["cpu_ms"], ratio, errors)
        print(f"| {name} | " + " | ".join(map(str, figures)) + " |", flush=True)


def run(model: str, args: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Measure every cell of one model; a peer that does not start is said and left out."""
    files = {}
    for kind in requests.KINDS:
        for path in ("/detect", "/detect/upload") if kind.form else ("/detect",):
            files[f"{kind.name} {path}"] = folder / f"{kind.width}{path.replace('/', '-')}"
            files[f"{kind.name} {path}"].write_bytes(requests.request(kind, path))
        files.setdefault(f"{kind.name} /detect/upload", folder / f"{kind.width}-detect")
    results: dict[str, object] = {}
    missing = {}
    with ExitStack() as stack:
        servers = []
        for name in (OURS, *args.peers):
            server = stack.enter_context(Server(name, model, folder / f"{model}-{name}.log"))
            try:
                for kind in requests.KINDS:
                    server.wait(files[f"{kind.name} {upload_path(name)}"].read_bytes())
                servers.append(server)
            except RuntimeError as error:
                print(f"left out: {error}", file=sys.stderr)
                missing[name] = str(error).splitlines()[0]
        for kind in requests.KINDS:
            for concurrency in args.concurrency:
                cells = measure(servers, kind, files, concurrency, args)
                rows = {name: row(each, cells.get(NAIVE)) for name, each in cells.items()}
                title = f"{model}, {kind.name}, c={concurrency}"
                show(title, rows)
                results[title] = rows
    return {"cells": results, "left_out": missing}


def main() -> None:
    """Read what is asked for, and measure it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--peers", default=",".join(PEERS), help="of " + ", ".join((*PEERS, FLOOR)))
    parser.add_argument("--models", default=",".join(MODELS), help="of " + ", ".join(MODELS))
    parser.add_argument("--concurrency", default="1,8,32", help="requests at any time")
    parser.add_argument("--rounds", type=int, default=7, help="slices of each server in each cell")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a slice, without its warm-up")
    parser.add_argument("--out", type=Path, default=RESULTS / "serving.json")
    args = parser.parse_args()
    args.peers = [each for each in args.peers.split(",") if each]
    args.concurrency = [int(each) for each in args.concurrency.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are stopped on the way out
    environment.install()
    args.load = Load()
    report: dict[str, object] = {"machine": machine.describe(), "command": " ".join(sys.argv[1:])}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for model in args.models.split(","):
                report[model] = run(model, args, Path(folder))
    finally:
        args.load.close()
    report["load_average_after"] = machine.load_average()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
