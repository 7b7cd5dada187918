"""The skeleton of a slender mask as paths between the places where it forks."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.thinning import thin
from anomaly.tiling.groups import Groups
from anomaly.types import Mask

FREE = -1
"""The place of an end at which nothing else begins."""

Points = NDArray[np.float32]
"""Pixels in order: (N, 2), x then y."""

_NONE = -1

_Links = NDArray[np.intp]
"""Pairs of neighbouring skeleton pixels, by number: (N, 2)."""


@dataclass(frozen=True, slots=True)
class Path:
    """A stretch of skeleton, in pixels of the photograph, from place `start` to place `end`."""

    points: Points
    start: int
    end: int

    @property
    def length(self) -> float:
        """Pixels along it."""
        return float(np.hypot(*np.diff(self.points, axis=0).T).sum())

    @property
    def closed(self) -> bool:
        """Whether it is a loop: it ends next to where it begins."""
        apart = np.abs(self.points[0] - self.points[-1]).max()
        return bool(self.start == self.end == FREE and len(self.points) > 3 and apart <= 1)

    def reversed(self) -> "Path":
        """Return the same path from its other end."""
        return Path(self.points[::-1], self.end, self.start)


def paths(mask: Mask, width: float) -> list[Path]:
    """Return the skeleton of a mask about `width` pixels wide as paths between forks, without spurs.

    A spur is a path that only reaches from the axis to the edge. A loop is free at both ends.
    """
    every = _trace(mask)
    return [
        path for path in every if (path.start == FREE) == (path.end == FREE) or path.length >= width + 2.0
    ]


def simplified(every: list[Path], between: float) -> list[Path]:
    """Make one place of forks that lie closer than `between` pixels, and one path of two that just go on."""
    places = Groups(1 + max((max(path.start, path.end) for path in every), default=FREE))
    outer = []
    for path in every:
        if FREE not in (path.start, path.end) and path.length < between:
            places.join(path.start, path.end)
        else:
            outer.append(path)
    result = [
        Path(path.points, *(FREE if end == FREE else places.of(end) for end in (path.start, path.end)))
        for path in outer
    ]
    while True:
        degree = Counter(end for path in result for end in (path.start, path.end) if end != FREE)
        through = next((place for place, number in degree.items() if number == 2), None)
        if through is None:
            return result
        here = [path for path in result if through in (path.start, path.end)]
        result = [path for path in result if through not in (path.start, path.end)]
        result.append(_joined(here, through))


def _joined(here: list[Path], place: int) -> Path:
    if len(here) == 1:  # it begins and ends here
        return Path(here[0].points, FREE, FREE)
    one = here[0] if here[0].end == place else here[0].reversed()
    two = here[1] if here[1].start == place else here[1].reversed()
    return Path(np.concatenate([one.points, two.points]), one.start, two.end)


def _trace(mask: Mask) -> list[Path]:
    thinned = thin(np.pad(mask.bitmap.view(np.uint8), 2))
    y, x = np.nonzero(thinned)
    points = np.stack([x + (mask.x - 2), y + (mask.y - 2)], axis=1).astype(np.float32)
    links = _links(thinned, x, y)
    fork = np.bincount(links.ravel(), minlength=len(x)) >= 3
    ends = fork[links]
    place = _clusters(links[ends.all(axis=1)], np.flatnonzero(fork))
    onto: dict[int, list[int]] = {}
    for one, two in links[ends[:, 0] != ends[:, 1]].tolist():
        pixel, at = (one, two) if two in place else (two, one)
        onto.setdefault(pixel, []).append(at)
    before, after = _beside(links[~ends.any(axis=1)], len(x))
    tips = np.flatnonzero(~fork & (after == _NONE)).tolist()
    loops = np.flatnonzero(~fork & (after != _NONE)).tolist()
    walked: set[int] = set()
    found = []
    sides = before.tolist(), after.tolist()
    for first in (*tips, *loops):
        if first in walked:
            continue
        line = _walk(first, *sides)
        walked.update(line)
        head, tail = onto.get(line[0], []), onto.get(line[-1], [])
        if len(line) == 1:
            head, tail = head[:1], head[1:]
        start, end = (place[each[0]] if each else FREE for each in (head, tail))
        found.append(Path(points[[*head[:1], *line, *tail[:1]]], start, end))
    return found


def _beside(links: _Links, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the second neighbour of each pixel that has no more than two."""
    both = np.concatenate([links, links[:, ::-1]])
    first = np.full(count, _NONE, np.intp)
    first[both[:, 0]] = both[:, 1]  # the last one written stays
    other = both[first[both[:, 0]] != both[:, 1]]
    second = np.full(count, _NONE, np.intp)
    second[other[:, 0]] = other[:, 1]
    return first, second


def _walk(first: int, before: list[int], after: list[int]) -> list[int]:
    """Walk from a pixel to the end of its line, or once round its loop."""
    line, last, here = [first], first, before[first]
    while here not in (_NONE, first):
        line.append(here)
        last, here = here, before[here] if before[here] != last else after[here]
    return line


def _clusters(links: _Links, forks: NDArray[np.intp]) -> dict[int, int]:
    """Return for each fork pixel its place: fork pixels that touch are one."""
    number = {pixel: index for index, pixel in enumerate(forks.tolist())}
    places = Groups(len(number))
    for one, two in links.tolist():
        places.join(number[one], number[two])
    return {pixel: places.of(index) for pixel, index in number.items()}


def _links(thinned: NDArray[np.uint8], x: NDArray[np.intp], y: NDArray[np.intp]) -> _Links:
    """Pair each pixel with its neighbours; diagonal ones only where no third pixel joins the two."""
    number = np.full(thinned.shape, -1, np.intp)
    number[y, x] = np.arange(len(x))
    right, below = number[y, x + 1], number[y + 1, x]
    right_below, left_below, left = number[y + 1, x + 1], number[y + 1, x - 1], number[y, x - 1]
    own = np.arange(len(x))
    straight = (right, below)
    diagonal = (
        np.where((right < 0) & (below < 0), right_below, -1),
        np.where((left < 0) & (below < 0), left_below, -1),
    )
    return np.concatenate([np.stack([own, to], axis=1)[to >= 0] for to in (*straight, *diagonal)])
