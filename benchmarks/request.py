"""Where the milliseconds of one 4K base64 request with 20 masks go: ours, step by step, beside the naive steps.

`python -m benchmarks.request`. CPU time of one thread, the network left out: the same on both sides. Both
sides get the same low-resolution mask logits and end with the bytes of the answer.
"""

import argparse
import base64
import io
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi.encoders import jsonable_encoder
from numpy.typing import NDArray
from PIL import Image as Pillow

from anomaly.backends.lowres import mask_in_box
from anomaly.backends.rfdetr.resize import Resizer
from anomaly.bootstrap import tables
from anomaly.geometry import measure_mask
from anomaly.imaging import masks
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Pipeline, Task
from anomaly.tiling import Piece
from anomaly.types import Box, Frame, Limits, MaskFormat, Options
from anomaly.wire import answer
from anomaly.wire import request as wire
from benchmarks import machine
from benchmarks.serving.requests import photograph

WIDTH, HEIGHT, COUNT, GRID, SIDE = 3840, 2160, 20, 256, 576

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """What the networks are taken to have found: boxes, and (GRID, GRID) float32 logits for each."""

    boxes: list[Box]
    logits: list[Logits]


def found() -> Found:
    """Draw COUNT slanted cracks, a hundredth to a third of the photograph long, as a segmenter's logits."""
    rng = np.random.default_rng(0)
    boxes, logits = [], []
    for _ in range(COUNT):
        x, y, w, h = rng.uniform((0.02, 0.02, 0.05, 0.05), (0.65, 0.65, 0.3, 0.3)).tolist()
        grid = np.zeros((GRID, GRID), np.uint8)
        ends = [(int(u * GRID), int(v * GRID)) for u, v in ((x, y), (x + w, y + h))]
        cv2.line(grid, ends[0], ends[1], 1, 3)
        boxes.append(Box(x * WIDTH, y * HEIGHT, (x + w) * WIDTH, (y + h) * HEIGHT))
        logits.append(cv2.GaussianBlur(grid.astype(np.float32) * 10 - 5, (0, 0), 0.7))
    return Found(boxes, logits)


class Steps:
    """Runs a request's steps in turn, and keeps what each took."""

    def __init__(self) -> None:
        self.cpu_ms: dict[str, float] = {}

    def __call__(self, name: str, step: Callable[[], Any]) -> Any:
        """Run a step. Its CPU time counts the whole process: a library may use threads of its own."""
        before = time.process_time()
        value = step()
        self.cpu_ms[name] = self.cpu_ms.get(name, 0.0) + (time.process_time() - before) * 1e3
        return value


def ours(body: bytes, seen: Found, step: Steps) -> bytes:
    """Answer the request as the server does; each step is the product's own code."""
    limits, pipeline = Limits(), Pipeline(None, None, tables.taxonomy(), tables.standards())  # type: ignore[arg-type]
    parsed = step("JSON in", lambda: wire.parse_detect(wire.from_json(body)))
    options = Options(include_masks=True, mask_format=MaskFormat.RLE)
    [photo] = parsed.photos()
    data = step("base64", lambda: photo._bytes(limits))
    frame: Frame = step("header, digest and decode", lambda: Photo(data).frame(limits))
    step("detector input", lambda: RESIZED([frame.image]))
    cropped = step(
        "masks to full resolution",
        lambda: [
            mask_in_box(*pair, frame.width, frame.height, 0.9)
            for pair in zip(seen.logits, seen.boxes, strict=True)
        ],
    )
    whole = Box(0, 0, frame.width, frame.height)
    pieces = [Piece("crack", 0.9, box, mask, whole) for box, mask in zip(seen.boxes, cropped, strict=True)]
    geometry = Steps()
    geometry("all", lambda: [measure_mask(each, frame.width, frame.height) for each in cropped])
    task = Task(frame, replace(options, include_masks=False), ())  # masks are written by a step of their own
    findings = step("geometry, names, places", lambda: pipeline.conclude(task, [pieces]))
    step.cpu_ms["geometry (apart)"] = step.cpu_ms.pop("geometry, names, places")
    step("masks written", lambda: [masks.rle(each, frame.width, frame.height) for each in cropped])
    total = Steps()
    response = total("all", lambda: answer.detect_response(findings, options, 1.0))
    step.cpu_ms["names and numbers written"] = max(0.0, total.cpu_ms["all"] - step.cpu_ms["masks written"])
    return bytes(step("JSON out", lambda: answer.to_json(response)))


def naive(body: bytes, seen: Found, step: Steps) -> bytes:
    """Answer the request as most people would write it the first time."""
    import torch

    parsed = step("JSON in", lambda: json.loads(body))
    data = step("base64", lambda: base64.b64decode(parsed["image"]))
    image = step(
        "header, digest and decode", lambda: np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))
    )
    height, width = image.shape[:2]

    def floats() -> Any:
        tensor = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        return torch.nn.functional.interpolate(tensor, (SIDE, SIDE), mode="bilinear")

    def full_frames() -> Any:
        grids = torch.from_numpy(np.stack(seen.logits))[:, None]
        return [
            (torch.nn.functional.interpolate(each[None], (height, width), mode="bilinear")[0, 0] > 0).numpy()
            for each in grids
        ]

    step("detector input", floats)
    full = step("masks to full resolution", full_frames)
    outlines = step(
        "masks written",
        lambda: [
            [ring.reshape(-1, 2).tolist() for ring in cv2.findContours(each.astype(np.uint8), 0, 1)[0]]
            for each in full
        ],
    )
    response = {
        "anomalies": [
            {"label": "crack", "box": [box.x_min, box.y_min, box.x_max, box.y_max], "mask": outline}
            for box, outline in zip(seen.boxes, outlines, strict=True)
        ]
    }
    return bytes(step("JSON out", lambda: json.dumps(jsonable_encoder(response)).encode()))


RESIZED = Resizer(SIDE, "cpu")


def measure(
    way: Callable[[bytes, Found, Steps], bytes], body: bytes, seen: Found, rounds: int
) -> dict[str, float]:
    """Return the median CPU ms of each step over `rounds` requests, after one to warm up."""
    runs = []
    for _ in range(rounds + 1):
        step = Steps()
        way(body, seen, step)
        runs.append(step.cpu_ms)
    return {name: round(statistics.median(each[name] for each in runs[1:]), 2) for name in runs[0]}


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.request", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "request.json")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    photo = photograph(WIDTH, HEIGHT)
    body = json.dumps({"image": base64.b64encode(photo).decode(), "include_masks": True}).encode()
    seen = found()
    columns = {
        "ours": measure(ours, body, seen, args.rounds),
        "naive": measure(naive, body, seen, args.rounds),
    }
    print(
        f"4K base64, {COUNT} masks, JPEG of {len(photo) / 1e6:.2f} MB; CPU ms\n\n| step | ours | naive |\n|---|---|---|"
    )
    for name in columns["ours"]:
        print(f"| {name} | {columns['ours'][name]} | {columns['naive'].get(name, '')} |")
    apart = "geometry (apart)"
    sums = {
        who: round(sum(ms for name, ms in each.items() if name != apart), 1) for who, each in columns.items()
    }
    print(f"| **in all, without geometry** | **{sums['ours']}** | **{sums['naive']}** |")
    report = {"machine": machine.describe(), "cpu_ms": columns, "sum_ms": sums, "photo_bytes": len(photo)}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
