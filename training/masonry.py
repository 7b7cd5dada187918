"""Brick and stone walls, and the cracks that follow their joints or break through."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from training import paths, surfaces
from training.noise import Field, Pixels, borders, cells, colour, fractal, grain, relief, smooth
from training.paths import Points


@dataclass(frozen=True, slots=True)
class Courses:
    """A brick wall's layout in pixels: courses of height `high`, bricks of length `long`.

    Course r begins at `top + r * high` and its bricks are moved sideways by `shift[r % 2] * long`.
    """

    high: float
    long: float
    joint: float
    top: float
    shift: tuple[float, float]


def courses(rng: np.random.Generator) -> Courses:
    """Choose a layout: bricks from 8 to 90 px high, seen from afar or near, and now and then blocks."""
    high = float(np.exp(rng.uniform(np.log(8), np.log(80))))
    long = high * rng.uniform(1.6, 4.2)
    bond = rng.choice([0.5, 0.33, 0.25, 0.0], p=[0.75, 0.12, 0.08, 0.05])
    joint = max(1.0, high * rng.uniform(0.06, 0.24))
    return Courses(high, long, joint, -rng.uniform(0, high), (0.0, float(bond)))


def bricks(rng: np.random.Generator, n: int, lay: Courses) -> Pixels:
    """Return the wall: every brick its own tone, mortar lighter or darker, recessed or flush."""
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    wobble = min(1.4, lay.joint * rng.uniform(0.03, 0.25))
    ys = ys + wobble * smooth(rng, n, rng.uniform(4, 14))
    xs = xs + wobble * smooth(rng, n, rng.uniform(4, 14))
    row = np.floor((ys - lay.top) / lay.high).astype(int)
    moved = (
        xs / lay.long
        - np.where(row % 2 == 1, lay.shift[1], lay.shift[0])
        + 0.003 * lay.long * np.sin(row * 2.4)
    )
    column = np.floor(moved).astype(int)
    to_bed = np.abs((ys - lay.top) / lay.high - np.round((ys - lay.top) / lay.high)) * lay.high
    to_head = np.abs(moved - np.round(moved)) * lay.long
    mortar = np.clip((lay.joint / 2 - np.minimum(to_bed, to_head)) / max(0.8, lay.joint * 0.2) + 0.5, 0, 1)

    tone = colour(rng, rng.uniform(60, 190), rng.choice([0.05, 0.2, 0.4], p=[0.5, 0.35, 0.15]))
    if rng.random() < 0.6:
        tone = (
            np.array([1.25, 0.82, 0.68], np.float32)
            * rng.uniform(60, 160)
            * rng.uniform(0.9, 1.1, 3).astype(np.float32)
        )
    table = rng.normal(1, rng.uniform(0.03, 0.22), (64, 64, 1)) + rng.normal(
        0, rng.uniform(0, 0.06), (64, 64, 3)
    )
    pixels = tone * table[row % 64, column % 64].astype(np.float32)
    texture = rng.uniform(1, 9) * grain(rng, n, rng.uniform(0.4, 1.5)) + rng.uniform(1, 8) * fractal(
        rng, n, (24, 10, 5)
    )
    if rng.random() < 0.5:
        texture += rng.uniform(2, 11) * relief(grain(rng, n, rng.uniform(0.8, 2.5)), rng.uniform(0, 6.3))
    pixels = pixels + texture[..., None]
    if rng.random() < 0.3:
        pits = np.clip((grain(rng, n, rng.uniform(0.7, 2)) - rng.uniform(1.6, 2.4)) * 2, 0, 1)
        pixels = pixels - rng.uniform(20, 70) * pits[..., None]
    return _point(rng, pixels, mortar.astype(np.float32))


def _point(rng: np.random.Generator, pixels: Pixels, mortar: Field) -> Pixels:
    n = mortar.shape[0]
    grey = float(np.clip(pixels.mean(), 5, 225))
    bright = (
        rng.uniform(0.5, 0.9) * grey if rng.random() < 0.35 else rng.uniform(grey, min(230, 2.2 * grey + 40))
    )
    fill = (
        bright
        + rng.uniform(2, 9) * grain(rng, n, rng.uniform(0.4, 1.4))
        + rng.uniform(1, 8) * fractal(rng, n, (40, 12))
    )
    fill = fill[..., None] * (colour(rng, 150, 0.08) / 150)
    washed = (
        mortar * np.clip(1 - rng.uniform(0, 0.5) * (0.5 + smooth(rng, n, 25)), 0.2, 1)
        if rng.random() < 0.4
        else mortar
    )
    pixels = pixels * (1 - washed[..., None]) + fill * washed[..., None]
    if rng.random() < 0.6:
        # Recessed joints: the brick above throws a shadow on the mortar, the one below catches light.
        edge = relief(cv2.GaussianBlur(1 - mortar, (0, 0), 0.8), rng.uniform(0.6, 2.5))
        pixels = pixels + rng.uniform(3, 22) * (edge * mortar)[..., None]
    return np.clip(pixels, 3, 255).astype(np.float32)


def rough_stone(rng: np.random.Generator, n: int) -> Pixels:
    """A wall of irregular stones in mortar."""
    labels, _ = cells(rng, n, rng.uniform(28, 110))
    wide = rng.uniform(1.5, 9)
    far = cv2.distanceTransform(255 - borders(labels), cv2.DIST_L2, 3) + 0.8 * smooth(rng, n, 6)
    mortar = np.clip((wide / 2 - far) / max(0.8, wide * 0.25) + 0.5, 0, 1).astype(np.float32)
    tone = rng.normal(1, rng.uniform(0.04, 0.2), int(labels.max()) + 1).astype(np.float32)
    pixels = surfaces.concrete(rng, n) * tone[labels][..., None]
    if rng.random() < 0.5:
        pixels = (
            pixels
            + rng.uniform(2, 14) * relief(fractal(rng, n, (20, 9, 4), 0.8), rng.uniform(0, 6.3))[..., None]
        )
    return _point(rng, pixels, mortar)


def _steps(rng: np.random.Generator, n: int, lay: Courses) -> Points:
    """Walk the joints: along a bed to a head joint, up it, and on; sometimes straight through a brick."""
    through = rng.choice([0.0, 0.15, 0.5, 1.0], p=[0.35, 0.35, 0.2, 0.1])
    lean = rng.choice([-1.0, 0.0, 1.0], p=[0.4, 0.2, 0.4])
    rows = int(n / lay.high) + 3
    first = int(rng.integers(0, rows)) if rng.random() < 0.3 else -1
    last = int(rng.integers(first + 2, rows + 3)) if rng.random() < 0.3 else rows
    x = (
        rng.uniform(-0.2, 1.2) * n
        if lean == 0
        else rng.uniform(-0.6, 1.0) * n
        if lean > 0
        else rng.uniform(0, 1.6) * n
    )
    nodes = [(x, lay.top + first * lay.high)]
    for row in range(first, last):
        y = lay.top + row * lay.high
        side = lay.shift[row % 2]
        if rng.random() < through:
            x += rng.normal(0, 0.08) * lay.long
        else:
            way = lean if rng.random() < 0.85 else -lean
            at = x / lay.long - side
            joint = np.ceil(at + 1e-3) if way > 0 else np.floor(at - 1e-3) if way < 0 else np.round(at)
            x = float((joint + side) * lay.long)
        nodes += [(x, y), (x + rng.normal(0, 0.02) * lay.long, y + lay.high)]
        if rng.random() < 0.06:
            x += rng.choice([-1, 1]) * lay.long * rng.integers(1, 3)
    return np.array(nodes, np.float32)


def _beds(rng: np.random.Generator, n: int, lay: Courses) -> Points:
    """Follow one bed joint, perhaps dropping a course on the way."""
    y = lay.top + int(rng.integers(0, int(n / lay.high) + 2)) * lay.high
    x, nodes = -10.0, [(-10.0, y)]
    while x < n + 10:
        x += lay.long * rng.integers(1, 7)
        nodes.append((x, y))
        if rng.random() < 0.3:
            y += rng.choice([-1, 1]) * lay.high
            nodes.append((x, y))
    return np.array(nodes, np.float32)


def along_joints(rng: np.random.Generator, n: int, lay: Courses) -> list[tuple[Points, float]]:
    """Return crack lines for a brick wall, with width factors: stepped, along beds, or through all."""
    lines: list[tuple[Points, float]] = []
    for _ in range(1 if rng.random() < 0.7 else 2):
        kind = rng.random()
        nodes = _steps(rng, n, lay) if kind < 0.66 else _beds(rng, n, lay) if kind < 0.78 else None
        if nodes is None:
            lines.append((paths.single(rng, n), 1.0))
            continue
        if rng.random() < 0.12:
            nodes = nodes[:, ::-1] * np.array([lay.long / lay.high, 1], np.float32)
        side = lay.joint * rng.uniform(-0.5, 0.5)
        pieces = [
            paths.crooked(rng, a + side, b + side, rng.uniform(0.01, 0.07), rng.uniform(0.6, 0.95))
            for a, b in pairwise(nodes)
            if np.hypot(*(b - a)) > 1
        ]
        if pieces:
            lines.append((paths.inside(np.concatenate(pieces), n), 1.0))
    return lines
