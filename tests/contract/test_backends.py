"""The ports, held against every backend: what is promised of one is promised of all."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anomaly.backends import fake, ridge, starter
from anomaly.ports import Detector, Segmenter
from anomaly.types import Box, Detection, Image, Mask
from tests.tiny import tiny_rfdetr_checkpoint
from tests.tiny_sam import save_tiny_sam2


def load_rfdetr(folder: Path) -> Detector:
    """A real RF-DETR, tiny, with random weights."""
    from anomaly.backends import rfdetr

    return rfdetr.load(weights=tiny_rfdetr_checkpoint(folder / "tiny.pth"), device="cpu", max_batch=2)


def load_sam2(folder: Path) -> Segmenter:
    """A real SAM 2.1, tiny, with random weights."""
    from anomaly.backends import sam2

    return sam2.load(weights=save_tiny_sam2(folder / "tiny.pt"), device="cpu", max_batch=2)


EMBEDDED: Sequence[Any] = (
    pytest.param(lambda _: ridge.load(), id="ridge"),
    pytest.param(lambda _: starter.load(), id="starter"),
    pytest.param(lambda _: fake.load(boxes=5), id="fake"),
)
DETECTORS = (*EMBEDDED, pytest.param(load_rfdetr, id="rfdetr"))
SEGMENTERS = (*EMBEDDED, pytest.param(load_sam2, id="sam2"))


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """Each detector in its turn, loaded once."""
    load: Callable[[Path], Detector] = request.param
    return load(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module", params=SEGMENTERS)
def segmenter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    """Each segmenter in its turn, loaded once."""
    load: Callable[[Path], Segmenter] = request.param
    return load(tmp_path_factory.mktemp("segmenter"))


def wall(height: int, width: int, seed: int = 0) -> Image:
    """A wall with a jagged dark crack from left to right, at half height."""
    rng = np.random.default_rng(seed)
    image = np.clip(rng.normal(170, 5, (height, width, 1)) + np.zeros(3), 0, 255).astype(np.uint8)
    rows = height / 2 + np.cumsum(rng.choice([-0.8, 0, 0.8], width))
    for x, row in enumerate(rows.clip(0, height - 1).astype(int)):
        image[max(0, row - 1) : row + 2, x] = 45
    return image


MIXED = (wall(120, 160), wall(90, 70, 1), wall(1, 1, 2), wall(3, 200, 3), wall(160, 120, 4))


def as_values(masks: Sequence[Mask]) -> list[tuple[int, int, float, float, bytes]]:
    """What makes two masks the same."""
    return [(m.x, m.y, m.score, m.cell_pixels, m.bitmap.tobytes()) for m in masks]


# --- detectors --------------------------------------------------------------------------------------


def test_a_batch_without_images_gives_no_lists(detector):
    """No images, no answers."""
    assert detector.detect([], 0.3) == []


def test_each_image_gets_its_own_list_in_order(detector):
    """A batch of mixed sizes, a single pixel among them, answers as its images do alone."""
    together = detector.detect(MIXED, 0.0)
    assert len(together) == len(MIXED)
    for image, found in zip(MIXED, together, strict=True):
        (alone,) = detector.detect([image], 0.0)
        assert len(alone) == len(found)
        for one, other in zip(alone, found, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_the_names_of_images_change_nothing(detector):
    """With a key for each image the answers are those without, the first time and again."""
    plain = detector.detect(MIXED, 0.1)
    for _ in range(2):
        assert detector.detect(MIXED, 0.1, [f"image {n}" for n in range(len(MIXED))]) == plain


def test_boxes_lie_inside_their_image_and_have_an_extent(detector):
    """0 <= min < max <= side, in both directions."""
    for image, found in zip(MIXED, detector.detect(MIXED, 0.0), strict=True):
        height, width = image.shape[:2]
        for each in found:
            assert 0 <= each.box.x_min < each.box.x_max <= width
            assert 0 <= each.box.y_min < each.box.y_max <= height


def test_labels_are_those_of_the_card(detector):
    """A detector answers only what its card says it can."""
    labels = {each.label for found in detector.detect(MIXED, 0.0) for each in found}
    assert labels
    assert labels <= set(detector.card.classes)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_scores_reach_the_threshold_and_the_best_comes_first(detector, threshold):
    """Scores lie in [threshold, 1] and never rise along the list."""
    for found in detector.detect(MIXED, threshold):
        scores = [each.score for each in found]
        assert all(threshold <= each <= 1 for each in scores)
        assert scores == sorted(scores, reverse=True)


def test_a_higher_threshold_gives_the_beginning_of_the_same_list(detector):
    """Raising the threshold only leaves detections out."""
    low = detector.detect(MIXED, 0.1)
    for threshold in (0.3, 0.6):
        for few, many in zip(detector.detect(MIXED, threshold), low, strict=True):
            assert few == [each for each in many if each.score >= threshold]


def test_the_same_images_give_the_same_detections(detector):
    """Nothing is left over from one batch to the next."""
    first = detector.detect(MIXED, 0.1)
    detector.detect([wall(50, 60, 9)], 0.1)
    assert detector.detect([image.copy() for image in MIXED], 0.1) == first


def views_of(image: Image) -> dict[str, Image]:
    """The same pixels in other memory: read-only, every second column, backwards, column by column."""
    locked = image.copy()
    locked.flags.writeable = False
    spread = np.zeros((image.shape[0], image.shape[1] * 2, 3), np.uint8)
    spread[:, ::2] = image
    return {
        "read-only": locked,
        "strided": spread[:, ::2],
        "flipped": np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1],
        "fortran": np.asfortranarray(image),
    }


def test_an_image_may_lie_in_memory_in_any_way(detector):
    """Read-only and non-contiguous arrays give what a plain copy gives, and stay as they are."""
    image = MIXED[0]
    (plain,) = detector.detect([image], 0.1)
    for way, view in views_of(image).items():
        before = view.copy()
        assert detector.detect([view], 0.1) == [plain], way
        assert np.array_equal(view, before), way


def test_what_it_is_stands_on_its_card(detector):
    """A card names the backend, and a detector's classes without repetition."""
    assert detector.card.backend
    assert len(set(detector.card.classes)) == len(detector.card.classes) > 0
    assert all(isinstance(each, Detection) for found in detector.detect(MIXED, 0.1) for each in found)


# --- segmenters -------------------------------------------------------------------------------------

BOXES = (
    Box(10.0, 20.0, 100.0, 90.0),
    Box(10.4, 20.6, 99.2, 89.1),
    Box(-20.5, -10.0, 30.5, 130.0),
    Box(100.0, 60.0, 900.0, 900.0),
    Box(0.0, 0.0, 160.0, 120.0),
)
EMPTY_BOXES = (Box(50.0, 40.0, 50.0, 80.0), Box(30.0, 30.0, 30.0, 30.0), Box(200.0, 10.0, 300.0, 50.0))


def window_of(box: Box, image: Image) -> tuple[int, int, int, int]:
    """Return x, y, columns, rows of `box` rounded outwards and clipped to `image`."""
    height, width = image.shape[:2]
    left, top = max(0, math.floor(box.x_min)), max(0, math.floor(box.y_min))
    return left, top, min(width, math.ceil(box.x_max)) - left, min(height, math.ceil(box.y_max)) - top


def test_a_batch_without_images_gives_no_masks(segmenter):
    """No images, no answers."""
    assert segmenter.segment([], []) == []


def test_images_without_boxes_give_no_masks(segmenter):
    """An image without boxes answers an empty list, beside one that has some, and alone."""
    assert [len(each) for each in segmenter.segment(MIXED[:3], [[], BOXES[:1], []])] == [0, 1, 0]
    assert segmenter.segment(MIXED[:2], [[], []]) == [[], []]


def test_the_names_of_photographs_change_nothing(segmenter):
    """With a key for each image the masks are those without, the first time and again."""
    boxes = [BOXES[:1], BOXES[:2], [], BOXES[:1], BOXES]
    plain = [as_values(each) for each in segmenter.segment(MIXED, boxes)]
    for _ in range(2):
        named = segmenter.segment(MIXED, boxes, [f"image {n}" for n in range(len(MIXED))])
        assert [as_values(each) for each in named] == plain


def test_a_mask_covers_its_box_rounded_outwards_and_clipped(segmenter):
    """One mask per box, in order; the bitmap starts at the box's pixel and has its extent."""
    image = MIXED[0]
    (masks,) = segmenter.segment([image], [BOXES])
    assert len(masks) == len(BOXES)
    for box, mask in zip(BOXES, masks, strict=True):
        assert mask.bitmap.dtype == np.bool_
        rows, columns = mask.bitmap.shape
        assert (mask.x, mask.y, columns, rows) == window_of(box, image)


def test_a_box_without_area_in_the_image_gives_a_mask_without_pixels(segmenter):
    """Zero width, zero height, or outside: nothing is found, and the other boxes are answered."""
    (masks,) = segmenter.segment([MIXED[0]], [[*EMPTY_BOXES, BOXES[0]]])
    assert [mask.area for mask in masks[: len(EMPTY_BOXES)]] == [0] * len(EMPTY_BOXES)
    assert (masks[-1].x, masks[-1].y) == (10, 20)


def test_scores_of_masks_lie_between_0_and_1(segmenter):
    """So does that of a mask on a single pixel; a grid cell has a positive side."""
    answers = segmenter.segment(MIXED, [BOXES[:1], BOXES[:1], [Box(0, 0, 1, 1)], BOXES[:1], BOXES])
    for masks in answers:
        assert all(0 <= mask.score <= 1 and mask.cell_pixels > 0 for mask in masks)


def test_a_mask_with_pixels_comes_with_a_score_above_0(segmenter):
    """What is worth drawing is worth more than nothing."""
    masks = [mask for each in segmenter.segment([MIXED[0]], [BOXES]) for mask in each if mask.area]
    assert all(mask.score > 0 for mask in masks)


def test_the_same_boxes_give_the_same_masks(segmenter):
    """Nothing is left over from one batch to the next."""
    first = segmenter.segment(MIXED[:2], [BOXES, BOXES[:2]])
    segmenter.segment([wall(50, 60, 9)], [BOXES])
    again = segmenter.segment([image.copy() for image in MIXED[:2]], [BOXES, BOXES[:2]])
    assert [as_values(each) for each in again] == [as_values(each) for each in first]


def test_an_image_to_segment_may_lie_in_memory_in_any_way(segmenter):
    """Read-only and non-contiguous arrays give what a plain copy gives, and stay as they are."""
    image = MIXED[0]
    (plain,) = segmenter.segment([image], [BOXES])
    for way, view in views_of(image).items():
        before = view.copy()
        (masks,) = segmenter.segment([view], [BOXES])
        assert as_values(masks) == as_values(plain), way
        assert np.array_equal(view, before), way
