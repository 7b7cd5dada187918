"""Two lines that cross in one mask are two lines: at a crossing a line goes straight on."""

from dataclasses import dataclass
from itertools import combinations
from math import hypot, radians, tan

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.tiling.groups import Groups
from anomaly.tiling.line import thickness, turn_degrees
from anomaly.tiling.paths import FREE, Path, Points, paths, simplified
from anomaly.tiling.piece import tight
from anomaly.types import Mask

_STRAIGHT_DEGREES = 30.0


@dataclass(frozen=True, slots=True)
class _Arm:
    """Path `number` as it leaves a place: `points` begin there. `half` is half of its width, pixels."""

    number: int
    from_start: bool
    points: Points
    length: float
    half: float
    heading: tuple[float, float]

    def reach(self, distance: float) -> int:
        """Return the number of its first point that is so many pixels away from the place."""
        away = np.hypot(*(self.points - self.points[0]).T)
        return int(np.argmax(away >= min(distance, float(away.max()))))


def split(mask: Mask) -> list[Mask]:
    """Return the lines that cross in a slender mask, or the mask alone if none do.

    A crossing is a place where four arms meet, each longer than four widths, that make two straight
    pairs (turn under 30 degrees). A fork, where three arms meet, belongs to one crack; so do more
    than four, and arms that come together again elsewhere. The pixels of the crossing belong to both.
    """
    width = thickness(mask.bitmap)
    lines = simplified(paths(mask, width), 4.0 * width + 4.0)
    places = {end for path in lines for end in (path.start, path.end) if end != FREE}
    if not places:
        return [mask]
    to_edge = _to_edge(mask)
    strands = Groups(len(lines))
    kept = [np.ones(len(path.points), np.bool_) for path in lines]
    chords: list[tuple[int, Points]] = []
    for place in places:
        arms = _arms(lines, place, width, mask, to_edge)
        pairs = _straight_pairs(arms, width)
        for one, two in pairs or combinations(arms, 2):
            strands.join(one.number, two.number)
        clear = _clearance(pairs)
        for pair in pairs:
            starts = [arm.reach(clear) for arm in pair]
            for arm, start in zip(pair, starts, strict=True):
                inner = slice(None, start) if arm.from_start else slice(len(arm.points) - start, None)
                kept[arm.number][inner] = False
            ends = [arm.points[start] for arm, start in zip(pair, starts, strict=True)]
            chords.append((pair[0].number, np.stack(ends)))
    drawn: dict[int, list[Points]] = {}
    for number, chord in chords:
        drawn.setdefault(strands.of(number), []).append(chord)
    if len(drawn) < 2:
        return [mask]
    for number, (path, keep) in enumerate(zip(lines, kept, strict=True)):
        if strands.of(number) in drawn:
            drawn[strands.of(number)].append(path.points[keep])
    return _parted(mask, list(drawn.values()), to_edge)


def _arms(
    lines: list[Path], place: int, width: float, mask: Mask, to_edge: NDArray[np.float32]
) -> list[_Arm]:
    return [
        _Arm(
            number,
            path is line,
            path.points,
            path.length,
            _half_width(path.points, mask, to_edge),
            _heading(path.points, width),
        )
        for number, line in enumerate(lines)
        for path in (line, line.reversed())
        if path.start == place
    ]


def _heading(points: Points, width: float) -> tuple[float, float]:
    """Return the unit vector in which an arm leaves, past what the crossing itself bends."""
    away = np.hypot(*(points - points[0]).T)
    near, far = (int(np.argmax(away >= min(reach, away.max()))) for reach in (width, 6.0 * width + 6.0))
    dx, dy = (float(each) for each in points[far] - points[near])
    norm = hypot(dx, dy) or 1.0
    return dx / norm, dy / norm


def _straight_pairs(arms: list[_Arm], width: float) -> list[tuple[_Arm, _Arm]]:
    """Return the two pairs of arms that go straight on, or nothing where the place is no crossing."""
    if len(arms) != 4 or any(arm.length < 4.0 * width for arm in arms):
        return []
    a, b, c, d = arms
    for pairs in ([(a, b), (c, d)], [(a, c), (b, d)], [(a, d), (b, c)]):
        if all(
            turn_degrees((-one.heading[0], -one.heading[1]), two.heading) < _STRAIGHT_DEGREES
            for one, two in pairs
        ):
            return pairs
    return []


def _clearance(pairs: list[tuple[_Arm, _Arm]]) -> float:
    """Return how far from a crossing its arms are apart, so that each has an axis of its own."""
    if not pairs:
        return 0.0
    (a, b), (c, d) = pairs
    angle = min(turn_degrees(one.heading, two.heading) for one in (a, b) for two in (c, d))
    half = max(arm.half for arm in (a, b, c, d))
    return half / tan(radians(max(angle, 10.0)) / 2.0) + half


def _to_edge(mask: Mask) -> NDArray[np.float32]:
    framed = cv2.copyMakeBorder(mask.bitmap.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 3), np.float32)[1:-1, 1:-1]


def _half_width(points: Points, mask: Mask, to_edge: NDArray[np.float32]) -> float:
    """Return half of the width: the edge lies half a pixel before the first pixel that is not set."""
    x, y = np.rint(points - (mask.x, mask.y)).astype(np.intp).T
    return max(1.0, float(np.median(to_edge[y, x])) - 0.5)


def _parted(mask: Mask, lines: list[list[Points]], to_edge: NDArray[np.float32]) -> list[Mask]:
    """Give each pixel to every line that it is part of the breadth of; if of none, to the nearest flank."""
    beyond = [
        _distance(mask, line) - np.float32(_half_width(np.concatenate(line), mask, to_edge)) for line in lines
    ]
    least = np.minimum.reduce(beyond)
    parts = []
    for each in beyond:
        bitmap = mask.bitmap & ((each <= 0) | (each <= least))
        part = tight(Mask(bitmap, mask.x, mask.y, mask.score, mask.cell_pixels))
        if part is not None:
            parts.append(part)
    return parts


def _distance(mask: Mask, lines: list[Points]) -> NDArray[np.float32]:
    """Return the distance of every pixel to the nearest line."""
    ground = np.ones(mask.bitmap.shape, np.uint8)
    local = [np.rint(points - (mask.x, mask.y)).astype(np.int32) for points in lines]
    cv2.polylines(ground, local, False, 0, 1)
    return np.asarray(cv2.distanceTransform(ground, cv2.DIST_L2, 3), np.float32)
