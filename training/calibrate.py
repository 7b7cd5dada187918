"""Fit how the network's answers are read, on real photographs: an offset and two slopes, no weights."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.backends.components import Component
from anomaly.backends.starter.release import Calibration
from anomaly.types import Bitmap
from benchmarks.photographs import Labelled

NEAR_PIXELS = 5
"""A component's pixel is right within this distance of what a person marked."""

RIGHT_SHARE = 0.5
"""A component is a crack when this share of its pixels is right."""

RIDGE = 1e-2
"""Keeps the slopes finite where right and wrong can be told apart without error."""


def marked(photograph: Labelled) -> Bitmap:
    """Return the pixels on or near a marked crack, or in a box of one: (H, W) bool."""
    near = photograph.crack.astype(np.uint8)
    for box in photograph.boxes:
        near[int(box.y_min) : int(np.ceil(box.y_max)), int(box.x_min) : int(np.ceil(box.x_max))] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR_PIXELS + 1, 2 * NEAR_PIXELS + 1))
    return np.asarray(cv2.dilate(near, disc) > 0)


def right(component: Component, near: Bitmap) -> bool:
    """Tell whether a component is a marked crack; `near` is of the whole photograph."""
    height, width = component.bitmap.shape
    window = near[component.y : component.y + height, component.x : component.x + width]
    return bool(window[component.bitmap].mean() >= RIGHT_SHARE)


def features(found: Sequence[Component]) -> NDArray[np.float64]:
    """Return (N, 3): one, logit of the peak, logarithm of the length in pixels."""
    peak = np.clip([one.peak for one in found], 1e-4, 1 - 1e-4)
    length = np.array([one.length_pixels for one in found])
    return np.stack([np.ones(len(found)), np.log(peak / (1 - peak)), np.log(length)], 1)


def fit(found: Sequence[Component], truth: Sequence[bool], weights: Sequence[float]) -> Calibration:
    """Fit the calibration by weighted logistic regression (Newton's method), slopes never negative."""
    x, y, w = features(found), np.array(truth, float), np.array(weights, float)
    used = np.ones(3, bool)
    full = np.zeros(3)
    for _ in range(3):
        full = np.zeros(3)
        full[used] = _newton(x[:, used], y, w)
        if (full[1:] >= 0).all():
            break
        used[1:] &= full[1:] >= 0
    return Calibration(*(round(float(value), 4) for value in full))


def _newton(x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-x @ beta))
        slope = x.T @ (w * (y - chance)) - RIDGE * beta
        bend = (x * (w * chance * (1 - chance))[:, None]).T @ x + RIDGE * np.eye(x.shape[1])
        step = np.linalg.solve(bend, slope)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return beta
