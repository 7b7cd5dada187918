"""Which structure holds a defect. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.types import Box, Mask, Structure

# A crack that leaves its beam for a few pixels still is the beam's; one that only touches it is not.
_HELD_FROM = 0.5
_TOUCHED_FROM = 0.1
# Two structures that hold a defect about equally: a bearing drawn inside its girder, say.
_TIE = 0.05


@dataclass(frozen=True, slots=True)
class Held:
    """The structure that holds a defect, and how much of the defect, 0..1, lies on it.

    `uncertain`: less than half of the defect does.
    """

    structure: Structure
    ioa: float
    uncertain: bool


def structures_of(
    defects: Sequence[tuple[Box, Mask | None]], structures: Sequence[Structure]
) -> list[Held | None]:
    """Return what `structure_of` says of each defect; only of those that lie near one another is it asked."""
    if not structures:
        return [None] * len(defects)
    places = [(*_bounds(each.box, each.mask), each) for each in structures]
    held = []
    for box, mask in defects:
        x_min, y_min, x_max, y_max = _bounds(box, mask)
        near = [
            each
            for left, top, right, bottom, each in places
            if left < x_max and x_min < right and top < y_max and y_min < bottom
        ]
        held.append(structure_of(box, mask, near) if near else None)
    return held


def structure_of(box: Box, mask: Mask | None, structures: Sequence[Structure]) -> Held | None:
    """Return the structure that holds a defect, None where none does.

    The measure is the share of the defect that lies on the structure, |defect n structure| / |defect|, on
    masks where both have one and on boxes otherwise; never the IoU, which a small defect on a large member
    fails. From 0.5 the structure holds it; from 0.1 it does so uncertainly; below, nothing is said. Among
    structures that are equally certain and within 0.05 of the best, the smallest is the most specific.
    """
    shares = _shares(box, mask, structures)
    if not shares:
        return None
    best = max(share for share, _ in shares)
    least = max(best - _TIE, _HELD_FROM if best >= _HELD_FROM else _TOUCHED_FROM)
    near = [(share, each) for share, each in shares if share >= least]
    if len(near) == 1:
        [(share, smallest)] = near
    else:
        masked = all(_has_pixels(each.mask) for _, each in near)
        share, smallest = min(near, key=lambda pair: (_area(pair[1], masked=masked), -pair[0]))
    return Held(smallest, share, share < _HELD_FROM)


def _shares(box: Box, mask: Mask | None, structures: Sequence[Structure]) -> list[tuple[float, Structure]]:
    """Return the structures on which at least a tenth of the defect lies, each with how much of it does."""
    x_min, y_min, x_max, y_max = box
    area, mask = box.area, mask if _has_pixels(mask) else None
    shares = []
    for each in structures:
        if mask is not None and each.mask is not None and _has_pixels(each.mask):
            share = _common_pixels(mask, each.mask) / mask.area
        else:
            left, top, right, bottom = each.box
            width = (x_max if x_max < right else right) - (x_min if x_min > left else left)
            height = (y_max if y_max < bottom else bottom) - (y_min if y_min > top else top)
            share = width * height / area if width > 0 and height > 0 else 0.0
        if share >= _TOUCHED_FROM:
            shares.append((share, each))
    return shares


def _bounds(box: Box, mask: Mask | None) -> Box:
    """Return what surrounds all that is known of an object: its box and its mask."""
    if mask is None:
        return box
    height, width = mask.bitmap.shape
    return Box(
        min(box.x_min, mask.x),
        min(box.y_min, mask.y),
        max(box.x_max, mask.x + width),
        max(box.y_max, mask.y + height),
    )


def _common_pixels(one: Mask, other: Mask) -> int:
    x_min, y_min = max(one.x, other.x), max(one.y, other.y)
    x_max = min(one.x + one.bitmap.shape[1], other.x + other.bitmap.shape[1])
    y_max = min(one.y + one.bitmap.shape[0], other.y + other.bitmap.shape[0])
    if x_min >= x_max or y_min >= y_max:
        return 0
    first, second = (
        each.bitmap[y_min - each.y : y_max - each.y, x_min - each.x : x_max - each.x] for each in (one, other)
    )
    return int(np.count_nonzero(first & second))


def _area(structure: Structure, *, masked: bool) -> float:
    return structure.mask.area if masked and structure.mask is not None else structure.box.area


def _has_pixels(mask: Mask | None) -> bool:
    return mask is not None and bool(mask.bitmap.any())
