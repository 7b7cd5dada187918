"""Walls of bricks and of stones, and where their joints are."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training import surfaces
from training.noise import Field, Pixels, borders, cells, colour, fractal, grain, patch, relief, smooth


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


@dataclass(frozen=True, slots=True)
class Wall:
    """A wall's `pixels` (n, n, 3) 0..255, and `mortar` (n, n), the share of a pixel that is joint, 0..1."""

    pixels: Pixels
    mortar: Field


def courses(rng: np.random.Generator) -> Courses:
    """Choose a layout: bricks from 8 to 90 px high, seen from afar or near, and now and then blocks."""
    high = float(np.exp(rng.uniform(np.log(8), np.log(80))))
    long = high * rng.uniform(1.6, 4.2)
    bond = rng.choice([0.5, 0.33, 0.25, 0.0], p=[0.75, 0.12, 0.08, 0.05])
    joint = max(1.0, high * rng.uniform(0.06, 0.24))
    return Courses(high, long, joint, -rng.uniform(0, high), (0.0, float(bond)))


def bricks(rng: np.random.Generator, n: int, lay: Courses) -> Wall:
    """Return the wall: every brick its own tone, mortar lighter or darker, recessed or flush, or all painted."""
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
    painted = rng.random() < 0.12
    vary = 0.02 if painted else rng.uniform(0.03, 0.22)
    table = rng.normal(1, vary, (64, 64, 1)) + rng.normal(0, rng.uniform(0, 0.3 * vary), (64, 64, 3))
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
    mortar = mortar.astype(np.float32)
    return Wall(_point(rng, pixels, mortar, tone if painted else None), mortar)


def _point(
    rng: np.random.Generator, pixels: Pixels, mortar: Field, paint: NDArray[np.float32] | None = None
) -> Pixels:
    """Fill the joints; where the wall is painted, with `paint`, so that only light and shadow show them."""
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
    if paint is not None:
        fill = paint * rng.uniform(0.85, 1.0) + (fill - fill.mean()) * 0.5
    washed = (
        mortar * np.clip(1 - rng.uniform(0, 0.5) * (0.5 + smooth(rng, n, 25)), 0.2, 1)
        if rng.random() < 0.4
        else mortar
    )
    pixels = pixels * (1 - washed[..., None]) + fill * washed[..., None]
    if paint is not None or rng.random() < 0.6:
        # Recessed joints: the brick above throws a shadow on the mortar, the one below catches light.
        edge = relief(cv2.GaussianBlur(1 - mortar, (0, 0), 0.8), rng.uniform(0.6, 2.5))
        pixels = pixels + rng.uniform(3, 22) * (edge * mortar)[..., None]
    return np.clip(pixels, 3, 255).astype(np.float32)


def rough_stone(rng: np.random.Generator, n: int) -> Wall:
    """Return a wall of irregular stones, round or lying flat, in mortar or nearly dry."""
    flat = rng.uniform(1, 2.4) if rng.random() < 0.7 else 1.0
    side = float(np.exp(rng.uniform(np.log(20), np.log(90))))
    labels, _ = cells(rng, n, side)
    if flat > 1.05:
        high = round(n / flat)
        labels = cv2.resize(labels[:, :high], (n, n), interpolation=cv2.INTER_NEAREST)
    bend = rng.uniform(0.5, 3.5)
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    labels = cv2.remap(
        labels.astype(np.float32), xs + bend * smooth(rng, n, 14), ys + bend * smooth(rng, n, 14),
        cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.int32)  # fmt: skip
    wide = min(rng.uniform(1.5, 9), 0.2 * side)
    far = cv2.distanceTransform(255 - borders(labels), cv2.DIST_L2, 3) + rng.uniform(0.4, 1.4) * smooth(
        rng, n, 6
    )
    mortar = np.clip((wide / 2 - far) / max(0.8, wide * 0.25) + 0.5, 0, 1).astype(np.float32)
    tone = rng.normal(1, rng.uniform(0.04, 0.25), int(labels.max()) + 1).astype(np.float32)
    pixels = surfaces.concrete(rng, n) * tone[labels][..., None]
    if rng.random() < 0.6:
        rough = relief(fractal(rng, n, (20, 9, 4), 0.8), rng.uniform(0, 6.3))
        pixels = pixels + rng.uniform(2, 16) * rough[..., None]
    if rng.random() < 0.4:
        # A stone's face bulges: light on one flank, shadow towards the joint.
        bulge = np.minimum(far, rng.uniform(3, 12))
        pixels = pixels + rng.uniform(3, 14) * np.clip(relief(bulge, rng.uniform(0, 6.3)), -3, 3)[..., None]
    return Wall(_point(rng, pixels, mortar), mortar)


def rendered(rng: np.random.Generator, n: int, wall: Wall) -> Wall:
    """Return `wall` under old plaster that has come off in patches; the joints are known where they show."""
    mask = patch(rng, n, rng.uniform(20, 130), rng.uniform(0.25, 0.9), rng.uniform(0.05, 0.35))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 1.1))
    coat = surfaces.plaster(rng, n)
    if rng.random() < 0.5:
        coat = coat + rng.uniform(2, 9) * fractal(rng, n, (60, 25, 10))[..., None]
    pixels = wall.pixels + (coat - wall.pixels) * mask[..., None]
    rim = relief(cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.6, 1.8)), rng.uniform(0, 6.3))
    pixels = pixels + rng.uniform(4, 24) * np.clip(rim, -4, 4)[..., None]
    return Wall(np.clip(pixels, 3, 255).astype(np.float32), wall.mortar * (1 - 0.8 * mask))
