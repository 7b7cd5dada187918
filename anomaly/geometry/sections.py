"""Cross-sections of a defect: how far its edges lie to the left and to the right of a line."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.shape import Points, Shape

_REACH = 1.7
"""Radii to either side in which an edge is looked for."""


@dataclass(frozen=True, slots=True)
class Sections:
    """Per point of a line: the unit `normal` (N, 2), the distances `left` (against the normal) and `right`
    (along it) to the edges, pixels, and whether each edge was found and is not the photograph's."""

    normal: Points
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    has_left: NDArray[np.bool_]
    has_right: NDArray[np.bool_]


def cut(shape: Shape, line: Points, step: float, radius: float) -> Sections:
    """Cut `shape` across an evenly spaced `line` (N, 2). `step` is its spacing, `radius` half the greatest width.

    Edges are where the bilinear mask, averaged a little along the line, falls under a half.
    """
    tangent = np.empty_like(line)
    tangent[1:-1] = line[2:] - line[:-2]
    tangent[0], tangent[-1] = line[1] - line[0], line[-1] - line[-2]
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    normal = np.empty_like(line)
    normal[:, 0], normal[:, 1] = -tangent[:, 1], tangent[:, 0]
    delta = max(0.5, radius / 10)
    half = int(np.ceil((_REACH * radius + 2.0) / delta))
    offset = (np.arange(-half, half + 1) * delta).astype(np.float32)
    flat, across = line.astype(np.float32), normal.astype(np.float32)
    x, y = (flat[:, i, None] + across[:, i, None] * offset for i in (0, 1))
    profile = np.asarray(
        cv2.remap(shape.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8
    )
    along = int(max(1.0, min(radius * 0.5, 6.0)) / step) | 1
    if along > 1:
        profile = np.asarray(cv2.blur(profile, (1, along), borderType=cv2.BORDER_REPLICATE), np.uint8)
    left, has_left = _edge(profile[:, half::-1], delta)
    right, has_right = _edge(profile[:, half:], delta)
    if shape.frame is not None:
        has_left &= shape.frame.holds(line - normal * left[:, None], 0.75)
        has_right &= shape.frame.holds(line + normal * right[:, None], 0.75)
    return Sections(normal, left, right, has_left, has_right)


def _edge(outwards: NDArray[np.uint8], delta: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how far along each row the first fall under a half lies, and whether there is one."""
    first = (outwards < 128).argmax(axis=1)
    before = np.maximum(first - 1, 0)
    rows = np.arange(len(outwards))
    high, low = outwards[rows, before].astype(np.float64), outwards[rows, first].astype(np.float64)
    return (before + (high - 127.5) / np.maximum(high - low, 1.0)) * delta, first > 0
