import gc
import time
import weakref

import cv2
import numpy as np
import pytest

from anomaly.backends import ridge
from anomaly.types import Box, Image


def plaster(height: int = 300, width: int = 400, seed: int = 0, grain: float = 6.0) -> Image:
    """Return a bright, grainy wall without lines."""
    rng = np.random.default_rng(seed)
    grey = cv2.GaussianBlur(rng.normal(0, grain, (height, width)), (0, 0), 0.8) * 2 + 165
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def draw(image: Image, points: list[tuple[float, float]], width: int, shade: int = 55) -> Image:
    """Return the image with a line through `points` (x, y), `width` pixels wide, its edge slightly blurred."""
    scale = 4
    ink = np.zeros((image.shape[0] * scale, image.shape[1] * scale), np.uint8)
    path = np.rint(np.array(points) * scale).astype(np.int32)
    cv2.polylines(ink, [path], False, 255, width * scale, cv2.LINE_AA)
    cover = cv2.resize(ink, image.shape[1::-1], interpolation=cv2.INTER_AREA)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.6)[..., None] / 255.0
    return (image * (1 - cover) + shade * cover).round().astype(np.uint8)


def zigzag(x0: float, x1: float, y: float, seed: int = 1, step: float = 2.5) -> list[tuple[float, float]]:
    """Return a wandering path from (x0, y) to the right."""
    rng = np.random.default_rng(seed)
    xs = np.arange(x0, x1, 8.0)
    return list(zip(xs.tolist(), (y + np.cumsum(rng.uniform(-step, step, len(xs)))).tolist(), strict=True))


def angled(degrees: float, length: float, middle: tuple[float, float]) -> list[tuple[float, float]]:
    """Return a slightly bent path through `middle`, counter-clockwise from the x axis as seen on the screen."""
    along = np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
    t = np.linspace(-length / 2, length / 2, 25)
    bend = np.stack([-along[1], along[0]], axis=0)[:, None] * (4 * np.sin(t / 18))
    return [(float(x), float(y)) for x, y in (np.array(middle)[:, None] + along[:, None] * t + bend).T]


@pytest.mark.parametrize("degrees", range(0, 180, 20))
def test_a_crack_is_found_in_whatever_direction_it_runs(degrees):
    """The whole of it is one detection, above the usual threshold and the best of all."""
    image = draw(plaster(), angled(degrees, 200, (200, 150)), 3)
    (found,) = ridge.load().detect([image], 0.3)
    assert found[0].label == "crack"
    assert np.hypot(found[0].box.width, found[0].box.height) > 180
    assert len(found) == 1


@pytest.mark.parametrize("width", [2, 4, 8, 14])
def test_a_mask_is_about_as_wide_as_the_crack(width):
    """Area over length is within 1.3 px of the width that was drawn; blur makes the thin ones wider."""
    points = zigzag(60, 340, 150, step=1.0)
    image = draw(plaster(grain=3), points, width)
    finder = ridge.load()
    (found,) = finder.detect([image], 0.3)
    ((mask,),) = finder.segment([image], [[found[0].box]])
    length = np.linalg.norm(np.diff(np.array(points), axis=0), axis=1).sum() + width
    assert mask.area / length == pytest.approx(width, abs=1.3)


def test_plaster_stains_and_edges_are_no_cracks():
    """Grain, a soft stain, a bright line and a step in brightness give nothing at the usual threshold."""
    wall = plaster()
    y, x = np.mgrid[0:300, 0:400]
    stain = (40 * np.exp(-(((x - 250) / 60.0) ** 2 + ((y - 100) / 40.0) ** 2)))[..., None]
    stained = (wall - stain).clip(0, 255).astype(np.uint8)
    step = wall.copy()
    step[:, 200:] = step[:, 200:] // 3
    bright = draw(wall, zigzag(60, 340, 150), 4, shade=250)
    assert ridge.load().detect([wall, stained, step, bright], 0.3) == [[], [], [], []]


def test_a_longer_and_a_deeper_crack_score_higher():
    """The score rises with the length and with the contrast."""
    scores = [
        ridge.load().detect([draw(plaster(), zigzag(60, end, 150), 3, shade)], 0.0)[0][0].score
        for end, shade in ((130, 55), (340, 55), (340, 110))
    ]
    assert scores[1] > scores[0]
    assert scores[1] > scores[2] > 0.3


def test_pieces_that_continue_one_another_are_one_crack():
    """A gap of 20 px in a crack of 280 px leaves one detection; a second crack beside it stays another."""
    path = zigzag(60, 340, 100)
    image = draw(draw(plaster(), path[:17], 3), path[20:], 3)
    image = draw(image, zigzag(60, 340, 220, seed=5), 3)
    (found,) = ridge.load().detect([image], 0.3)
    assert sorted(round(each.box.width, -1) for each in found) == [280, 280]


def test_a_box_of_its_own_gives_only_the_crack_that_made_it():
    """Where a second crack runs through the box, its pixels are left out; a foreign box gets both."""
    image = draw(draw(plaster(), angled(25, 320, (200, 150)), 3), angled(30, 80, (280, 190)), 3)
    finder = ridge.load()
    (found,) = finder.detect([image], 0.3)
    large, small = sorted(found, key=lambda each: -each.box.area)
    assert small.box.x_min > large.box.x_min
    assert small.box.y_max < large.box.y_max
    ((own, other),) = finder.segment([image], [[large.box, small.box]])
    inside = finder.segment([image], [[Box(0, 0, 400, 300)]])[0][0]
    assert own.area + other.area == inside.area
    y, x = np.nonzero(other.bitmap)
    assert not own.bitmap[y + other.y - own.y, x + other.x - own.x].any()


def test_an_image_that_it_has_not_seen_is_segmented_all_the_same():
    """Another finder, or a copy of the image, gives the same mask for the same box."""
    image = draw(plaster(), zigzag(60, 340, 150), 3)
    finder = ridge.load()
    (found,) = finder.detect([image], 0.3)
    boxes = [[each.box for each in found]]
    ((first,),) = finder.segment([image], boxes)
    for other in (ridge.load().segment([image], boxes), finder.segment([image.copy()], boxes)):
        ((mask,),) = other
        assert np.array_equal(mask.bitmap, first.bitmap)


def test_segmenting_what_was_just_detected_looks_no_second_time():
    """What `detect` found on a batch is kept until the next."""
    image = draw(plaster(700, 900), zigzag(60, 840, 350), 3)
    finder = ridge.load()
    start = time.process_time()
    (found,) = finder.detect([image], 0.3)
    middle = time.process_time()
    finder.segment([image], [[each.box for each in found]])
    assert time.process_time() - middle < (middle - start) / 4


def test_it_keeps_no_image_alive():
    """Once the caller lets go of a photograph, its memory is free, though its findings are kept."""
    finder = ridge.load()
    image = plaster()
    finder.detect([image], 0.3)
    watched = weakref.ref(image)
    del image
    gc.collect()
    assert watched() is None
    assert finder.segment([plaster(seed=3)], [[Box(0, 0, 50, 50)]])[0][0].bitmap.shape == (50, 50)


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (2, 3), (10, 10)])
def test_a_tiny_image_shows_nothing(shape):
    """No room for a line, no line; its boxes have masks without pixels."""
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    finder = ridge.load()
    assert finder.detect([image], 0.0) == [[]]
    ((mask,),) = finder.segment([image], [[Box(0, 0, shape[1], shape[0])]])
    assert mask.bitmap.shape == shape
    assert (mask.area, mask.score) == (0, 0.0)


def test_tiles_leave_no_seams(monkeypatch):
    """The work is cut into tiles, and where they meet cannot be told from the result."""
    image = draw(plaster(700, 900), zigzag(60, 840, 350), 3)
    (whole,) = ridge.load().detect([image], 0.0)
    monkeypatch.setattr("anomaly.backends.ridge.bank._TILE", 150)
    monkeypatch.setattr("anomaly.backends.ridge.zones._TILE", 130)
    (tiled,) = ridge.load().detect([image], 0.0)
    assert [each.box for each in tiled] == [each.box for each in whole]


def test_a_full_hd_photograph_takes_well_under_a_second_and_a_half_of_one_core():
    """1920 x 1080 pixels, wherever the cracks lie."""
    image = draw(plaster(1080, 1920), zigzag(60, 1840, 500), 5)
    finder = ridge.load()
    start = time.process_time()
    (found,) = finder.detect([image], 0.3)
    finder.segment([image], [[each.box for each in found]])
    assert time.process_time() - start < 1.5
    assert found[0].box.width > 1700


def test_its_card_says_what_it_cannot_tell_apart():
    """Whoever reads `/info` learns that this is a filter, and an upper bound."""
    card = ridge.load().card
    assert (card.backend, card.classes) == ("ridge", ("crack",))
    assert "cannot tell a crack from a joint, an edge or a shadow" in card.note
    assert "upper bound" in card.note
