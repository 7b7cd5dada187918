"""The pass over the whole photograph beside its tiles: coarse, but it sees what tiles cut apart."""

from collections.abc import Sequence

import cv2
import numpy as np

from anomaly.tiling.evidence import Sight, sight, slack
from anomaly.tiling.line import thickness
from anomaly.tiling.piece import cut, dilated, grown, is_empty, near, shared
from anomaly.types import Mask


def remainder(whole: Sight, fine: Sequence[Sight]) -> list[Sight]:
    """Return what `whole` shows and the finer views of the same object, `fine`, do not.

    Where tiles saw the object, their masks are the better ones: pixels of `whole` within its own
    inaccuracy of theirs are dropped. What is left reaches up to the finer masks, so that it touches them.
    It goes on where they end: slivers beside them, and caps no longer than the inaccuracy, are left out.
    """
    reach = slack(whole.mask)
    region = whole.region
    rest = whole.mask.bitmap.view(np.uint8).copy()
    for each in fine:
        where = shared(grown(each.region, reach), region)
        if not is_empty(where):
            x0, y0, x1, y1 = where
            part = rest[y0 - region[1] : y1 - region[1], x0 - region[0] : x1 - region[0]]
            part[near(each.mask, where, reach) > 0] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    left = []
    for number in range(1, count):
        x, y, width, height, pixels = (int(value) for value in stats[number])
        if pixels < whole.width * max(reach, 6):
            continue
        area = shared(
            grown((x + region[0], y + region[1], x + region[0] + width, y + region[1] + height), reach + 2),
            region,
        )
        own = np.zeros((area[3] - area[1], area[2] - area[0]), np.uint8)
        top, side = y + region[1] - area[1], x + region[0] - area[0]
        own[top : top + height, side : side + width] = labels[y : y + height, x : x + width] == number
        broad = 0.6 * whole.width if whole.line else 2.0 * reach
        if thickness(own) < broad:
            continue
        bitmap = (dilated(own, reach + 2) & cut(whole.mask, area)).astype(np.bool_)
        mask = Mask(bitmap, area[0], area[1], whole.mask.score, whole.mask.cell_pixels)
        seen = sight(whole.piece._replace(mask=mask))
        if seen is not None:
            left.append(seen)
    return left
