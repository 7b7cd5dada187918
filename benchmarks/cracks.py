"""How well the crack finders find cracks, side by side on the same photographs, and what they cost.

`python -m benchmarks.cracks --data DIR --out benchmarks/results/cracks.json`, with the data folder that
`benchmarks.photographs` describes; what is missing there is skipped. Every figure is at the threshold that ships.

- pixels: precision, recall and F1 of the masks of all detections on the pavement photographs, pooled; a pixel
  counts as right within 0, 2 or 5 px. `hits`: share of photographs in which 5 px recall is at least a half.
- false alarms: detections whose box has a diagonal over 40 px, per wall photograph without a crack and per bridge
  photograph without a box round a crack (which may hold an unmarked one).
- boxes: share of the boxes of cracks on bridges in which the masks span at least half of the longer side.
- calibration: of the detections with a score in each bin, pavement and walls together, the share that lies on a
  marked crack (half of its pixels within 5 px).
- cost: milliseconds of CPU per megapixel over all photographs, and for one of 1920x1080 (median of 5); one thread each.
"""

import argparse
import importlib
import inspect
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from anomaly.ports import Detector
from anomaly.types import Bitmap, Box, Detection, Image, Mask, Options
from benchmarks import photographs
from benchmarks.machine import describe
from benchmarks.photographs import Labelled

TOLERANCES = (0, 2, 5)
LONG_PIXELS = 40
BINS = 10


@dataclass(frozen=True, slots=True)
class Found:
    """What a backend answered for one photograph: everything it gave a score, and the time it took."""

    photo: Labelled
    detections: list[Detection]
    masks: list[Mask]
    elapsed_s: float

    def over(self, threshold: float) -> list[tuple[Detection, Mask]]:
        """Return what reaches the threshold."""
        both = zip(self.detections, self.masks, strict=True)
        return [(found, mask) for found, mask in both if found.score >= threshold]

    def drawn(self, threshold: float) -> Bitmap:
        """Return the union of the masks that reach the threshold, (H, W) bool."""
        canvas = np.zeros(self.photo.image.shape[:2], np.bool_)
        for _, mask in self.over(threshold):
            window = canvas[mask.y : mask.y + mask.bitmap.shape[0], mask.x : mask.x + mask.bitmap.shape[1]]
            window |= mask.bitmap
        return canvas


def evaluate(backend: Any, data: Path, threshold: float) -> dict[str, Any]:
    """Return every figure that the data folder has photographs for, as JSON values."""
    pavement = _run(backend, photographs.pavement(data))
    walls = _run(backend, photographs.walls(data))
    bridges = _run(backend, photographs.bridges(data))
    figures: dict[str, Any] = {}
    if pavement:
        figures["pixels"] = {str(each): pixels(pavement, threshold, each) for each in TOLERANCES}
        alone = [pixels([one], threshold, 5)["recall"] for one in pavement]
        figures["hits"] = float(np.mean([each >= 0.5 for each in alone]))
    bare = [one for one in walls if not one.photo.crack.any()]
    if bare:
        figures["false_alarms_wall"] = false_alarms(bare, threshold)
    if bridges:
        figures["false_alarms_bridge"] = false_alarms([o for o in bridges if not o.photo.boxes], threshold)
        figures["boxes"] = spanned([o for o in bridges if o.photo.boxes], threshold)
    if pavement or walls:
        figures["calibration"] = calibration([*pavement, *walls])
    everything = [*pavement, *walls, *bridges]
    megapixels = sum(one.photo.crack.size for one in everything) / 1e6
    figures["ms_per_megapixel"] = sum(one.elapsed_s for one in everything) * 1e3 / megapixels
    figures["ms_1920x1080"] = large(backend, everything[0].photo.image)
    return figures


def pixels(results: Sequence[Found], threshold: float, tolerance: int) -> dict[str, float]:
    """Return pooled precision, recall and F1 of the masks, a pixel right within `tolerance` pixels."""
    near, drawn, met, marked = 0, 0, 0, 0
    for one in results:
        mine, truth = one.drawn(threshold), one.photo.crack
        near += int((mine & _grown(truth, tolerance)).sum())
        drawn += int(mine.sum())
        met += int((truth & _grown(mine, tolerance)).sum())
        marked += int(truth.sum())
    precision, recall = near / max(drawn, 1), met / max(marked, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def false_alarms(results: Sequence[Found], threshold: float) -> float:
    """Return the detections per photograph whose box has a diagonal over 40 px."""
    long = [
        np.hypot(found.box.width, found.box.height) > LONG_PIXELS
        for one in results
        for found, _ in one.over(threshold)
    ]
    return float(sum(long)) / max(len(results), 1)


def spanned(results: Sequence[Found], threshold: float) -> float:
    """Return the share of marked boxes in which the masks span at least half of the longer side."""
    shares = []
    for one in results:
        drawn = one.drawn(threshold)
        for box in one.photo.boxes:
            inside: Box = box.clipped(drawn.shape[1], drawn.shape[0])
            window = drawn[int(inside.y_min) : int(inside.y_max), int(inside.x_min) : int(inside.x_max)]
            if window.size:
                shares.append(window.any(axis=0 if box.width >= box.height else 1).mean() >= 0.5)
    return float(np.mean(shares)) if shares else 0.0


def calibration(results: Sequence[Found]) -> list[dict[str, float]]:
    """Return, per bin of scores, how many detections there were and the share that lies on a crack."""
    counts, right = np.zeros(BINS, int), np.zeros(BINS, int)
    for one in results:
        near = _grown(one.photo.crack, 5)
        for found, mask in one.over(0.0):
            window = near[mask.y : mask.y + mask.bitmap.shape[0], mask.x : mask.x + mask.bitmap.shape[1]]
            place = min(int(found.score * BINS), BINS - 1)
            counts[place] += 1
            right[place] += bool((window & mask.bitmap).sum() >= 0.5 * max(mask.area, 1))
    return [
        {"from": place / BINS, "detections": int(counts[place]), "cracks": right[place] / counts[place]}
        for place in range(BINS)
        if counts[place]
    ]


def large(backend: Any, image: Image) -> float:
    """Return the median ms of five runs on a photograph of 1920x1080, laid out from mirrored copies of `image`."""
    canvas = cv2.copyMakeBorder(image, 0, 1080, 0, 1920, cv2.BORDER_REFLECT)[:1080, :1920]
    return float(np.median([_look(backend, np.ascontiguousarray(canvas))[2] for _ in range(5)])) * 1e3


def _load(name: str) -> Detector:
    module = importlib.import_module(f"anomaly.backends.{name}")
    # Those that would take a thread per core are held to one: the table speaks of one core.
    held = {"threads": 1} if "threads" in inspect.signature(module.load).parameters else {}
    loaded: Detector = module.load(**held)
    return loaded


def _run(backend: Any, photos: Iterable[Labelled]) -> list[Found]:
    return [Found(photo, *_look(backend, photo.image)) for photo in photos]


def _look(backend: Any, image: Image) -> tuple[list[Detection], list[Mask], float]:
    start = time.process_time()
    (detections,) = backend.detect([image], 0.0)
    (masks,) = backend.segment([image], [[each.box for each in detections]])
    return detections, masks, time.process_time() - start


def _grown(mask: Bitmap, by: int) -> Bitmap:
    if not by:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1,) * 2)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def table(figures: dict[str, dict[str, Any]]) -> str:
    """Return the figures as text, a column per backend."""
    rows: list[tuple[str, list[str]]] = []

    def row(name: str, *path: str, digits: int = 3) -> None:
        cells = []
        for each in figures.values():
            value: Any = each
            for step in path:
                value = value.get(step) if value is not None else None
            cells.append("-" if value is None else f"{value:.{digits}f}")
        rows.append((name, cells))

    for tolerance in map(str, TOLERANCES):
        for what in ("precision", "recall", "f1"):
            row(f"pavement, {what} within {tolerance} px", "pixels", tolerance, what)
    row("pavement, photographs with the crack found", "hits")
    row("false alarms over 40 px per bare wall", "false_alarms_wall", digits=2)
    row("false alarms over 40 px per bridge without crack", "false_alarms_bridge", digits=2)
    row("bridge, boxes of cracks found", "boxes")
    row("ms per megapixel, one core", "ms_per_megapixel", digits=0)
    row("ms for 1920x1080, one core", "ms_1920x1080", digits=0)
    lines = [f"{'':50}" + "".join(f"{name:>12}" for name in figures)]
    lines += [f"{name:50}" + "".join(f"{cell:>12}" for cell in cells) for name, cells in rows]
    for name, each in figures.items():
        for one in each.get("calibration", ()):
            lines.append(
                f"{name}: of {one['detections']} with a score from {one['from']:.1f}, {one['cracks']:.0%} are cracks"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every backend that is named on the data folder; print the table and write the JSON."""
    parser = argparse.ArgumentParser(description="Crack finders on labelled photographs.")
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled photographs")
    parser.add_argument(
        "--backends", default="ridge,starter", help="names in anomaly.backends, comma-separated"
    )
    parser.add_argument("--threshold", type=float, default=Options().confidence_threshold)
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    asked = parser.parse_args(arguments)
    if not any(
        next(kind(asked.data), None)
        for kind in (photographs.pavement, photographs.walls, photographs.bridges)
    ):
        print(f"skipped: {asked.data} holds no labelled photographs (see benchmarks/photographs.py)")
        return 0
    cv2.setNumThreads(1)
    figures = {}
    for name in asked.backends.split(","):
        figures[name] = evaluate(_load(name), asked.data, asked.threshold)
    print(table(figures))
    if asked.out:
        result = {"machine": describe(), "threshold": asked.threshold, "backends": figures}
        asked.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
