"""Masks drawn again as a coarse decoder draws them."""

import cv2
import numpy as np
from numpy.typing import NDArray


def degrade(mask: NDArray[np.bool_], cell: float, seed: int) -> NDArray[np.bool_]:
    """Return `mask` as a decoder would draw it that decides on cells of `cell` pixels a side.

    Each cell takes the share of it that is covered, softened over its neighbours (by 0.2 to 0.7 cells, as one decoder
    differs from another) and with noise (0.02 to 0.12), as the logits of a network are; these are interpolated to
    pixels and cut at a half.
    """
    rng = np.random.default_rng([seed, round(1000 * cell)])
    height, width = mask.shape
    rows, columns = (int(np.ceil(side / cell)) + 3 for side in (height, width))
    shift = rng.uniform(1, 2, 2) * cell  # where the grid falls on the mask, and a ring of cells round it
    # coverage of a cell: mean of 8 x 8 samples of it or more
    fine = max(8, int(np.ceil(2 * cell)))
    at = (np.arange(fine * max(rows, columns)) + 0.5) / fine * cell
    x, y = np.rint(at[: fine * columns] - shift[0] - 0.5), np.rint(at[: fine * rows] - shift[1] - 0.5)
    # beyond the frame the photograph is not known: its outermost pixels go on
    x, y = np.clip(x, 0, width - 1).astype(int), np.clip(y, 0, height - 1).astype(int)
    share = mask[np.ix_(y, x)].reshape(rows, fine, columns, fine).mean(axis=(1, 3))
    logits = cv2.GaussianBlur(share, (0, 0), rng.uniform(0.2, 0.7)) - 0.5
    logits += rng.uniform(0.02, 0.12) * rng.standard_normal(share.shape)
    px = ((np.arange(width) + 0.5 + shift[0]) / cell - 0.5).astype(np.float32)
    py = ((np.arange(height) + 0.5 + shift[1]) / cell - 0.5).astype(np.float32)
    grid_x, grid_y = np.meshgrid(px, py)
    drawn = cv2.remap(
        logits.astype(np.float32), grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(drawn > 0, np.bool_)
