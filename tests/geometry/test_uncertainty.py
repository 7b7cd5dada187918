"""What the stated deviations cover, and when a width is not stated."""

import numpy as np
import pytest

from anomaly.geometry import measure
from benchmarks.geometry import EVALUATION_SEED
from benchmarks.masks import GROUPS, degrade, sample

SHAPES = 10
"""Shapes per family."""


@pytest.fixture(scope="module")
def deviations() -> dict[str, list[float]]:
    """Errors of coarse masks in units of the deviation stated with them, where a width is stated."""
    found: dict[str, list[float]] = {"length": [], "width": []}
    for family in [family for families in GROUPS.values() for family in families]:
        for k in range(SHAPES):
            truth = sample(family, EVALUATION_SEED + 20_000 + k)
            for cell in (1.0, 2.0, 4.0, 8.0):
                mask = truth.mask if cell == 1 else degrade(truth.mask, cell, k)
                got = measure(mask, cell_pixels=cell)
                if got.width_pixels and got.width_pixels_pm and got.length_pixels_pm:
                    found["length"].append((got.length_pixels - truth.length) / got.length_pixels_pm)
                    found["width"].append((got.width_pixels - truth.width) / got.width_pixels_pm)
    return found


@pytest.mark.parametrize("what", ["length", "width"])
def test_deviations_cover_what_they_say(deviations: dict[str, list[float]], what: str) -> None:
    """About two thirds of the truths lie within one stated deviation, and nineteen of twenty within two."""
    off = np.abs(deviations[what])
    chance = 200 * np.sqrt(0.68 * 0.32 / off.size)  # two standard deviations of a share of so few masks
    assert 60 - chance <= 100 * (off <= 1).mean() <= 76 + chance
    assert 92 - chance <= 100 * (off <= 2).mean()


def test_a_width_under_the_resolution_is_not_stated() -> None:
    """A crack narrower than 1.5 cells of its mask's grid has a reason in place of its widths; its length stays."""
    mask = np.zeros((100, 400), np.bool_)
    mask[50:60, 20:380] = True
    found = measure(mask, cell_pixels=8.0)
    assert (
        found.width_pixels
        is found.width_p95_pixels
        is found.width_max_pixels
        is found.width_pixels_pm
        is None
    )
    assert found.width_reason is not None
    assert "8.0 pixels" in found.width_reason
    assert found.length_pixels == pytest.approx(360, abs=8)
    assert measure(mask, cell_pixels=6.0).width_pixels == pytest.approx(10, abs=0.2)


def test_a_mask_exact_to_the_pixel_states_every_width() -> None:
    """A crack one pixel wide has its width where the mask was decided pixel by pixel."""
    mask = np.zeros((20, 200), np.bool_)
    mask[10, 10:190] = True
    found = measure(mask)
    assert found.width_pixels == pytest.approx(1, abs=0.05)
    assert found.width_reason is None


def test_a_coarser_grid_is_less_certain() -> None:
    """The same mask has larger deviations when it was decided on larger cells."""
    mask = np.zeros((100, 400), np.bool_)
    mask[30:60, 20:380] = True
    fine, coarse = measure(mask), measure(mask, cell_pixels=8.0)
    assert fine.length_pixels_pm is not None
    assert coarse.length_pixels_pm is not None
    assert fine.length_pixels_pm < 1 < coarse.length_pixels_pm
    assert fine.width_pixels_pm is not None
    assert coarse.width_pixels_pm is not None
    assert fine.width_pixels_pm < coarse.width_pixels_pm


def test_a_line_whose_edges_waver_is_less_certain() -> None:
    """Edges that bend a wide line to and fro within its width leave open how long it is."""
    y, x = np.mgrid[:160, :420]
    straight = measure((np.abs(y - 80) <= 15) & (x >= 20) & (x < 400))
    upper, lower = 80 - 15 + 4 * np.sin(x / 5), 80 + 15 + 4 * np.sin(x / 5 + 1)
    wavering = measure((y >= upper) & (y <= lower) & (x >= 20) & (x < 400))
    assert straight.length_pixels_pm is not None
    assert wavering.length_pixels_pm is not None
    assert wavering.length_pixels_pm > 2 * straight.length_pixels_pm


def test_what_may_be_left_of_a_line_is_no_shape() -> None:
    """A part of a few cells has an uncertain width; one of many cells, whose sides its area tells, a certain one."""
    found = {}
    for side in (8, 80):
        mask = np.zeros((120, 120), np.bool_)
        mask[20 : 20 + side, 20 : 20 + side] = True
        found[side] = measure(mask, cell_pixels=4.0)
    few, many = found[8].width_pixels_pm, found[80].width_pixels_pm
    assert few is not None
    assert many is not None
    assert few > 1.0 > 0.5 > many
