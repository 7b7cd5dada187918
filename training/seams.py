"""Lines that are no cracks: joints, formwork, edges, scratches, cables, twigs, tar."""

import cv2
import numpy as np

from training import paths
from training.canvas import Canvas, sheet, shrink, stroke
from training.noise import colour, grain, patch, relief, smooth


def _straight(rng: np.random.Generator, n: int, angle: float | None = None) -> np.ndarray:
    angle = rng.uniform(0, np.pi) if angle is None else angle
    centre = rng.uniform(0, 1, 2) * n
    along = np.array([np.cos(angle), np.sin(angle)])
    low, high = (1.5, 1.5) if rng.random() < 0.75 else (rng.uniform(0.1, 0.6), 1.5)
    reach = np.linspace(-low * n, high * n, 90)[:, None]
    bend = rng.normal(0, 1.5) * (reach / n) ** 2 * np.array([-along[1], along[0]])
    return (centre + along * reach + (bend if rng.random() < 0.4 else 0)).astype(np.float32)


def joint(rng: np.random.Generator, canvas: Canvas) -> None:
    """One to four straight grooves or seams: crisp or blurred, clean or dirty, single or double."""
    n = canvas.n
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.08) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    wide = float(np.exp(rng.uniform(np.log(0.8), np.log(11))))
    large = sheet(n)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 4]))):
        turn = angle + (np.pi / 2 if rng.random() < 0.2 else 0)
        stroke(large, _straight(rng, n, turn), wide)
    alpha = shrink(large)
    if rng.random() < 0.5:
        # Dirt sits unevenly in a joint and spills over its rim; the rim itself stays straight.
        alpha = alpha * np.clip(
            rng.uniform(0.4, 1.0) + rng.uniform(0.2, 0.8) * smooth(rng, n, rng.uniform(4, 25)), 0, 1
        )
        if rng.random() < 0.5:
            spill = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(1.5, 5))
            alpha = np.maximum(
                alpha, np.clip(spill * 2.5 * np.clip(0.3 + 0.7 * grain(rng, n, 2.5), 0, 1), 0, 0.9)
            )
    if rng.random() < 0.4:
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.5, 2))
    mean = float(np.clip(canvas.pixels.mean(), 8, 250))
    tone = rng.uniform(3, 0.75 * mean) if rng.random() < 0.82 else rng.uniform(mean, min(255, mean * 1.6))
    canvas.cover(np.clip(alpha * rng.uniform(0.35, 1), 0, 1).astype(np.float32), colour(rng, tone, 0.08))
    if rng.random() < 0.4:
        canvas.add(
            rng.uniform(5, 45)
            * np.clip(relief(cv2.GaussianBlur(alpha, (0, 0), 1), rng.uniform(0, 6.3)), -1, 3)
            * 0.3
        )


def formwork(rng: np.random.Generator, canvas: Canvas) -> None:
    """The prints of boards and panels: evenly spaced fins and steps, thin, straight, here clean, there dirty."""
    n = canvas.n
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.15)
    gap = float(np.exp(rng.uniform(np.log(12), np.log(150))))
    large = sheet(n)
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    across = -np.sin(angle) * xs + np.cos(angle) * ys
    centre = np.array([n / 2, n / 2])
    for k in range(-int(n / gap) - 1, int(n / gap) + 2):
        middle = centre + (k * gap + rng.normal(0, 0.02 * gap)) * np.array([-np.sin(angle), np.cos(angle)])
        reach = 1.5 * n * np.array([np.cos(angle), np.sin(angle)])
        stroke(large, np.stack([middle - reach, middle + reach]).astype(np.float32), rng.uniform(0.6, 2.6))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            stroke(large, _straight(rng, n, angle + np.pi / 2), rng.uniform(0.6, 2.6))
    tone = rng.normal(0, rng.uniform(0.5, 8), 64).astype(np.float32)
    canvas.add(tone[np.floor((across + 2 * n) / gap).astype(int) % 64])
    # Dirt fills some stretches and leaves others: the line comes and goes, as a crack does, but stays straight.
    share = np.clip(rng.uniform(0.1, 0.9) + rng.uniform(0.2, 0.9) * smooth(rng, n, rng.uniform(5, 45)), 0, 1)
    canvas.add(shrink(large) * share * rng.uniform(10, 100) * rng.choice([-1, -1, 1]))


def scratches(rng: np.random.Generator, canvas: Canvas) -> None:
    """Thin straight or bowed marks, bright or dark."""
    n = canvas.n
    large = sheet(n)
    for _ in range(int(rng.integers(1, 9))):
        start = rng.uniform(0, n, 2)
        end = start + rng.normal(0, 0.25 * n, 2)
        bow = np.linspace(0, 1, 16)[:, None]
        points = start + (end - start) * bow + rng.normal(0, 4, 2) * bow * (1 - bow) * 4
        stroke(large, points.astype(np.float32), rng.uniform(0.5, 1.8))
    canvas.add(shrink(large) * rng.uniform(12, 70) * rng.choice([-1, 1, 1]))


def cable(rng: np.random.Generator, canvas: Canvas) -> None:
    """A wire, cable, hose or pipe, round and smooth, with the shadow that it throws."""
    n = canvas.n
    points = paths.hanging(rng, n) if rng.random() < 0.6 else _straight(rng, n)
    wide = float(np.exp(rng.uniform(np.log(1.0), np.log(26))))
    large = sheet(n)
    stroke(large, points, wide)
    alpha = shrink(large)
    if rng.random() < 0.6:
        away = np.float32([[1, 0, rng.normal(0, wide)], [0, 1, rng.normal(0, wide)]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(alpha, away, (n, n)), (0, 0), rng.uniform(0.5, 4))
        canvas.shade(1 - rng.uniform(0.15, 0.7) * shadow)
    round_ = cv2.GaussianBlur(alpha, (0, 0), max(0.8, wide / 4))
    tone = colour(rng, rng.uniform(8, 210), rng.choice([0.03, 0.6]))
    canvas.cover(alpha, tone + rng.uniform(2, 22) * relief(round_, rng.uniform(0, 6.3))[..., None])


def twigs(rng: np.random.Generator, canvas: Canvas) -> None:
    """Straw, twigs, roots and grass that lie on or grow before the surface, lit on one side."""
    n = canvas.n
    many = rng.random() < 0.35
    green = (
        np.array([0.75, 1.15, 0.5], np.float32)
        if rng.random() < 0.5
        else np.array([1.15, 1.0, 0.7], np.float32)
    )
    for _ in range(int(rng.integers(2, 5)) if many else int(rng.integers(1, 3))):
        large = sheet(n)
        for _ in range(int(rng.integers(4, 16)) if many else 1):
            start = rng.uniform(0, n, 2)
            reach = rng.uniform(0.06, 0.6) * n
            angle = rng.uniform(0, 6.3)
            bow = np.linspace(0, 1, 24)[:, None]
            along = np.array([np.cos(angle), np.sin(angle)])
            side = np.array([-along[1], along[0]])
            points = start + along * reach * bow + side * rng.normal(0, 0.3) * reach * bow**2
            wide = rng.uniform(0.8, 4) * np.linspace(1, rng.uniform(0.3, 1), 24)
            stroke(large, points.astype(np.float32), wide)
        alpha = shrink(large)
        canvas.shade(1 - rng.uniform(0.2, 0.7) * np.roll(alpha, rng.integers(-3, 4, 2), (0, 1)) * (1 - alpha))
        canvas.cover(alpha, green * rng.uniform(40, 210))


def tar(rng: np.random.Generator, canvas: Canvas) -> None:
    """A crack that was sealed: a broad black band with a smooth rim. No longer a crack."""
    n = canvas.n
    large = sheet(n)
    line = paths.single(rng, n)
    if len(line) < 8:
        return
    line = cv2.blur(line, (1, 9))
    stroke(large, line.astype(np.float32), rng.uniform(9, 26))
    band = np.clip(cv2.GaussianBlur(shrink(large), (0, 0), 1.5) + 0.15 * smooth(rng, n, 6) - 0.05, 0, 1)
    band = np.clip((band - 0.4) * 5, 0, 1).astype(np.float32)
    canvas.cover(band, colour(rng, rng.uniform(15, 60), 0.05) + 4 * grain(rng, n, 1)[..., None])


def edge(rng: np.random.Generator, canvas: Canvas) -> None:
    """The arris of a member: two faces in different light, a dark or bright line where they meet."""
    n = canvas.n
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.25)
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    point = rng.uniform(0.08, 0.92, 2) * n
    far = -np.sin(angle) * (xs - point[0]) + np.cos(angle) * (ys - point[1])
    if rng.random() < 0.4:
        far = far + rng.uniform(0.3, 1.6) * smooth(rng, n, rng.uniform(5, 30))
    side = np.clip(far / rng.uniform(0.6, 3) + 0.5, 0, 1)
    factor = 1 + side * rng.uniform(-0.6, 0.5)
    factor *= 1 - rng.uniform(0, 0.5) * np.exp(-np.abs(far) / rng.uniform(3, 40)) * (far > 0)
    canvas.shade(np.clip(factor, 0.1, 2).astype(np.float32))
    if rng.random() < 0.6:
        line = np.exp(-((far / rng.uniform(0.6, 3.5)) ** 2))
        if rng.random() < 0.5:
            line = line * np.clip(0.5 + 0.7 * smooth(rng, n, rng.uniform(5, 25)), 0, 1)
        canvas.add((line * rng.uniform(-110, 40)).astype(np.float32))


def peeling(rng: np.random.Generator, canvas: Canvas) -> None:
    """Paint or render that has come off in patches: a ragged rim in shadow, another tone within."""
    n = canvas.n
    mask = patch(rng, n, rng.uniform(15, 110), rng.uniform(0.05, 0.45), rng.uniform(0.15, 0.5))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 1.2))
    within = colour(rng, float(np.clip(canvas.pixels.mean() * rng.uniform(0.5, 1.5), 10, 245)), 0.12)
    tone = within + rng.uniform(2, 18) * grain(rng, n, rng.uniform(0.5, 2.2))[..., None]
    canvas.cover(mask, tone)
    rim = relief(cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.6, 1.6)), rng.uniform(0, 6.3))
    canvas.add(np.clip(rim, -4, 4) * rng.uniform(3, 22))
