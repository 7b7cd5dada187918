"""How far a length and a width may be off, as one standard deviation, and when a width cannot be stated.

The terms are those by which a mask misleads: its tips and its edges fall between pixels, or between the cells of
the grid on which it was decided; corners are rounded; what is thinner than a cell is not there. Their weights were
fitted to masks of known shapes, exact ones and ones drawn again on grids of 1.5 to 16 pixels with soft edges and
noise (`benchmarks.masks`; seeds apart from those that judge). They cover the step from the shape to the mask. Whether
the mask covers the defect, and the scale, are for others to say.
"""

import math
from collections.abc import Sequence

import numpy as np

from anomaly.geometry.measured import Measured

RESOLUTION_CELLS = 1.5
"""Cells of width under which a mask that was decided on a grid supports no width."""

_EDGE, _FRAYED = 0.026, 0.4
"""Variance of the area of a line, per pixel of length and cubed cell: edges between the cells; frayed ones."""

_ROUGH, _ROUGH_WIDE = 2.0, 0.004
"""Variance of the area of a line, per pixel of length and squared deviation of the line: of rough edges, as long as a
cell; and as long as the line is wide."""

_SMOOTHED, _EVEN_NOISE = 75.0, 0.13
"""Pixels of width by which a grid thins or widens a rough line, per square of its deviation over its width, beyond the
deviation that the grid itself gives: what is cut at a half has lost its tips and its notches unequally."""

_LOST = 0.17
"""Share by which the area that a coarse mask lacks at its tips differs between decoders."""

_SHARED = 0.06
"""Share of the variance that the grid adds to a length which the width has too: area and length lack it alike."""

_TAIL_SHARED = 0.6
"""Likewise of what tapering ends add: they are thinner than the line, so that the mean width changes by less."""


def width_reason(width: float, cell: float) -> str | None:
    """Return why no width is stated: one of fewer than 1.5 cells of the mask's grid; None where one is.

    A mask decided pixel by pixel (`cell` 1) supports every width.
    """
    if cell <= 1.0 or width >= RESOLUTION_CELLS * cell:
        return None
    return (
        f"The mask was decided on cells of {cell:.1f} pixels a side; a width under {RESOLUTION_CELLS:g} cells "
        f"({RESOLUTION_CELLS * cell:.1f} px) cannot be told from it. Photograph closer, or use tiles."
    )


def length_pm(found: Sequence[Measured], width: float, cell: float) -> float:
    """Return the standard deviation of the summed length in pixels; `width` is the mean width, `cell` as above."""
    grid = cell if cell > 1.0 else 0.0
    variance = sum(
        _of_blob(part, cell)[0] ** 2
        if part.is_blob
        else _own(part, grid) + _tail(part, grid) + _of_grid(part, grid)
        for part in found
    )
    if cell > 1.0:
        length = sum(part.length for part in found)
        thin = width < RESOLUTION_CELLS * cell
        if thin:
            # mostly what the grid has lost: from a twentieth at the limit to all and more at half a cell
            lost = np.interp(width / cell, (0.5, 0.75, 1.0, 1.25, 1.5), np.log((20.0, 5.0, 0.8, 0.15, 0.05)))
            variance += (float(np.exp(lost)) * length) ** 2
        if thin or any(part.thinnest < RESOLUTION_CELLS * cell for part in found):
            variance += (len(found) - 1) * (4.5 * cell) ** 2  # gaps between parts that were one
    return float(np.sqrt(variance))


def width_pm(found: Sequence[Measured], is_blob: bool, length: float, width: float, cell: float) -> float:
    """Return the standard deviation of the mean width in pixels.

    A line's width is area / length: what the length is off by, it is off by too, but for what the grid takes from the
    tips, which the area lacks as well; the area adds its own error.
    """
    if is_blob:
        blobs = [(_of_blob(part, cell)[1], part.area) for part in found if part.is_blob]
        return sum(off * area for off, area in blobs) / sum(area for _, area in blobs)
    grid = cell if cell > 1.0 else 0.0
    lines = [part for part in found if not part.is_blob]
    along = sum(
        _own(part, grid) + _TAIL_SHARED * _tail(part, grid) + _SHARED * _of_grid(part, grid) for part in lines
    )
    return float(np.hypot(width * np.sqrt(along), area_pm(found, cell)) / length)


def area_pm(found: Sequence[Measured], cell: float) -> float:
    """Return the standard deviation, in square pixels, of the area of the shape that a mask of this area shows."""
    variance = 0.0
    for part in found:
        if part.is_blob:
            long, short = _of_blob(part, cell)
            variance += part.area**2 * ((long / part.length) ** 2 + (short / max(part.width, 1.0)) ** 2)
        else:
            edges = (_FRAYED if part.frayed else _EDGE) * cell**3
            edges += part.noise**2 * (_ROUGH * cell + _ROUGH_WIDE * part.width)
            rough = _SMOOTHED * max(0.0, part.noise**2 - _EVEN_NOISE**2) / max(part.width, 1.0) ** 2
            even = _aligned(part) + (rough**2 if cell > 1.0 else 0.0)
            variance += edges * part.length + even * part.length**2 + (_LOST * part.lost) ** 2
    return float(np.sqrt(variance))


def _own(part: Measured, grid: float) -> float:
    """Return the variance of the length of one line that comes from where it ends, turns, forks and wanders."""
    n, width = part.noise, part.width
    tip = 0.11**2 + (1.1 * n) ** 2 + (0.16**2 if width < 1.8 else 0.0)
    # the face of a flat end that keeps to the lines of the grid is rounded as a whole
    face = width * part.across_grid / max(part.length, 1.0) / max(grid, 1.0)
    rounded = 0.15 * max(grid, 1.0) / (1 + 2.5 * face)
    turn = 0.135**2 + (0.028 * width) ** 2
    fork = 0.2**2 + (0.11 * width) ** 2 + (0.4 * grid) ** 2
    return (
        max(part.tips, 1) * tip
        + part.tips * rounded**2
        + part.leaves * 0.08**2
        + part.turning * turn
        + (0.064 * grid * part.turning) ** 2
        + (len(part.lines) - 1) * fork
        + 1.8**2 * part.slack
        + (0.3 * part.slack) ** 2
        + (0.06 * n) ** 2 * part.length / max(width, 2.0)  # a rough line wanders once a width or so
    )


def _tail(part: Measured, grid: float) -> float:
    """Return the variance of the length that comes from ends that taper away, and of which a grid shows the less."""
    return ((0.3 if grid else 0.15) * part.tails) ** 2


def _of_grid(part: Measured, grid: float) -> float:
    """Return the variance of what a coarse grid takes from the tips of one line.

    How far a decoder softens its cells is not known; it draws all tips back alike, those of narrow lines most.
    """
    if grid == 0.0:
        return 0.0
    cells = part.width / grid
    soft = 0.19 * grid * part.tips * math.exp(min(0.0, (1.45 - cells) / 2.0))
    return part.tips * (0.05 * grid) ** 2 + soft**2 + (0.37 * grid / max(cells, 0.3) ** 3) ** 2


def _aligned(part: Measured) -> float:
    """Return the variance of the width between edges that keep to the lines of the pixel grid, square pixels.

    Along such an edge all pixels round alike, by up to half a pixel; over several rows it evens out.
    """
    return (0.33 / (1 + 2.5 * part.across_grid)) ** 2


def _of_blob(part: Measured, cell: float) -> tuple[float, float]:
    """Return the standard deviations of the long and of the short side.

    Area and moments tell the sides of a shape that is known the better, the more cells it has; of any other, the
    outermost pixels stand for the sides.
    """
    few = cell**2 / max(part.area, 1)
    if part.known and math.isinf(part.across_grid):  # an ellipse, of whose tips a grid takes the more
        long, short = cell * (0.105 + 4.0 * few), cell * (0.05 + 0.75 * few)
    elif part.known:
        long, short = cell * (0.065 + 2.5 * few), cell * (0.037 + 0.4 * few)
    else:
        outer = cell * (0.3 if cell > 1.0 or part.frayed else 0.12)
        long, short = outer + 2.0 * cell * few, outer + 0.3 * cell * few
    aligned = math.sqrt(_aligned(part))
    return math.hypot(long, aligned), math.hypot(short, aligned)
