"""The spread of a line's width: how wide it is where it is wide."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def spread(widths: Iterable[NDArray[np.float64]], mean: float) -> tuple[float, float]:
    """Return the width that 95 % of the sections do not exceed and the greatest, pixels.

    `widths` are those of sections at equal distances along each part's lines, measured to a fraction of a pixel
    between the edges; neither figure is under the mean width `mean` (area / length).
    """
    all_widths = np.sort(np.concatenate([*widths, np.empty(0)]))
    if not all_widths.size:
        return mean, mean
    p95 = float(all_widths[int(0.95 * (len(all_widths) - 1))])
    return max(mean, p95), max(mean, float(all_widths[-1]))
