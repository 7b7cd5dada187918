"""Worn cracks: on roads grooves filled with dust between crumbled rims, on walls faint hairlines."""

import dataclasses

import cv2
import numpy as np

from training import cracks
from training.canvas import Canvas, Line, sheet, shrink, stroke
from training.noise import Field, grain, smooth


def scatter(rng: np.random.Generator, canvas: Canvas, surface: str) -> None:
    """Draw worn cracks in one of the usual patterns, as they look on this surface."""
    if surface == "asphalt" or rng.random() < 0.15:
        groove(rng, canvas)
    else:
        hairline(rng, canvas)


def hairline(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draw fine cracks, about a pixel wide, that take a few dozen grey levels at most."""
    look = cracks.style(rng, canvas, float(rng.uniform(0.7, 1.7)))
    look = dataclasses.replace(look, drop=rng.uniform(12, 60), halo=look.halo * 0.4, lip=look.lip * 0.4)
    cracks.draw(rng, canvas, cracks.pattern(rng, canvas.n), look)


def groove(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draw open, weathered cracks: rims in light and shadow, dust inside, a broken dark line at the bottom."""
    n = canvas.n
    look = cracks.style(rng, canvas, float(np.exp(rng.uniform(np.log(3.5), np.log(13)))))
    body, core = sheet(n), sheet(n)
    count = int(rng.choice([1, 1, 1, 2]))
    for points, scale in cracks.pattern(rng, n)[: 8 if count > 1 else 3]:
        if len(points) < 4:
            continue
        widths = cracks.widths_along(rng, len(points), look, scale)
        stroke(body, points, widths)
        aside = (0.25 * widths * cracks.wave(rng, len(points), 9))[:, None]
        inner = np.clip(widths * rng.uniform(0.12, 0.35), 0.8, 3.5)
        inner[cracks.wave(rng, len(points), 6) > rng.uniform(-0.6, 1.8)] = 0
        stroke(core, (points + aside * np.array([0.7, 0.7])).astype(np.float32), inner.astype(np.float32))
        canvas.lines.append(Line(points, widths))
    alpha, bottom = shrink(body), shrink(core)
    _wear(rng, canvas, alpha, bottom)


def _wear(rng: np.random.Generator, canvas: Canvas, alpha: Field, bottom: Field) -> None:
    n = canvas.n
    before = canvas.pixels.mean(2)
    soft = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.6, 1.8))
    ragged = np.clip(soft + 0.25 * grain(rng, n, 1.0) * (4 * soft * (1 - soft)), 0, 1).astype(np.float32)
    dust = np.array([1.04, 1.0, 0.93], np.float32) * float(before.mean()) * rng.uniform(0.6, 1.12)
    texture = rng.uniform(2, 12) * grain(rng, n, rng.uniform(0.5, 1.6))
    canvas.stain(ragged * rng.uniform(0.35, 0.95), dust + texture[..., None])
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * cv2.Sobel(soft, cv2.CV_32F, 1, 0) + np.sin(angle) * cv2.Sobel(
        soft, cv2.CV_32F, 0, 1
    )
    canvas.add(rng.uniform(6, 42) * slope * np.clip(0.8 + 0.4 * smooth(rng, n, 8), 0, 1.5))
    if rng.random() < 0.8:
        level = canvas.pixels.mean(2)
        canvas.add(-bottom * np.minimum(rng.uniform(25, 110), 0.85 * level))
    change = np.abs(before - canvas.pixels.mean(2))
    canvas.trace = np.maximum(canvas.trace, change * (alpha > 0.3) + 4 * (alpha > 0.3))
    canvas.crack = np.maximum(canvas.crack, soft)
