"""Which line goes on where another one ends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from anomaly.tiling.evidence import TOUCH, Sight, slack
from anomaly.tiling.line import Tip, turn_degrees
from anomaly.tiling.piece import is_empty, shared, view_of

MOST_TURN_DEGREES = 30.0
"""By how much a line may turn across a gap."""

MOST_GAP_WIDTHS = 3.0
"""How wide a gap a line may leave, in its own widths."""

_SHARPEST_DEGREES = 100.0  # a turn at a mere touch: a zigzag has it, a hairpin is two cracks side by side


@dataclass(frozen=True, slots=True)
class Link:
    """Tips `start` and `end` of pieces `first` and `second` that continue each other."""

    first: int
    second: int
    start: Tip
    end: Tip
    turn_degrees: float


Neighbours = Sequence[Sequence[int]]
"""For each part the numbers of those that lie near it."""


def links(sights: Sequence[Sight], neighbours: Neighbours, group: Callable[[int], int]) -> list[Link]:
    """Pair the tips that continue each other across views, the straightest first, each tip once.

    Two tips continue each other if they touch within `TOUCH` pixels, or leave a gap under three widths
    and turn by less than 30 degrees, both at the gap and into it. Where another piece of its
    group goes on beyond a tip, the object does not end there. `group` tells a piece's group.
    """
    free = {
        index: [tip for tip in sights[index].tips if not _goes_on(index, tip, sights, neighbours, group)]
        for index in range(len(sights))
        if any(_may_join(index, other, sights, group) for other in neighbours[index])
    }
    found = [
        link
        for index, ends in free.items()
        for other in neighbours[index]
        if index < other and other in free and _may_join(index, other, sights, group)
        for start in ends
        for end in free[other]
        for link in _link(index, start, other, end, sights)
    ]
    found += [
        link
        for index, ends in free.items()
        for other in neighbours[index]
        if not sights[other].line and _may_join(index, other, sights, group)
        for tip in ends
        for link in _onto_stub(index, tip, other, sights)
    ]
    found.sort(key=lambda link: link.turn_degrees)
    used: set[int] = set()
    chosen = []
    for link in found:
        ends_of = {id(link.start), id(link.end)}
        if not ends_of & used:
            used |= ends_of
            chosen.append(link)
    return chosen


def touching(
    sights: Sequence[Sight], neighbours: Neighbours, group: Callable[[int], int]
) -> Iterator[tuple[int, int]]:
    """Yield the pieces of which one, cut off by its view's border, runs into the other's flank there."""
    for index, each in enumerate(sights):
        others = [other for other in neighbours[index] if _may_join(index, other, sights, group)]
        if not others:
            continue
        for tip in each.tips:
            if not _at_border(each, tip) or _goes_on(index, tip, sights, neighbours, group):
                continue
            for other in others:
                if _runs_into(sights[other], tip, each.width / 2 + TOUCH):
                    yield index, other
                    break


def _link(index: int, start: Tip, other: int, end: Tip, sights: Sequence[Sight]) -> Iterator[Link]:
    width = (sights[index].width + sights[other].width) / 2
    touch = TOUCH + max(slack(sights[index].mask), slack(sights[other].mask)) - 2
    apart = hypot(end.x - start.x, end.y - start.y)
    gap = max(0.0, apart - width)
    turn = turn_degrees((start.dx, start.dy), (-end.dx, -end.dy))
    if gap <= touch:
        if turn <= _SHARPEST_DEGREES:
            yield Link(index, other, start, end, turn)
    elif gap < MOST_GAP_WIDTHS * width:
        bridge = ((end.x - start.x) / apart, (end.y - start.y) / apart)
        into, out = turn_degrees((start.dx, start.dy), bridge), turn_degrees(bridge, (-end.dx, -end.dy))
        turn = max(turn, into, out)
        if turn < MOST_TURN_DEGREES:
            yield Link(index, other, start, end, turn)


def _onto_stub(index: int, tip: Tip, other: int, sights: Sequence[Sight]) -> Iterator[Link]:
    """Link a tip to a piece too short to have tips of its own, where it lies straight ahead."""
    width, stub = sights[index].width, sights[other]
    offsets = _around(stub, tip, MOST_GAP_WIDTHS * width + width / 2)
    if not len(offsets) or stub.width > MOST_GAP_WIDTHS * width:
        return
    dx, dy = (float(value) for value in offsets.mean(axis=0))  # the nearest pixel is a corner of the stub
    norm = hypot(dx, dy)
    met = float(np.hypot(*offsets.T).min()) <= TOUCH
    turn = 0.0 if met else turn_degrees((tip.dx, tip.dy), (dx / norm, dy / norm))
    if turn < MOST_TURN_DEGREES:
        yield Link(index, other, tip, Tip(tip.x + dx, tip.y + dy, -tip.dx, -tip.dy), turn)


def _may_join(index: int, other: int, sights: Sequence[Sight], group: Callable[[int], int]) -> bool:
    return group(index) != group(other) and sights[index].view != sights[other].view


def _goes_on(
    index: int, tip: Tip, sights: Sequence[Sight], neighbours: Neighbours, group: Callable[[int], int]
) -> bool:
    """Whether another piece of the group continues where this one ends; one that ends there too does not."""
    ahead = sights[index].width / 2 + 2 * TOUCH
    beyond = replace(tip, x=tip.x + ahead * tip.dx, y=tip.y + ahead * tip.dy)
    return any(
        group(other) == group(index) and _is_on(sights[other], beyond, TOUCH) for other in neighbours[index]
    )


def _is_on(each: Sight, tip: Tip, radius: float) -> bool:
    return len(_around(each, tip, radius)) > 0


def _runs_into(each: Sight, tip: Tip, radius: float) -> bool:
    offsets = _around(each, tip, radius)
    ahead = offsets @ (tip.dx, tip.dy)
    return bool((ahead >= 0.5 * np.hypot(*offsets.T)).any())


def _around(each: Sight, tip: Tip, radius: float) -> NDArray[np.float64]:
    """Return where the mask's pixels within `radius` of a tip lie, seen from it: (N, 2), x then y."""
    x0, y0 = int(np.floor(tip.x - radius)), int(np.floor(tip.y - radius))
    region = shared(each.region, (x0, y0, int(np.ceil(tip.x + radius)) + 1, int(np.ceil(tip.y + radius)) + 1))
    if is_empty(region):
        return np.empty((0, 2))
    rows, columns = np.nonzero(view_of(each.mask, region))
    offsets = np.stack([columns + (region[0] - tip.x), rows + (region[1] - tip.y)], axis=1)
    return np.asarray(offsets[np.hypot(*offsets.T) <= radius])


def _at_border(each: Sight, tip: Tip) -> bool:
    x0, y0, x1, y1 = each.view
    return min(tip.x - x0, tip.y - y0, x1 - 1 - tip.x, y1 - 1 - tip.y) <= each.width + TOUCH
