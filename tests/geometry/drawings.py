"""Shapes whose measures are known."""

import math

import cv2
import numpy as np

from anomaly.types import Bitmap


def bar(length: float, width: float, degrees: float = 0.0, size: int = 300) -> Bitmap:
    """Return a bar through the middle of a square array, turned counter-clockwise as seen."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2 + 0.25
    turn = math.radians(degrees)
    along, across = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    return (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)


def drawn(points: list[tuple[float, float]], width: int, size: int = 400, closed: bool = False) -> Bitmap:
    """Return a polyline drawn by OpenCV, with round corners and round ends."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.polylines(canvas, [np.rint(points).astype(np.int32)], closed, 1, width)
    return canvas.view(np.bool_)
