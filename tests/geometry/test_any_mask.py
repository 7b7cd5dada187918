"""Whatever a mask looks like, `anomaly.geometry.measure` answers finite numbers, in time, or says what is wrong."""

import math
import time
from collections.abc import Callable
from dataclasses import fields

import cv2
import numpy as np
import pytest

from anomaly.errors import InvalidRequest
from anomaly.geometry import FrameEdges, measure
from anomaly.types import Bitmap, Geometry
from tests.geometry.drawings import bar, drawn


def assert_finite(found: Geometry) -> None:
    """Every number that is stated is finite and no length, width or deviation is negative."""
    for field in fields(found):
        value = getattr(found, field.name)
        if isinstance(value, float):
            assert math.isfinite(value), field.name
            assert value >= 0, field.name
    assert 0 <= found.orientation_degrees < 180
    assert found.width_pixels is not None or found.width_reason
    for line in found.centre_lines:
        assert line.dtype == np.float32
        assert np.isfinite(line).all()


EDGE_CASES: dict[str, Callable[[np.random.Generator], Bitmap]] = {
    "no size": lambda _: np.zeros((0, 7), np.bool_),
    "empty": lambda _: np.zeros((40, 50), np.bool_),
    "full": lambda _: np.ones((40, 50), np.bool_),
    "one pixel of one": lambda _: np.ones((1, 1), np.bool_),
    "one pixel": lambda _: np.pad(np.ones((1, 1), np.bool_), 9),
    "two pixels": lambda _: np.ones((1, 2), np.bool_),
    "three in a corner": lambda _: np.array([[1, 1], [1, 0]], np.bool_),
    "two far apart": lambda _: np.eye(60, dtype=np.bool_) & (np.arange(60) % 59 == 0),
    "a row": lambda _: np.ones((1, 80), np.bool_),
    "a column": lambda _: np.ones((80, 1), np.bool_),
    "a diagonal": lambda _: np.eye(80, dtype=np.bool_),
    "a checkerboard": lambda _: np.indices((61, 64)).sum(axis=0) % 2 == 0,
    "stripes": lambda _: np.tile(np.arange(90) % 2 == 0, (70, 1)),
    "a frame": lambda _: np.pad(np.zeros((60, 90), np.bool_), 5, constant_values=True),
    "a thin frame": lambda _: np.pad(np.zeros((60, 90), np.bool_), 1, constant_values=True),
    "specks": lambda rng: rng.random((300, 300)) < 0.05,
    "noise": lambda rng: rng.random((200, 200)) < 0.5,
    "dense noise": lambda rng: rng.random((200, 200)) < 0.95,
    "pinholes": lambda rng: bar(250, 30) & (rng.random((300, 300)) < 0.97),
    "every other row of a view": lambda _: np.ones((60, 400), np.bool_)[::2, ::-3],
    "a transposed view": lambda _: np.ones((5, 200), np.bool_).T,
    "integers": lambda _: np.full((9, 90), 255, np.uint8),
}


@pytest.mark.parametrize("name", EDGE_CASES)
def test_every_mask_gets_finite_numbers(name: str) -> None:
    """No content, size or memory layout of a mask raises or yields a number that is not finite."""
    mask = EDGE_CASES[name](np.random.default_rng(7))
    before = mask.copy()
    found = measure(mask)
    assert_finite(found)
    assert found.area_pixels == np.count_nonzero(mask)
    assert (mask == before).all()


@pytest.mark.parametrize("seed", range(40))
def test_random_shapes_get_finite_numbers(seed: int) -> None:
    """Blurred noise cut at random levels, whose shapes nobody chose, is always measured, at any cell size."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 160, 2)
    field = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), rng.uniform(0.3, 8))
    mask = field > np.quantile(field, rng.uniform(0, 1))
    edges = FrameEdges(*(rng.random(4) < 0.5))
    assert_finite(measure(mask, frame_edges=edges, cell_pixels=float(rng.choice([0.5, 1.0, 3.0, 16.0]))))


HUGE: dict[str, Callable[[], Bitmap]] = {
    "full": lambda: np.ones((3000, 4000), np.bool_),
    "a checkerboard": lambda: np.indices((3000, 4000), np.uint16).sum(axis=0) % 2 == 0,
    "specks": lambda: np.random.default_rng(3).random((3000, 4000)) > 0.999,
    "pinholes": lambda: np.random.default_rng(3).random((3000, 4000)) > 0.02,
}


@pytest.mark.parametrize("name", HUGE)
def test_twelve_megapixels_of_anything_are_quick(name: str) -> None:
    """The worst masks of a large photograph take no longer than a request may."""
    mask = HUGE[name]()
    started = time.process_time()
    assert_finite(measure(mask))
    assert time.process_time() - started < 5


def test_what_is_empty_measures_nothing() -> None:
    """An empty mask has no area, length or width and no centre line."""
    found = measure(np.zeros((30, 40), np.bool_))
    assert (found.area_pixels, found.length_pixels, found.width_pixels) == (0, 0.0, 0.0)
    assert found.branches == 0


@pytest.mark.parametrize("shape", [(5,), (3, 4, 5)])
def test_a_mask_without_two_dimensions_is_refused(shape: tuple[int, ...]) -> None:
    """The error says what was given and what was expected."""
    with pytest.raises(InvalidRequest, match=r"expected \(height, width\)"):
        measure(np.ones(shape, np.bool_))


@pytest.mark.parametrize("cell", [0.0, -1.0, math.nan, math.inf])
def test_a_cell_without_a_size_is_refused(cell: float) -> None:
    """A cell size must be a positive number."""
    with pytest.raises(InvalidRequest, match="cell_pixels"):
        measure(bar(100, 5), cell_pixels=cell)


def test_the_same_mask_always_measures_the_same() -> None:
    """Measuring has no memory and no chance in it."""
    mask = drawn([(40, 60), (180, 90), (330, 310)], 7)
    first, second = measure(mask), measure(mask)
    assert first.length_pixels == second.length_pixels
    assert all(np.array_equal(a, b) for a, b in zip(first.centre_lines, second.centre_lines, strict=True))
