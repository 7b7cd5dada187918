"""Shapes set pixel by pixel, and their principal axes."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.masks.curves import Points, arc_length, normals_of


class Canvas:
    """Collects convex pieces and discs; `draw` sets the pixels whose centres lie in any of them."""

    def __init__(self) -> None:
        self.pieces: list[Points] = []
        self.discs: list[tuple[float, float, float]] = []

    def ribbon(self, points: Points, left: Points, right: Points, normals: Points | None = None) -> None:
        """Add the pieces between consecutive points, so far to the `left` and to the `right` of them."""
        normal = normals_of(points) if normals is None else normals
        a, b = points + normal * left[:, None], points - normal * right[:, None]
        for i in range(len(points) - 1):
            self.pieces.append(np.array([a[i], a[i + 1], b[i + 1], b[i]]))

    def disc(self, centre: Points, radius: float) -> None:
        """Add a disc."""
        self.discs.append((float(centre[0]), float(centre[1]), radius))

    def extent(self) -> Points:
        """Return the lowest and the highest x and y of all, (2, 2)."""
        low = [p.min(axis=0) for p in self.pieces] + [np.array([x - r, y - r]) for x, y, r in self.discs]
        high = [p.max(axis=0) for p in self.pieces] + [np.array([x + r, y + r]) for x, y, r in self.discs]
        return np.array([np.min(low, axis=0), np.max(high, axis=0)])

    def draw(self, width: int, height: int) -> NDArray[np.bool_]:
        """Return the mask, (height, width) bool."""
        mask = np.zeros((height, width), bool)
        for piece in self.pieces:
            window = pixels_between(piece.min(axis=0), piece.max(axis=0), width, height)
            if window is None:
                continue
            rows, columns, x, y = window
            edge = np.roll(piece, -1, axis=0) - piece
            side = [e[0] * (y - p[1]) - e[1] * (x - p[0]) for p, e in zip(piece, edge, strict=True)]
            mask[rows, columns] |= np.logical_and.reduce([s >= 0 for s in side])
            mask[rows, columns] |= np.logical_and.reduce([s <= 0 for s in side])
        for cx, cy, r in self.discs:
            window = pixels_between(np.array([cx - r, cy - r]), np.array([cx + r, cy + r]), width, height)
            if window is not None:
                rows, columns, x, y = window
                mask[rows, columns] |= (x - cx) ** 2 + (y - cy) ** 2 <= r * r
        return mask


def pixels_between(
    low: Points, high: Points, width: int, height: int
) -> tuple[slice, slice, Points, Points] | None:
    """Return the rows and columns of a frame between two corners, and the x and y of their pixels; None outside."""
    x0, y0 = max(0, int(np.floor(low[0]))), max(0, int(np.floor(low[1])))
    x1, y1 = min(width, int(np.ceil(high[0])) + 1), min(height, int(np.ceil(high[1])) + 1)
    if x0 >= x1 or y0 >= y1:
        return None
    x, y = np.meshgrid(np.arange(x0, x1, dtype=float), np.arange(y0, y1, dtype=float))
    return slice(y0, y1), slice(x0, x1), x, y


def axis_of(points: Points, weight: Points) -> float:
    """Return the principal axis of weighted points, degrees, counter-clockwise as seen on the screen."""
    centred = points - np.average(points, axis=0, weights=weight)
    xx, yy, xy = (np.sum(weight * centred[:, i] * centred[:, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    return float(np.degrees(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180)


def area_of(points: Points, width: Points) -> tuple[Points, Points]:
    """Sample a ribbon's own area: points across it and their weights, for the principal axis."""
    at = arc_length(points)
    weight = np.gradient(at) * width
    normal = normals_of(points)
    across = np.linspace(-0.5, 0.5, 15)
    spread = points[:, None] + normal[:, None] * (across[None, :, None] * width[:, None, None])
    return spread.reshape(-1, 2), np.repeat(weight, 15)
