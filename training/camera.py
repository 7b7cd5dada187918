"""From the scene to the file: viewpoint, light, lens, sensor, resizing and compression."""

import cv2
import numpy as np

from training.canvas import Canvas
from training.noise import Field, Pixels, smooth


def viewpoint(rng: np.random.Generator, canvas: Canvas, n: int) -> None:
    """Turn, stretch, tilt and bend the picture, then cut it to `n` x `n` pixels; the truth goes with it."""
    side = canvas.n
    turn = rng.normal(0, 0.12) if rng.random() < 0.8 else rng.uniform(-np.pi, np.pi)
    scale = float(np.exp(rng.uniform(-0.15, 0.35)))
    stretch = float(np.exp(rng.normal(0, 0.12)))
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32) - n / 2
    tilt = rng.normal(0, 0.22, 2) / n
    depth = np.clip(1 + tilt[0] * xs + tilt[1] * ys, 0.6, 1.6)
    x, y = xs / depth / scale * stretch, ys / depth / scale / stretch
    far = side / 2
    map_x = np.cos(turn) * x - np.sin(turn) * y + far
    map_y = np.sin(turn) * x + np.cos(turn) * y + far
    if rng.random() < 0.5:
        bend = rng.uniform(0, 1.6)
        map_x = map_x + bend * smooth(rng, n, rng.uniform(20, 80))
        map_y = map_y + bend * smooth(rng, n, rng.uniform(20, 80))
    warp = (map_x.astype(np.float32), map_y.astype(np.float32))
    canvas.pixels = cv2.remap(canvas.pixels, *warp, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    canvas.crack = cv2.remap(canvas.crack, *warp, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    canvas.trace = cv2.remap(canvas.trace, *warp, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def crop(rng: np.random.Generator, canvas: Canvas, n: int, upright: bool) -> None:
    """Cut `n` x `n` pixels out of the picture, mirrored and, unless `upright`, turned by quarter turns."""
    y, x = rng.integers(0, canvas.n - n + 1, 2)
    turns, flip = 0 if upright else int(rng.integers(0, 4)), rng.random() < 0.5
    for name in ("pixels", "crack", "trace"):
        piece = np.rot90(getattr(canvas, name)[y : y + n, x : x + n], turns)
        setattr(canvas, name, np.ascontiguousarray(piece[:, ::-1] if flip else piece))


def _light(rng: np.random.Generator, n: int) -> Field:
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32) / n - 0.5
    angle = rng.uniform(0, 6.3)
    light = 1 + rng.uniform(0, 0.45) * (np.cos(angle) * xs + np.sin(angle) * ys)
    if rng.random() < 0.25:
        spot = rng.uniform(-0.6, 0.6, 2)
        far = (xs - spot[0]) ** 2 + (ys - spot[1]) ** 2
        light = light * (
            rng.uniform(0.25, 0.9) + rng.uniform(0.3, 1.0) * np.exp(-far / rng.uniform(0.08, 0.6))
        )
    return light.astype(np.float32)


def _lens(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    n = pixels.shape[0]
    if rng.random() < 0.75:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(np.clip(rng.gamma(2, 0.3), 0.3, 2.4)))
    if rng.random() < 0.08:
        length, angle = rng.uniform(2, 7), rng.uniform(0, np.pi)
        kernel = np.zeros((9, 9), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        cv2.line(
            kernel, tuple((4.5 - reach).astype(int).tolist()), tuple((4.5 + reach).astype(int).tolist()), 1.0
        )
        pixels = cv2.filter2D(pixels, -1, kernel / kernel.sum())
    if rng.random() < 0.12:
        small = max(64, int(n * rng.uniform(0.35, 0.8)))
        little = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(
            little, (n, n), interpolation=cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_LINEAR
        )
    if rng.random() < 0.35:
        soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.7, 2))
        pixels = pixels + np.float32(rng.uniform(0.2, 1.5)) * (pixels - soft)
    return pixels


def take(rng: np.random.Generator, pixels: Pixels) -> np.ndarray:
    """Return the photograph of a scene: (n, n, 3) uint8 RGB."""
    n = pixels.shape[0]
    pixels = pixels * _light(rng, n)[..., None]
    exposure = float(np.exp(rng.normal(0, 0.22)))
    pixels = _lens(rng, np.clip(pixels * np.float32(exposure), 0, 300).astype(np.float32))
    pixels = pixels * (1 + rng.normal(0, 0.05, 3)).astype(np.float32)
    level = cv2.pow(np.clip(pixels * np.float32(1 / 255), 0, 1), float(np.exp(rng.normal(0, 0.2))))
    middle = float(level.mean())
    level = np.clip(
        (level - np.float32(middle)) * np.float32(np.exp(rng.normal(0.05, 0.18))) + np.float32(middle), 0, 1
    )
    if rng.random() < 0.06:
        level = np.repeat((level @ np.array([0.3, 0.59, 0.11], np.float32))[..., None], 3, 2)
    elif rng.random() < 0.06:
        level = level[..., rng.permutation(3)]
    shot = rng.gamma(1.5, 0.009)
    noisy = level + (np.float32(shot) * (np.float32(0.4) + level)) * rng.standard_normal(
        (n, n, 1), dtype=np.float32
    )
    if rng.random() < 0.5:
        noisy = noisy + np.float32(rng.uniform(0, 0.02)) * rng.standard_normal(level.shape, dtype=np.float32)
    image = np.clip(noisy * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.85:
        quality = int(rng.integers(35, 97))
        _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(image)
