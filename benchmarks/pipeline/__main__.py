"""Runs the ways in turns, the steps, and the memory; prints tables and writes JSON."""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from anomaly.backends import rfdetr, sam2
from anomaly.backends.device import import_torchvision, place
from anomaly.bootstrap import tables
from anomaly.imaging.photo import Photo
from anomaly.measuring import Measuring
from anomaly.pipeline import Pipeline
from anomaly.types import Limits
from benchmarks import machine
from benchmarks.pipeline import memory, networks, steps, variants, ways
from benchmarks.serving.requests import photograph
from tests.tiny import package_warnings_ignored

RESULTS = Path(__file__).parents[1] / "results"

WHOLE, NETWORKS, CEILING, LOOP = "ours, whole", "ours, the model thread", "ceiling", "loop"


def measure(
    device: str, batch: int, rounds: int, *, processes: int, precision: str = "auto", compiled: bool = False
) -> dict[str, Any]:
    """Return photographs a second of the ways, their ratios, and ms a photograph of each step.

    The ways take turns; a ratio is the median over the rounds of a way's rate to another's in the same round.
    """
    tiny = device == "cpu"
    size = networks.TINY if tiny else "large"
    file = photograph(ways.WIDTH, ways.HEIGHT)
    placement = place(device, precision)
    import_torchvision()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = (
            networks.detector_file(Path(name), networks.TINY if tiny else "medium"),
            networks.sam2_file(Path(name), size),
        )
        given: dict[str, Any] = {
            "device": device,
            "precision": precision,
            "max_batch": batch,
            "compiled": compiled,
        }
        detector = rfdetr.load(weights=paths[0], **given)
        segmenter = sam2.load(weights=paths[1], **given)
        measuring = Measuring(processes)
        pipeline = Pipeline(
            ways.Steady(detector), segmenter, tables.taxonomy(), tables.standards(), measuring
        )
        images = [Photo(file).frame(Limits()).image] * batch
        with package_warnings_ignored():
            model = rfdetr_package(paths[0], device)
        module = networks.sam2_module(paths[1], size, device)
        try:
            seconds = in_turns(
                {
                    WHOLE: (ways.whole(pipeline, file, batch, pool), ways.DEPTH),
                    NETWORKS: (ways.networks(ways.Steady(detector), segmenter, images), 1),
                    CEILING: (ways.ceiling(detector, segmenter, batch), 1),
                    LOOP: (ways.loop(model, module, networks.side_of(size), images, placement), 1),
                },
                rounds,
                device,
            )
            spent = steps.of(pipeline, detector, segmenter, file, batch, rounds)
        finally:
            measuring.close()
    return {
        "networks": f"{detector.card.variant} and SAM 2.1 {segmenter.card.variant}",
        "precision": placement.precision,
        "compiled": compiled,
        "processes": processes,
        "per_s": {way: round(batch / statistics.median(each), 2) for way, each in seconds.items()},
        "of_the_ceiling": {way: ratio(seconds, way, CEILING) for way in (WHOLE, NETWORKS)},
        "times_the_loop": {way: ratio(seconds, way, LOOP) for way in (WHOLE, NETWORKS)},
        "ms_per_photo": {step: round(ms / batch, 3) for step, ms in spent.items()},
    }


def rfdetr_package(path: Path, device: str) -> Any:
    """Return the checkpoint as its own package loads it."""
    from rfdetr import from_checkpoint

    return from_checkpoint(str(path), device=device)


def in_turns(
    runs: dict[str, tuple[Callable[[], object], int]], rounds: int, device: str
) -> dict[str, list[float]]:
    """Return the seconds of each run in each round, for one of the batches that it does; the first is not counted."""
    seconds: dict[str, list[float]] = {way: [] for way in runs}
    for number in range(rounds + 1):
        for way, (run, batches) in runs.items():
            steps.synchronise(device)
            began = time.perf_counter()
            run()
            steps.synchronise(device)
            if number:
                seconds[way].append((time.perf_counter() - began) / batches)
    return seconds


def ratio(seconds: dict[str, list[float]], one: str, other: str) -> float:
    """Return how many times the rate of `other` that of `one` is, the median over the rounds."""
    return round(statistics.median(b / a for a, b in zip(seconds[one], seconds[other], strict=True)), 3)


def main() -> None:
    """Print the tables and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", action="store_true", help="as COMPILE=on")
    parser.add_argument("--processes", type=int, default=(os.cpu_count() or 2) - 1, help="that measure")
    parser.add_argument("--memory", action="store_true", help="measure the memory of every variant instead")
    parser.add_argument(
        "--largest", type=int, help="largest batch of --memory; the memory plan's if left out"
    )
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    kind = args.device.partition(":")[0]
    head = {"machine": machine.describe(), "device": device_name(args.device)}
    if args.memory:
        largest = args.largest or tables.variants().batch_largest
        peaks = variants.peaks(args.device, largest)
        rows = [memory.toml(row, each) for row, each in peaks.items()]
        print("\n".join(rows))
        write(args.out or RESULTS / f"pipeline-memory-{kind}.json", {**head, "peak_mb": peaks})
        return
    result = measure(
        args.device,
        args.batch,
        args.rounds,
        processes=args.processes,
        precision=args.precision,
        compiled=args.compile,
    )
    print("| | photographs/s | of the ceiling | x the loop |\n|---|---|---|---|")
    for way, per_s in result["per_s"].items():
        shares = [result[key].get(way, "") for key in ("of_the_ceiling", "times_the_loop")]
        print(f"| {way} | {per_s} | {shares[0]} | {shares[1]} |")
    print("\n| step | ms a photograph |\n|---|---|")
    for step, ms in result["ms_per_photo"].items():
        print(f"| {step} | {ms} |")
    name = f"pipeline-{kind}{'-compiled' if args.compile else ''}.json"
    write(args.out or RESULTS / name, {**head, "batch": args.batch, "rounds": args.rounds, **result})


def device_name(device: str) -> str:
    """Return the card's name, or "cpu"."""
    if device == "cpu":
        return device
    import torch

    return str(torch.cuda.get_device_name(device))


def write(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
