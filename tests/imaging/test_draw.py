"""The annotated picture shows what was found, and leaves the rest of the photograph alone."""

from itertools import combinations

import numpy as np
import pytest

from anomaly.imaging.draw import annotate, caption, colour_of
from anomaly.types import Anomaly, Box, Findings, Geometry, Image, Mask, Physical, Structure

TYPES = ("crack", "spalling", "corrosion", "exposed_rebar", "efflorescence", "leakage", "delamination")


def photograph(width: int, height: int, grey: int = 128) -> Image:
    """An even grey picture."""
    return np.full((height, width, 3), grey, np.uint8)


def anomaly(box: Box, defect_type: str = "crack", geometry: Geometry | None = None) -> Anomaly:
    """A defect whose mask is a band across its box."""
    bitmap = np.zeros((max(1, int(box.height)), max(1, int(box.width))), np.bool_)
    bitmap[bitmap.shape[0] // 3 : bitmap.shape[0] // 3 + 12] = True
    mask = Mask(bitmap, int(box.x_min), int(box.y_min), 0.8)
    return Anomaly("a", defect_type, "wall", box, 0.9, 0.8, geometry, mask)


def changed(before: Image, after: Image) -> Box:
    """The smallest box around what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_the_photograph_itself_is_not_drawn_on() -> None:
    """The picture is a copy."""
    image = photograph(640, 480)
    before = image.copy()

    answer = annotate(image, Findings("f", 640, 480, (anomaly(Box(100, 200, 300, 260)),)))

    np.testing.assert_array_equal(image, before)
    assert answer.shape == image.shape
    assert answer.dtype == np.uint8


def test_without_findings_the_picture_is_the_photograph() -> None:
    """Nothing found, nothing drawn."""
    image = photograph(320, 240)

    np.testing.assert_array_equal(annotate(image, Findings("f", 320, 240)), image)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_masks_are_tinted_in_the_colour_of_their_type(grey: int) -> None:
    """The pixels of a mask lie between the photograph and the type's colour, on any ground."""
    image = photograph(640, 480, grey)
    found = anomaly(Box(100, 200, 400, 300), "spalling")

    answer = annotate(image, Findings("f", 640, 480, (found,)))

    inside = answer[240, 250].astype(int)
    colour = np.array(colour_of("spalling"))
    np.testing.assert_allclose(inside, 0.58 * grey + 0.42 * colour, atol=1.5)
    np.testing.assert_array_equal(answer[280, 250], image[280, 250])


def test_what_is_far_from_any_finding_is_untouched() -> None:
    """Only the box, its mask and its label change the picture."""
    image = photograph(1200, 900)
    box = Box(500, 400, 700, 500)

    drawn = changed(image, annotate(image, Findings("f", 1200, 900, (anomaly(box),))))

    assert drawn.x_min >= box.x_min - 4
    assert drawn.y_max <= box.y_max + 4
    assert drawn.y_min >= box.y_min - 60
    assert drawn.x_max <= box.x_max + 60


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (40, 400), (400, 40), (2000, 1500)])
@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5)])
def test_any_size_and_any_place_can_be_drawn(size: tuple[int, int], place: tuple[float, float]) -> None:
    """A label finds room at every edge, and no photograph is too small."""
    width, height = size
    x, y = place[0] * (width - 1), place[1] * (height - 1)
    box = Box(x, y, min(x + 30, width), min(y + 30, height))
    structure = Structure("s", "beam", Box(0, 0, width, height), 0.7)
    geometry = Geometry(12, 30.0, 3.2, 0.0, centre_lines=(np.array([[x, y], [x + 9, y]], np.float32),))

    answer = annotate(
        photograph(width, height),
        Findings("f", width, height, (anomaly(box, geometry=geometry),), (structure,)),
    )

    assert answer.shape == (height, width, 3)


def test_labels_of_defects_side_by_side_do_not_cover_each_other() -> None:
    """Two defects at one place still have two readable labels."""
    image = photograph(1000, 800)
    boxes = [Box(400, 300, 520, 380), Box(410, 305, 530, 385)]
    one, two = (anomaly(box, name) for box, name in zip(boxes, ("crack", "leakage"), strict=True))

    answer = annotate(image, Findings("f", 1000, 800, (one, two)))

    for name in ("crack", "leakage"):
        plate = np.rint(0.12 * 128 + 0.88 * np.array(colour_of(name)))
        assert np.count_nonzero((np.abs(answer - plate) <= 2).all(axis=2)) > 800


def test_lines_grow_with_the_photograph() -> None:
    """What is drawn on a large photograph is legible when it is shown small."""
    areas = []
    for scale in (1, 4):
        width, height = 1000 * scale, 750 * scale
        image = photograph(width, height)
        box = Box(300 * scale, 300 * scale, 600 * scale, 500 * scale)
        answer = annotate(image, Findings("f", width, height, (Anomaly("a", "crack", "wall", box, 0.9),)))
        areas.append(np.count_nonzero((answer != image).any(axis=2)) / (width * height))

    assert areas[1] == pytest.approx(areas[0], rel=0.35)


def test_types_are_told_apart_by_colour() -> None:
    """Each known type has its own colour, an unknown one always the same."""
    for one, two in combinations([colour_of(name) for name in TYPES], 2):
        assert np.abs(np.subtract(one, two)).max() > 40
    assert colour_of("a type of yours") == colour_of("a type of yours")


def test_the_caption_says_type_confidence_and_size() -> None:
    """Pixels without a scale, millimetres with one, and no width where there is none."""
    box = Box(0, 0, 10, 10)
    geometry = Geometry(500, 150.4, 3.21, 45.0)
    physical = Physical(1234.5, 10.0, 0.418, 0.05, 0.6, 500.0, 20.0, 0.1, "given")

    assert caption(Anomaly("a", "exposed_rebar", "w", box, 0.92)) == ("exposed rebar  0.92", "")
    assert caption(Anomaly("a", "crack", "w", box, 0.9, 0.9, geometry)) == (
        "crack  0.90",
        "L 150 px   W 3.2 px",
    )
    assert caption(Anomaly("a", "crack", "w", box, 0.9, 0.9, Geometry(5, 9.6, None, 0.0)))[1] == "L 10 px"
    assert caption(Anomaly("a", "crack", "w", box, 0.9, 0.9, geometry, physical=physical))[1] == (
        "L 1234 mm   W 0.42 mm"
    )
