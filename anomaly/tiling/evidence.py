"""Whether two pieces, seen in two views, are one object."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from anomaly.tiling.line import Tip, heading, is_line, thickness, tips
from anomaly.tiling.piece import (
    Piece,
    Region,
    cut,
    grown,
    is_empty,
    near,
    region_of,
    shared,
    tight,
    view_of,
    whole_pixels,
)
from anomaly.types import Mask

TOUCH = 3
"""Pixels of dilation within which masks touch."""

SAME = 0.5
"""Share of the smaller one that two views of one object have in common where both could see it."""

_TWIN = 0.7  # likewise, for two detections of one view: the detector already took them for two
_BOX_SHORT = 0.03
"""Share of its view by which a box may fall short of the border that cuts its object off: a pixel of the grid that
detectors decide on is a sixteenth of it at most, and boxes are told to a part of that."""

_BOX_SLACK = 0.008
"""Share of the larger view by which boxes that one object crosses a seam with may miss each other sideways."""

_STRAIGHT = float(np.cos(np.radians(35.0)))


@dataclass(frozen=True)
class Sight:
    """A piece with what joining needs to know of its mask, each worked out once and only if asked for."""

    piece: Piece
    mask: Mask
    width: float
    line: bool

    @cached_property
    def tips(self) -> tuple[Tip, ...]:
        """Free ends; none for a blob."""
        return tuple(tips(self.mask, self.width)) if self.line else ()

    @cached_property
    def reach(self) -> int:
        """How far from it, in pixels, something may lie that goes on with it."""
        return round(3.0 * self.width) + TOUCH + slack(self.mask)

    @cached_property
    def region(self) -> Region:
        """The pixels of the mask's bitmap."""
        return region_of(self.mask)

    @cached_property
    def view(self) -> Region:
        """The pixels of the view."""
        return whole_pixels(self.piece.view)


def sight(piece: Piece) -> Sight | None:
    """Look at a piece's mask; None where it has no pixel."""
    mask = None if piece.mask is None else tight(piece.mask)
    if mask is None:
        return None
    width = thickness(mask.bitmap)
    return Sight(piece, mask, width, is_line(mask, width))


def same(a: Sight, b: Sight) -> bool:
    """Whether two masks show one object: in the part that both views saw, they coincide.

    Intersection over the smaller area, in the pixels that both views hold, with a tolerance of two
    pixels, or of a coarser mask's cell. Masks that meet in a short stretch only may be two lines that
    cross: then they must also run the same way.
    """
    tolerance = max(2, *(slack(each.mask) for each in (a, b)))
    common = shared(a.view, b.view)
    if min(common[2] - common[0], common[3] - common[1]) < 2 * TOUCH:  # a seam with next to no overlap
        common = grown(common, TOUCH + 1)
        tolerance += TOUCH
    if is_empty(shared(shared(a.region, grown(b.region, tolerance)), common)):
        return False
    sizes = [int(np.count_nonzero(view_of(each.mask, common))) for each in (a, b)]
    if not all(sizes):
        return False
    small, large = (a, b) if sizes[0] <= sizes[1] else (b, a)
    where = shared(small.region, common)
    if a.view == b.view:
        return int(np.count_nonzero(cut(small.mask, where) & cut(large.mask, where))) >= _TWIN * min(sizes)
    met = cut(small.mask, where) & near(large.mask, where, tolerance)
    count = int(np.count_nonzero(met))
    if count < SAME * min(sizes):
        return False
    x, y, width, height = cv2.boundingRect(met)
    if np.hypot(width, height) >= 2.0 * (a.width + b.width) + 4.0 * tolerance:
        return True
    centre = (where[0] + x + width / 2, where[1] + y + height / 2)
    return _parallel(a, b, centre)


def slack(mask: Mask) -> int:
    """Return how far, in whole pixels, a mask decided on coarse cells may lie from the truth."""
    return 2 + round(0.75 * (mask.cell_pixels - 1.0))


def same_box(a: Piece, b: Piece) -> bool:
    """Whether two boxes without masks show one object.

    A slender crack's box is mostly empty, so that overlap alone says little. In the part that both views
    saw, the boxes must overlap, and each must be cut off by its own view's border just where the other
    one goes on beyond that border. Boxes of one view are two: their detector said so.
    """
    if a.view == b.view:
        return False
    slack_pixels = max(4.0, _BOX_SLACK * max(a.view.width, a.view.height, b.view.width, b.view.height))
    left, top, right, bottom = shared(whole_pixels(a.box), whole_pixels(b.box))
    if right - left < -slack_pixels or bottom - top < -slack_pixels:
        return False
    return _cut_where_other_goes_on(a, b, slack_pixels) and _cut_where_other_goes_on(b, a, slack_pixels)


def _cut_where_other_goes_on(a: Piece, b: Piece, slack_pixels: float) -> bool:
    reach = max(slack_pixels, _BOX_SHORT * max(a.view.width, a.view.height))
    sides = (
        (a.view.x_max - a.box.x_max, b.box.x_max - a.view.x_max),
        (a.box.x_min - a.view.x_min, a.view.x_min - b.box.x_min),
        (a.view.y_max - a.box.y_max, b.box.y_max - a.view.y_max),
        (a.box.y_min - a.view.y_min, a.view.y_min - b.box.y_min),
    )
    return all(short <= reach for short, beyond in sides if beyond > reach)


def _parallel(a: Sight, b: Sight, centre: tuple[float, float]) -> bool:
    width = max(a.width, b.width)
    first, second = (heading(each.mask, *centre, max(10.0, 4.0 * width), 2.5 * width) for each in (a, b))
    if first is None or second is None:
        return True
    return abs(first[0] * second[0] + first[1] * second[1]) >= _STRAIGHT
