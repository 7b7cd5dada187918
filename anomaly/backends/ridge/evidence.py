"""Lines from their pixels: which pieces continue one another, what speaks for a crack, and the score."""

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from anomaly.backends.ridge.bank import DIRECTIONS, UNIT, Grey, Response
from anomaly.backends.ridge.zones import Zones

FEWEST = 12
"""Pixels of centre line that a line has at least."""

LONGEST_GAP = 40.0
"""Pixels between the ends of two pieces of one crack, at most; and no more than a third of the shorter one."""

_TOUCHING = 5.0
_TURN = math.cos(math.radians(30))
_END = 15
_FLANKS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of each line: (N,) float64 each.

    `extent` from end to end, pixels; `strength`, mean, in times the usual response around; `evenness`, 1 where
    both flanks are equally bright and 0 for a step; `wander`, the distance from a straight line (standard
    deviation) as a share of the extent.
    """

    extent: Floats
    strength: Floats
    evenness: Floats
    wander: Floats


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Pieces of centre line, N of them: `extent` and `wander` as in `Evidence`, `ends` (N, 2, 2) xy.

    `outward` (N, 2, 2) are unit vectors that lead out of the two ends.
    """

    extent: Floats
    wander: Floats
    ends: Floats
    outward: Floats


def weigh(grey: Grey, response: Response, zones: Zones) -> tuple[NDArray[np.int64], Evidence]:
    """Return for each of the zones the number of its line, -1 for none, and the evidence for each line."""
    width = grey.shape[1]
    on, across = _centres(response, zones)
    label, flat = zones.label[on], zones.flat[on]
    enough = np.bincount(label, minlength=zones.count) >= FEWEST
    number = np.where(enough, np.cumsum(enough) - 1, -1)
    count = int(enough.sum())
    if not count:
        return number, Evidence(*(np.zeros(0) for _ in fields(Evidence)))
    kept = enough[label]
    label, flat, across = number[label[kept]], flat[kept], across[:, kept]
    y, x = np.divmod(flat, width)
    pieces = _pieces(label, count, x, y)
    groups, group = _joined(pieces)
    aside = across * (_FLANKS * np.exp2(response.octave.ravel()[flat]))
    darker, brighter = _flanks(grey, x, y, aside)
    line = group[label]
    pixels = np.bincount(line, minlength=groups)
    extent = np.asarray(np.bincount(group, pieces.extent, groups), np.float64)
    evidence = Evidence(
        extent=extent,
        strength=np.bincount(line, response.strength.ravel()[flat] / UNIT, groups) / pixels,
        evenness=np.clip(
            np.bincount(line, darker, groups) / np.maximum(np.bincount(line, brighter, groups), pixels), 0, 1
        ),
        wander=np.bincount(group, pieces.wander * pieces.extent, groups) / extent,
    )
    return np.where(enough, group[number], -1), evidence


def score(evidence: Evidence) -> Floats:
    """Return how much speaks for a crack, (N,) 0..1: rises with length, strength, and evenness of the flanks.

    A logistic sum; dead straight lines (joints, edges, shadows) lose. The weights are round numbers set by
    hand, so that 0.3 is a sensible threshold.
    """
    total = (
        -2.8
        + 0.8 * np.log(evidence.extent / 50)
        + 0.7 * np.log(evidence.strength / 5)
        + 4.0 * (np.minimum(evidence.evenness, 0.8) - 0.5)
        + 0.5 * np.minimum(evidence.wander * 100, 1.2)
    )
    result: Floats = 1 / (1 + np.exp(-total))
    return result


def _centres(response: Response, zones: Zones) -> tuple[NDArray[np.int64], Floats]:
    """Return which of the zones' pixels are strongest across their line, and the unit vectors across, (2, N)."""
    height, width = response.strength.shape
    y, x = np.divmod(zones.flat, width)
    angle = response.direction.ravel()[zones.flat] * (math.pi / DIRECTIONS)
    across = np.stack([-np.sin(angle), np.cos(angle)])
    dx, dy = np.rint(across).astype(np.int64)
    here = response.strength.ravel()[zones.flat]
    one, other = (
        response.strength[np.clip(y + s * dy, 0, height - 1), np.clip(x + s * dx, 0, width - 1)]
        for s in (1, -1)
    )
    on = np.flatnonzero((here >= one) & (here > other))
    return on, across[:, on]


def _flanks(grey: Grey, x: NDArray[np.int64], y: NDArray[np.int64], aside: Floats) -> tuple[Floats, Floats]:
    """Return by how much the darker and the brighter flank exceed each pixel, grey levels."""
    height, width = grey.shape
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.uint8)
    dx, dy = np.rint(aside).astype(np.int64)
    one, other = (
        smooth[np.clip(y + s * dy, 0, height - 1), np.clip(x + s * dx, 0, width - 1)].astype(np.float64)
        - smooth[y, x]
        for s in (1, -1)
    )
    return np.minimum(one, other), np.maximum(one, other)


def _pieces(label: NDArray[np.int64], count: int, x: NDArray[np.int64], y: NDArray[np.int64]) -> _Pieces:
    """Lay a straight line through the pixels of each label (principal axis) and take them in its order."""

    def total(values: Floats | NDArray[np.int64]) -> Floats:
        return np.asarray(np.bincount(label, values, count), np.float64)

    pixels = np.bincount(label, minlength=count)
    u, v = x - (total(x) / pixels)[label], y - (total(y) / pixels)[label]
    axis = (0.5 * np.arctan2(2 * total(u * v), total(u * u) - total(v * v)))[label]
    along, aside = u * np.cos(axis) + v * np.sin(axis), v * np.cos(axis) - u * np.sin(axis)
    order = np.lexsort((along, label))
    last = np.cumsum(pixels) - 1
    first = last - pixels + 1
    step = np.minimum(_END, pixels - 1)
    points, along = np.stack([x, y], axis=1).astype(np.float64)[order], along[order]
    ends = np.stack([points[first], points[last]], axis=1)
    outward = ends - np.stack([points[first + step], points[last - step]], axis=1)
    outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-9)
    extent = along[last] - along[first] + 1
    wander = np.sqrt(total(aside * aside) / pixels) / extent
    return _Pieces(extent, wander, ends, outward)


def _joined(pieces: _Pieces) -> tuple[int, NDArray[np.int64]]:
    """Group the pieces whose ends touch, or lie opposite each other across a gap in either's direction."""
    count = len(pieces.extent)
    tips, ways = pieces.ends.reshape(-1, 2), pieces.outward.reshape(-1, 2)
    pairs = cKDTree(tips).query_pairs(LONGEST_GAP, output_type="ndarray")
    owner = pairs // 2
    pairs, owner = pairs[owner[:, 0] != owner[:, 1]], owner[owner[:, 0] != owner[:, 1]]
    gap = tips[pairs[:, 1]] - tips[pairs[:, 0]]
    distance = np.linalg.norm(gap, axis=1)
    ahead = (ways[pairs[:, 0]] * gap).sum(1) > _TURN * distance
    behind = -(ways[pairs[:, 1]] * gap).sum(1) > _TURN * distance
    near = distance <= pieces.extent[owner].min(axis=1, initial=np.inf) / 3
    linked = owner[(distance <= _TOUCHING) | (ahead & behind & near)]
    graph = coo_array((np.ones(len(linked)), (linked[:, 0], linked[:, 1])), shape=(count, count))
    groups, group = connected_components(graph, directed=False)
    return int(groups), group.astype(np.int64)
