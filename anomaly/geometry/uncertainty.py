"""How far a length and a width may be off, as one standard deviation, and when a width cannot be stated.

The terms are those by which a mask misleads: its tips and its edges fall between pixels, or between the cells of
the grid on which it was decided; corners are rounded; what is thinner than a cell is not there. Their weights were
fitted to masks of known shapes, exact ones and ones drawn again on grids of 1.5 to 16 pixels with soft edges and
noise (`benchmarks.masks`; seeds apart from those that judge). They cover the step from the shape to the mask. Whether
the mask covers the defect, and the scale, are for others to say.
"""

from collections.abc import Sequence

import numpy as np

from anomaly.geometry.line import Measured

RESOLUTION_CELLS = 1.5
"""Cells of width under which a mask that was decided on a grid supports no width."""


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
    variance = sum(_of_blob(part, cell)[0] ** 2 if part.is_blob else _of_line(part, cell) for part in found)
    if cell > 1.0:
        length = sum(part.length for part in found)
        thin = width < RESOLUTION_CELLS * cell
        if (
            thin
        ):  # mostly what the grid has lost: from a twentieth at the limit to all and more at half a cell
            lost = np.interp(width / cell, (0.5, 0.75, 1.0, 1.25, 1.5), np.log((20.0, 5.0, 0.8, 0.15, 0.05)))
            variance += (float(np.exp(lost)) * length) ** 2
        if thin or any(part.thinnest < RESOLUTION_CELLS * cell for part in found):
            variance += (len(found) - 1) * (4.5 * cell) ** 2  # gaps between parts that were one
    return float(np.sqrt(variance))


def width_pm(
    found: Sequence[Measured],
    is_blob: bool,
    length: float,
    width: float,
    pm: float,
    cell: float,
    frayed: bool,
) -> float:
    """Return the standard deviation of the mean width in pixels.

    `pm` is that of the length. A line's width is area / length: what the length is off by, it is off by too, and
    the area adds the noise of its two edges, more where they are `frayed`.
    """
    if is_blob:
        blobs = [(_of_blob(part, cell)[1], part.area) for part in found if part.is_blob]
        return sum(off * area for off, area in blobs) / sum(area for _, area in blobs)
    edges = (0.5 if frayed else 0.28) * cell * (1 + 0.02 * cell) * np.sqrt(cell / max(length, cell))
    return float(np.hypot(width * pm / length, edges))


def _of_blob(part: Measured, cell: float) -> tuple[float, float]:
    """Return the standard deviations of the long and of the short side."""
    coarse = cell / max(part.width, cell)
    return cell * (0.08 + 1.1 * coarse), cell * (0.045 + 0.33 * coarse)


def _of_line(part: Measured, cell: float) -> float:
    """Return the variance of the length of one part."""
    grid = cell if cell > 1.0 else 0.0
    ratio = grid / max(part.width, 0.5)
    tip = 0.14**2 + (0.085 * grid) ** 2 + (1.3 * part.noise) ** 2 + (0.27**2 if part.width < 1.8 else 0.0)
    turn = 0.13**2 + (0.03 * part.width) ** 2 + (0.14 * grid) ** 2
    fork = (0.12 * part.width) ** 2 + (0.6 * grid) ** 2
    return (
        max(part.tips, 1) * tip
        + part.turning * turn
        + (0.09 * grid * part.turning) ** 2
        + (len(part.lines) - 1) * fork
        + (0.35 * part.tails) ** 2
        + (1.7 * grid * ratio**3) ** 2
        + (0.004 * part.length * ratio**2) ** 2
    )
