"""Centre lines: how a crack wanders, and how a cable hangs."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.noise import borders, cells

Points = NDArray[np.float32]
"""(N, 2) float32: x, y in pixels."""


def crooked(rng: np.random.Generator, start: Points, end: Points, rough: float, hurst: float) -> Points:
    """Return a wandering line from `start` to `end` by midpoint displacement, a point every 2 px or so.

    `rough` is the first displacement as a share of the length, `hurst` (0.5 jagged, 1.1 smooth) how fast
    the displacements of shorter pieces fall.
    """
    points = np.stack([start, end]).astype(np.float32)
    length = float(np.hypot(*(end - start)))
    amount = rough * length
    while len(points) < 3 or length / (len(points) - 1) > 2.2:
        step = np.diff(points, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], 1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
        middle = (points[:-1] + points[1:]) / 2 + normal * rng.normal(0, amount, (len(step), 1))
        grown = np.empty((len(points) + len(middle), 2), np.float32)
        grown[0::2], grown[1::2] = points, middle
        points = grown
        amount *= 0.5**hurst
    return points


def across(rng: np.random.Generator, n: int) -> tuple[Points, Points]:
    """Return two ends of a line: mostly from border to border, sometimes ending inside."""
    angle = rng.uniform(0, np.pi)
    if rng.random() < 0.3:
        angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.12)
    centre = rng.uniform(0.12, 0.88, 2) * n
    reach = np.array([np.cos(angle), np.sin(angle)]) * n
    first = 1.5 if rng.random() < 0.7 else rng.uniform(0.1, 0.5)
    second = 1.5 if rng.random() < 0.7 else rng.uniform(0.1, 0.5)
    return (centre - reach * first).astype(np.float32), (centre + reach * second).astype(np.float32)


def inside(points: Points, n: int, margin: float = 12) -> Points:
    """Return the longest run of `points` within the canvas (plus a margin); may be empty."""
    keep = ((points > -margin) & (points < n + margin)).all(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(int), [0]])))
    if len(edges) == 0:
        return points[:0]
    runs = edges.reshape(-1, 2)
    low, high = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return points[low:high]


def single(rng: np.random.Generator, n: int) -> Points:
    """Return one crack's line somewhere on the canvas."""
    start, end = across(rng, n)
    rough = rng.uniform(0.015, 0.13) if rng.random() < 0.85 else rng.uniform(0.004, 0.015)
    return inside(crooked(rng, start, end, rough, rng.uniform(0.6, 1.05)), n)


def branch(rng: np.random.Generator, trunk: Points, n: int) -> Points:
    """Return a line that leaves `trunk` sideways."""
    at = int(rng.integers(0, len(trunk)))
    ahead = trunk[min(at + 4, len(trunk) - 1)] - trunk[max(at - 4, 0)]
    angle = np.arctan2(ahead[1], ahead[0]) + rng.choice([-1, 1]) * rng.uniform(0.35, 1.7)
    reach = rng.uniform(0.12, 0.9) * n
    end = trunk[at] + reach * np.array([np.cos(angle), np.sin(angle)])
    return inside(
        crooked(rng, trunk[at], end.astype(np.float32), rng.uniform(0.03, 0.12), rng.uniform(0.6, 1)), n
    )


def net(rng: np.random.Generator, n: int) -> list[Points]:
    """Return the lines of map cracking: the borders of irregular cells, wandering, some of them missing."""
    labels, _ = cells(rng, n + 40, rng.uniform(28, 120))
    seams = borders(labels)
    nodes = cv2.dilate(seams, np.ones((3, 3), np.uint8))
    counts = np.zeros(labels.shape, np.uint8)
    # A corner is where a 3x3 window sees three cells: cut there, and every border is a piece of its own.
    window = np.stack([np.roll(labels, (i, j), (0, 1)) for i in (-2, 0, 2) for j in (-2, 0, 2)])
    window.sort(axis=0)
    counts = (np.diff(window, axis=0) != 0).sum(0) + 1
    pieces = (seams > 0) & (counts < 3) & (nodes > 0)
    total, parts, stats, _ = cv2.connectedComponentsWithStats(pieces.astype(np.uint8), connectivity=8)
    lines = []
    missing = rng.uniform(0, 0.45)
    for part in range(1, total):
        if stats[part, cv2.CC_STAT_AREA] < 6 or rng.random() < missing:
            continue
        x, y, w, h = stats[part, :4]
        ys, xs = np.nonzero(parts[y : y + h, x : x + w] == part)
        spread = np.stack([xs, ys], 1).astype(np.float32)
        axis = spread - spread.mean(0)
        direction = np.linalg.svd(axis, full_matrices=False)[2][0]
        order = axis @ direction
        low, high = spread[order.argmin()], spread[order.argmax()]
        reach = (high - low) / (np.hypot(*(high - low)) + 1e-6) * 2.5
        offset = np.array([x - 20, y - 20], np.float32)
        lines.append(
            crooked(
                rng, low - reach + offset, high + reach + offset, rng.uniform(0.03, 0.12), rng.uniform(0.6, 1)
            )
        )
    return lines


def hanging(rng: np.random.Generator, n: int) -> Points:
    """Return a smooth line, as a cable, a hose or a stem lies: a cubic with few turns."""
    knots = int(rng.integers(3, 6))
    start, end = across(rng, n)
    along = np.linspace(0, 1, knots)[:, None]
    nodes = start + (end - start) * along + rng.normal(0, rng.uniform(0.02, 0.15) * n, (knots, 2))
    fine = np.linspace(0, 1, 160)
    return np.stack(
        [np.polyval(np.polyfit(along[:, 0], nodes[:, i], min(3, knots - 1)), fine) for i in (0, 1)], 1
    ).astype(np.float32)
