"""Surfaces without joints: concrete, asphalt, plaster, painted steel."""

import cv2
import numpy as np

from training.noise import Field, Pixels, borders, cells, colour, fractal, grain, patch, relief, smooth


def _pores(rng: np.random.Generator, grey: Field, count: int, largest: float, deep: float) -> None:
    n = grey.shape[0]
    mask = np.zeros((n, n), np.uint8)
    for _ in range(count):
        centre = rng.integers(0, n * 8, 2)
        radius = rng.uniform(0.4, 1) ** 2 * largest
        axes = (int(radius * 8), int(radius * 8 * rng.uniform(0.5, 1)))
        cv2.ellipse(
            mask, (tuple(map(float, centre / 8)), (2 * axes[0] / 8, 2 * axes[1] / 8), rng.uniform(0, 180)),
            int(rng.integers(80, 256)), -1, cv2.LINE_AA,
        )  # fmt: skip
    hole = cv2.GaussianBlur(mask, (0, 0), 0.6).astype(np.float32) / 255
    grey -= deep * hole
    if rng.random() < 0.5:
        grey += deep * 0.4 * np.roll(hole, (1, 1), (0, 1)) * (1 - hole)


def tinted(rng: np.random.Generator, grey: Field, saturation: float) -> Pixels:
    """Colour a grey surface evenly, with a weak second hue that comes and goes."""
    mean = float(grey.mean())
    first, second = colour(rng, mean, saturation) / mean, colour(rng, mean, saturation * 0.7) / mean
    if rng.random() < 0.5:
        return grey[..., None] * first
    share = np.clip(0.5 + 0.35 * smooth(rng, grey.shape[0], grey.shape[0] / 3), 0, 1)[..., None]
    return grey[..., None] * (first * share + second * (1 - share))


def concrete(rng: np.random.Generator, n: int) -> Pixels:
    """Cast concrete: clouds, pores, sometimes the grain of boards, stains or a washed-out rough face."""
    grey = rng.uniform(75, 205) + rng.uniform(2, 11) * fractal(rng, n, (n / 1.5, n / 4, n / 10, n / 25))
    grey += rng.uniform(0.5, 7) * grain(rng, n, rng.uniform(0.3, 1.3))
    if rng.random() < 0.5:
        grey += rng.uniform(1, 9) * relief(grain(rng, n, rng.uniform(0.7, 3.5)), rng.uniform(0, 6.3))
    if rng.random() < 0.3:
        along, across = rng.uniform(min(60, n / 2), n), rng.uniform(1.5, 7)
        pair = (along, across) if rng.random() < 0.5 else (across, along)
        grey += rng.uniform(2, 8) * smooth(rng, n, *pair)
    if rng.random() < 0.65:
        _pores(rng, grey, int(rng.exponential(30)), rng.uniform(0.8, 4), rng.uniform(15, 80))
    if rng.random() < 0.35:
        grey += rng.uniform(-35, 20) * cv2.GaussianBlur(patch(rng, n, rng.uniform(20, 90), 0.3), (0, 0), 2)
    if rng.random() < 0.15:
        grey -= rng.uniform(15, 50) * patch(rng, n, rng.uniform(3, 8), rng.uniform(0.02, 0.12), 0.6)
    return tinted(rng, grey, rng.uniform(0, 0.06))


def stones(rng: np.random.Generator, n: int, side: float) -> Field:
    """Coarse aggregate, unit scale: stones of `side` pixels, each of its own grey, darker between them."""
    labels, distance = cells(rng, n, side)
    tone = rng.normal(0, 1, int(labels.max()) + 1).astype(np.float32)
    hollow = np.clip(distance / (0.62 * side), 0, 1.3) ** 3
    return 0.7 * tone[labels] - rng.uniform(0.6, 1.8) * hollow + 0.4 * relief(-distance, rng.uniform(0, 6.3))


def asphalt(rng: np.random.Generator, n: int) -> Pixels:
    """A road: grain of stones in binder, lit from the side, with bright chips and dark pits."""
    base = rng.uniform(65, 185)
    grains = grain(rng, n, rng.uniform(0.4, 2.0))
    grey = base + np.where(grains < 0, grains * rng.uniform(4, 20), grains * rng.uniform(3, 16))
    grey += rng.uniform(1, 9) * grain(rng, n, 0.3) + rng.uniform(1, 9) * grain(rng, n, rng.uniform(2, 5))
    if rng.random() < 0.7:
        grey += rng.uniform(2, 16) * relief(grain(rng, n, rng.uniform(0.8, 2.6)), rng.uniform(0, 6.3))
    if rng.random() < 0.35:
        share = patch(rng, n, n / 2, 0.5) if rng.random() < 0.5 else np.ones((n, n), np.float32)
        grey += share * rng.uniform(5, 22) * stones(rng, n, rng.uniform(4, 13))
    chips = grain(rng, n, rng.uniform(0.5, 1.8))
    grey += rng.uniform(0, 60) * np.clip((chips - rng.uniform(1.4, 2.6)) * 2, 0, 1)
    grey -= rng.uniform(0, 60) * np.clip((-chips - rng.uniform(1.5, 2.8)) * 2, 0, 1)
    if rng.random() < 0.4:
        _pores(rng, grey, int(rng.exponential(12)), rng.uniform(1, 5), rng.uniform(15, 70))
    grey += rng.uniform(2, 9) * fractal(rng, n, (n / 1.5, n / 5))
    if rng.random() < 0.2:
        grey += rng.uniform(-25, 15) * cv2.GaussianBlur(patch(rng, n, rng.uniform(20, 80), 0.25), (0, 0), 3)
    return tinted(rng, np.clip(grey, 4, 255).astype(np.float32), rng.uniform(0, 0.06))


def plaster(rng: np.random.Generator, n: int) -> Pixels:
    """Plaster, render or paint on a wall: even, bright or coloured, smooth or rough under raking light."""
    grey = rng.uniform(90, 235) + rng.uniform(0.5, 6) * fractal(rng, n, (n / 1.3, n / 4))
    if rng.random() < 0.75:
        height = grain(rng, n, rng.uniform(0.7, 2.2))
        if rng.random() < 0.4:
            height = height + rng.uniform(0.5, 2) * grain(rng, n, rng.uniform(2.5, 7))
        grey += rng.uniform(0.7, 11) * relief(height, rng.uniform(0, 6.3))
    grey += rng.uniform(0.3, 4) * grain(rng, n, rng.uniform(0.3, 1))
    if rng.random() < 0.25:
        _pores(rng, grey, int(rng.exponential(8)), rng.uniform(0.8, 3), rng.uniform(15, 90))
    if rng.random() < 0.2:
        flow = smooth(rng, n, rng.uniform(3, 8), rng.uniform(15, 60))
        grey += rng.uniform(2, 10) * (flow.T if rng.random() < 0.5 else flow)
    return tinted(rng, grey, rng.choice([0.03, 0.1, 0.3, 0.8], p=[0.4, 0.3, 0.2, 0.1]))


def steel(rng: np.random.Generator, n: int) -> Pixels:
    """Painted steel: smooth and often vivid, with a sheen, dust, sometimes rust that breaks through."""
    grey = rng.uniform(45, 215) + rng.uniform(1, 9) * fractal(rng, n, (n, n / 3))
    grey += rng.uniform(0.3, 4) * grain(rng, n, rng.uniform(0.4, 2.5))
    pixels = grey[..., None] * (colour(rng, 150, rng.uniform(0.02, 0.8)) / 150)
    if rng.random() < 0.5:
        rust = patch(rng, n, rng.uniform(8, 60), rng.uniform(0.02, 0.35), 0.6)[..., None]
        tone = (rng.uniform(50, 110) + 18 * grain(rng, n, 1.2))[..., None] * np.array(
            [1.25, 0.85, 0.6], np.float32
        )
        pixels = pixels * (1 - rust) + tone * rust
    return pixels.astype(np.float32)


def rubble(rng: np.random.Generator, n: int) -> Pixels:
    """Broken concrete, gravel or soil: stones of all sizes, deep shadows between them."""
    grey = rng.uniform(70, 170) + rng.uniform(10, 32) * stones(rng, n, rng.uniform(5, 26))
    grey += rng.uniform(4, 22) * relief(fractal(rng, n, (24, 12, 6, 3), 0.8), rng.uniform(0, 6.3))
    if rng.random() < 0.4:
        labels, _ = cells(rng, n, rng.uniform(12, 40))
        seams = cv2.GaussianBlur(borders(labels), (0, 0), rng.uniform(0.8, 1.6)).astype(np.float32) / 255
        grey -= rng.uniform(30, 120) * seams * patch(rng, n, 30, 0.6)
    return tinted(rng, np.clip(grey + rng.uniform(2, 8) * grain(rng, n, 0.5), 3, 255), rng.uniform(0, 0.15))
