"""How well lengths, widths and orientations are measured, and how fast. `python -m benchmarks.geometry`.

Accuracy on exact masks of known shapes (`benchmarks.masks`), with seeds that were not used for tuning and beside
the common ways to measure; coverage of the stated uncertainties on the same shapes drawn again on coarse grids;
milliseconds of one core's time per mask, fastest of several rounds: neighbours on the machine count little.
"""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry import measure
from benchmarks import machine
from benchmarks.masks import GROUPS, Sample, angle_between, degrade, sample
from benchmarks.rulers import RULERS, Reading

EVALUATION_SEED = 500_000
"""Seeds from here on judge; those under 100,000 served to tune."""

CELLS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""Sides of a cell of the mask's grid, pixels; 1 is the exact mask."""

SCALES = {"1080p": 1.5, "12 MP": 3.2}
"""How many times as large as in the accuracy table the timed shapes are."""

LIMITS: dict[str, dict[str, tuple[str, float]]] = {
    "core": {
        "length within 3 %": (">=", 99.0),
        "length error mean %": ("<", 0.5),
        "width within 0.5 px": (">=", 98.0),
        "width error mean px": ("<", 0.1),
        "orientation within 1 degree": (">=", 99.5),
    },
    "hard": {
        "length error mean %": ("<", 1.5),
        "length error p95 %": ("<", 5.0),
        "width within 0.5 px": (">=", 98.0),
        "orientation error p95 degrees": ("<", 2.5),
    },
    "blobs": {
        "length error p95 %": ("<", 2.5),
        "width within 1 px": (">=", 97.0),
        "orientation error p95 degrees": ("<", 1.0),
    },
}
"""What is promised of each group of families; per cent are of masks where it says within."""

FAMILIES = tuple(family for families in GROUPS.values() for family in families)


def figures(samples: Sequence[Sample], readings: Sequence[Reading]) -> dict[str, float]:
    """Return the figures of one family or group: errors of `readings` against the truth of `samples`."""
    off = (
        np.array([reading.length / each.length - 1 for each, reading in zip(samples, readings, strict=True)])
        * 100
    )
    wide = np.array([reading.width - each.width for each, reading in zip(samples, readings, strict=True)])
    turned = np.array(
        [
            angle_between(each.orientation, reading.orientation)
            for each, reading in zip(samples, readings, strict=True)
        ]
    )
    return {
        "masks": len(samples),
        "length error mean %": float(np.abs(off).mean()),
        "length bias %": float(off.mean()),
        "length error p95 %": float(np.percentile(np.abs(off), 95)),
        "length within 3 %": float((np.abs(off) <= 3).mean() * 100),
        "width error mean px": float(np.abs(wide).mean()),
        "width within 0.5 px": float((np.abs(wide) <= 0.5).mean() * 100),
        "width within 1 px": float((np.abs(wide) <= 1).mean() * 100),
        "orientation error p95 degrees": float(np.percentile(turned, 95)),
        "orientation within 1 degree": float((turned <= 1).mean() * 100),
    }


def accuracy(count: int, first_seed: int, rulers: Iterable[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Return, per ruler and per family and group, the figures over `count` masks a family."""
    drawn = {family: [sample(family, first_seed + k) for k in range(count)] for family in FAMILIES}
    result = {}
    for name in rulers:
        read = {family: [RULERS[name](each.mask) for each in samples] for family, samples in drawn.items()}
        rows = {family: figures(drawn[family], read[family]) for family in FAMILIES}
        for group, families in GROUPS.items():
            samples = [each for family in families for each in drawn[family]]
            rows[group] = figures(samples, [each for family in families for each in read[family]])
        result[name] = rows
    return result


def kept(rows: dict[str, dict[str, float]]) -> dict[str, dict[str, bool]]:
    """Return which of the `LIMITS` our figures keep."""
    return {
        group: {
            name: rows[group][name] >= limit if sign == ">=" else rows[group][name] < limit
            for name, (sign, limit) in limits.items()
        }
        for group, limits in LIMITS.items()
    }


def coverage(count: int, first_seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return how many truths lie within one and two stated deviations, per family and per cell size.

    Lengths of masks whose width is stated and of those too coarse for one are told apart.
    """
    off: dict[str, list[tuple[str, str, float]]] = {"length": [], "length, no width": [], "width": []}
    for family in FAMILIES:
        for k in range(count):
            truth = sample(family, first_seed + k)
            for cell in CELLS:
                mask = truth.mask if cell == 1 else degrade(truth.mask, cell, first_seed + k)
                found = measure(mask, cell_pixels=cell)
                if not found.area_pixels or not found.length_pixels_pm:
                    continue  # the grid shows nothing of it
                length = (found.length_pixels - truth.length) / found.length_pixels_pm
                if found.width_pixels is None or not found.width_pixels_pm:
                    off["length, no width"].append((family, f"{cell:g}", length))
                    continue
                off["length"].append((family, f"{cell:g}", length))
                off["width"].append(
                    (family, f"{cell:g}", (found.width_pixels - truth.width) / found.width_pixels_pm)
                )
    result: dict[str, dict[str, dict[str, float]]] = {}
    for what, rows in off.items():
        keys = dict.fromkeys(
            ["all", *(family for family, _, _ in rows), *(f"cell {cell:g}" for cell in CELLS)]
        )
        result[what] = {}
        for key in keys:
            z = np.abs([z for family, cell, z in rows if key in ("all", family, f"cell {cell}")])
            if z.size:
                result[what][key] = {
                    "masks": int(z.size),
                    "within one %": float((z <= 1).mean() * 100),
                    "within two %": float((z <= 2).mean() * 100),
                }
    return result


def times(
    count: int, first_seed: int, rounds: int, rulers: Iterable[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return ms per mask, per size of photograph and ruler: the mean, and the mean of each family of ours."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for size, scale in SCALES.items():
        drawn = [sample(family, first_seed + k, scale) for k in range(count) for family in FAMILIES]
        result[size] = {}
        for name in rulers:
            best = np.full(len(drawn), np.inf)
            for _ in range(rounds if name == "ours" else 1):
                for i, each in enumerate(drawn):
                    best[i] = min(best[i], _ms(name, each.mask))
            row = {"mean": float(best.mean()), "p95": float(np.percentile(best, 95))}
            if name == "ours":
                for family in FAMILIES:
                    row[family] = float(best[[each.family == family for each in drawn]].mean())
            result[size][name] = row
    return result


def _ms(name: str, mask: NDArray[np.bool_]) -> float:
    started = time.process_time()
    RULERS[name](mask)
    return (time.process_time() - started) * 1000


def _print(result: dict[str, Any]) -> None:
    columns = (
        ("length error mean %", "L mean %"),
        ("length bias %", "L bias %"),
        ("length error p95 %", "L p95 %"),
        ("length within 3 %", "L in 3 %"),
        ("width error mean px", "W mean px"),
        ("width within 0.5 px", "W in 0.5"),
        ("width within 1 px", "W in 1"),
        ("orientation error p95 degrees", "O p95"),
        ("orientation within 1 degree", "O in 1"),
    )
    print(
        "| family | "
        + " | ".join(short for _, short in columns)
        + " |\n|---" * 1
        + "|---" * len(columns)
        + "|"
    )
    for name, row in result["accuracy"]["ours"].items():
        label = f"**{name}**" if name in GROUPS else name
        print(f"| {label} | " + " | ".join(f"{row[key]:.2f}" for key, _ in columns) + " |")
    missed = [
        f"{group}: {name}" for group, row in result["kept"].items() for name, ok in row.items() if not ok
    ]
    print("\nEvery limit is kept." if not missed else "\nMISSED: " + "; ".join(missed))
    names = list(result["accuracy"])
    print("\nMean length error, %\n\n| | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    for family in (*FAMILIES, *GROUPS):
        cells = (f"{result['accuracy'][name][family]['length error mean %']:.2f}" for name in names)
        print(f"| {family} | " + " | ".join(cells) + " |")
    print("\nMean width error, px\n\n| | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    for group in GROUPS:
        cells = (f"{result['accuracy'][name][group]['width error mean px']:.2f}" for name in names)
        print(f"| {group} | " + " | ".join(cells) + " |")
    print(
        "\nTruths within one / two stated deviations, %\n\n| | length | width | length, no width |\n|---|---|---|---|"
    )
    for key in result["coverage"]["length"]:
        cells = []
        for what in ("length", "width", "length, no width"):
            row = result["coverage"][what].get(key)
            cells.append(
                f"{row['within one %']:.0f} / {row['within two %']:.0f} ({row['masks']})" if row else ""
            )
        print(f"| {key} | " + " | ".join(cells) + " |")
    print("\nms per mask, one core: mean / p95\n\n| | " + " | ".join(result["time_ms"]) + " |")
    print("|---" + "|---" * len(result["time_ms"]) + "|")
    for name in names:
        cells = (
            f"{sizes[name]['mean']:.2f} / {sizes[name]['p95']:.2f}" for sizes in result["time_ms"].values()
        )
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    """Run everything, print the tables and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--masks", type=int, default=200, help="masks per family for the accuracy")
    parser.add_argument("--coarse", type=int, default=60, help="shapes per family for the uncertainties")
    parser.add_argument("--timed", type=int, default=20, help="masks per family for the times")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of which the fastest counts")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED, help="the first seed")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/geometry.json"))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    ours = accuracy(given.masks, given.seed, RULERS)
    result = {
        "machine": machine.describe(),
        "seeds": [given.seed, given.seed + given.masks - 1],
        "accuracy": ours,
        "limits": LIMITS,
        "kept": kept(ours["ours"]),
        "coverage": coverage(given.coarse, given.seed),
        "time_ms": times(given.timed, given.seed, given.rounds, RULERS),
    }
    _print(result)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
