"""Widths of generated cracks: known, by a broad mask, and refined on the photograph. `python -m benchmarks.edges`.

Each crack is an arc of a circle, or straight, drawn by exact coverage (6 x 6 samples a pixel), blurred, on textured
ground under uneven light, noisy, perhaps through JPEG. Its mask is broader than the crack, as a network's is.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry import measure_mask
from anomaly.geometry.edge import refine
from anomaly.types import Geometry, Image, Mask
from benchmarks import machine

SIDE = 256
_FINE = 6

Field = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crack:
    """What is drawn. Widths and blur (standard deviation) in pixels; contrast, noise and texture in grey levels.

    `broader` is what the mask has too much on either side; `waver` the share by which the width swells and shrinks
    along the line; `quality` that of JPEG, None without.
    """

    width: float = 4.0
    blur: float = 1.0
    noise: float = 4.0
    contrast: float = 80.0
    texture: float = 4.0
    degrees: float = 20.0
    radius: float = 1e5
    broader: float = 1.5
    waver: float = 0.0
    quality: int | None = None
    ground: float = 150.0


def draw(crack: Crack, seed: int) -> tuple[Image, Mask]:
    """Return a photograph, (256, 256, 3) uint8, and the mask of the crack on it."""
    rng = np.random.default_rng(seed)
    fine = (np.arange(SIDE * _FINE) + 0.5) / _FINE - 0.5
    across, along = _frame(crack, fine[None, :], fine[:, None], rng.uniform(-3, 3, 2))
    half = crack.width / 2 * (1 + crack.waver * np.sin(along / 13))
    inside = (np.abs(across) <= half) & (np.abs(along) < 100)
    coverage = cv2.resize(inside.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    ground = crack.ground + crack.texture * (0.7 * _cloud(rng, 3) + 0.7 * _cloud(rng, 12))
    ground += np.linspace(-12, 12, SIDE)[:, None]
    grey = cv2.GaussianBlur(ground - crack.contrast * coverage, (0, 0), crack.blur)
    grey += rng.normal(0, crack.noise, grey.shape)
    image = np.clip(grey[..., None] * np.array([1.03, 1.0, 0.95]), 0, 255).round().astype(np.uint8)
    if crack.quality is not None:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, crack.quality])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    whole = slice(_FINE // 2, None, _FINE)
    broad = (np.abs(across) <= half + crack.broader) & (np.abs(along) < 100 + crack.broader)
    x, y, w, h = cv2.boundingRect(broad[whole, whole].astype(np.uint8))
    return image, Mask(broad[whole, whole][y : y + h, x : x + w], x, y, 0.9)


def _frame(crack: Crack, x: Field, y: Field, shift: Field) -> tuple[Field, Field]:
    """Return the distance to the centre line, and the place along it, of each point."""
    angle = np.radians(crack.degrees)
    x, y = x - SIDE / 2 - shift[0], y - SIDE / 2 - shift[1]
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    from_centre = np.hypot(along, across + crack.radius)
    return from_centre - crack.radius, crack.radius * np.arctan2(along, across + crack.radius)


def _cloud(rng: np.random.Generator, cell: float) -> NDArray[np.float32]:
    count = int(SIDE / cell) + 3
    large = cv2.resize(rng.normal(0, 1, (count, count)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large / large.std(), np.float32)


def anything(rng: np.random.Generator) -> Crack:
    """Choose a crack of any kind that the accuracy is stated for."""
    return Crack(
        width=float(rng.uniform(2, 15)),
        blur=float(rng.uniform(0.5, 2)),
        noise=float(rng.uniform(2, 8)),
        contrast=float(rng.uniform(40, 120)),
        texture=float(rng.uniform(2, 7)),
        degrees=float(rng.uniform(0, 180)),
        radius=float(rng.choice([80, 150, 400, 1e5])),
        broader=float(rng.uniform(0, 3)),
        waver=float(rng.choice([0, 0, 0.15, 0.3])),
        quality=None if rng.random() < 0.5 else int(rng.integers(70, 96)),
    )


def measured(crack: Crack, seed: int) -> tuple[Geometry, Geometry, float]:
    """Return what the mask says, what the photograph says, and the milliseconds that the second took."""
    image, mask = draw(crack, seed)
    by_mask = measure_mask(mask, SIDE, SIDE)
    start = time.perf_counter()
    refined = refine(image, mask, by_mask)
    return by_mask, refined, (time.perf_counter() - start) * 1000


def rows() -> Iterable[tuple[str, Callable[[np.random.Generator], Crack]]]:
    """Yield the table's groups: a name, and how a crack of the group is chosen."""
    for low, high in ((2, 3), (3, 4), (4, 6), (6, 10), (10, 15)):
        yield (
            f"width {low}-{high}",
            lambda rng, a=low, b=high: replace(anything(rng), width=rng.uniform(a, b)),
        )
    for blur in (0.5, 1.0, 1.5, 2.0):
        yield f"blur {blur}", lambda rng, b=blur: replace(anything(rng), blur=b)
    for noise in (2, 5, 8):
        yield f"noise {noise}", lambda rng, n=noise: replace(anything(rng), noise=n)
    for contrast in (40, 80, 120):
        yield f"contrast {contrast}", lambda rng, c=contrast: replace(anything(rng), contrast=c)
    for degrees in (0, 30, 45, 90):
        yield f"{degrees} degrees", lambda rng, d=degrees: replace(anything(rng), degrees=d)
    for broader in (0, 1.5, 3):
        yield f"mask {broader} broader", lambda rng, b=broader: replace(anything(rng), broader=b)
    for quality in (50, 75, 95):
        yield f"JPEG {quality}", lambda rng, q=quality: replace(anything(rng), quality=q)
    yield "all", anything


def row(
    name: str, choose: Callable[[np.random.Generator], Crack], count: int, seed: int
) -> dict[str, object]:
    """Measure `count` cracks of a group."""
    rng = np.random.default_rng(seed)
    errors, before, within, times, pull = [], [], [], [], []
    for i in range(count):
        crack = choose(rng)
        by_mask, refined, elapsed = measured(crack, seed + i)
        before.append(abs((by_mask.width_pixels or 0.0) - crack.width))
        times.append(elapsed)
        if refined.width_source == "photo" and refined.width_pixels is not None:
            error = abs(refined.width_pixels - crack.width)
            errors.append(error)
            within.append(error <= max(0.5, 0.1 * crack.width))
            pull.append(error / (refined.width_pixels_pm or np.nan))
    return {
        "group": name,
        "refined_share": len(errors) / count,
        "mask_error_px": statistics.median(before),
        "refined_error_px": statistics.median(errors),
        "within_10_percent_or_half_px": statistics.mean(within),
        "within_1_pm": statistics.mean(p <= 1 for p in pull),
        "within_2_pm": statistics.mean(p <= 2 for p in pull),
        "ms": statistics.median(times),
    }


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="cracks in each group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = []
    print("| group | refined | mask error px | refined error px | within 10 % or 0.5 px | 1 pm | 2 pm | ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name, choose in rows():
        each = row(name, choose, arguments.count, arguments.seed)
        table.append(each)
        print(
            "| {group} | {refined_share:.0%} | {mask_error_px:.2f} | {refined_error_px:.2f} "
            "| {within_10_percent_or_half_px:.0%} | {within_1_pm:.0%} | {within_2_pm:.0%} | {ms:.1f} |".format(
                **each
            ),
            flush=True,
        )
    if arguments.out:
        arguments.out.write_text(json.dumps({"machine": machine.describe(), "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
