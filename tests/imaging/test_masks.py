"""Masks on the wire: every format gives the very pixels back."""

import base64
import io
import itertools

import cv2
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from anomaly.imaging import masks
from anomaly.types import Bitmap, Mask, MaskFormat
from anomaly.wire.answer import to_json

# pycocotools 2.0.11 decodes in a way that numpy 2 deprecates; the product only encodes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WIDTH, HEIGHT = 40, 30


def whole(mask: Mask, width: int = WIDTH, height: int = HEIGHT) -> Bitmap:
    """Put a mask into its frame."""
    frame = np.zeros((height, width), dtype=np.bool_)
    rows, columns = mask.bitmap.shape
    frame[mask.y : mask.y + rows, mask.x : mask.x + columns] = mask.bitmap
    return frame


def filled(parts: list[masks.Part], width: int = WIDTH, height: int = HEIGHT) -> Bitmap:
    """Rasterise by the even-odd rule at pixel centres, exactly."""
    crossings = np.zeros((height, width + 1), dtype=np.int64)
    for ring in itertools.chain.from_iterable([part["exterior"], *part["holes"]] for part in parts):
        for (x_from, y_from), (x_to, y_to) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            assert (x_from == x_to) != (y_from == y_to)
            if x_from == x_to:
                crossings[min(y_from, y_to) : max(y_from, y_to), x_from] += 1
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)


def shoelace(ring: NDArray[np.int32]) -> float:
    """Signed area: positive where the ring runs clockwise on the screen."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def decoded(answer: masks.Png) -> NDArray[np.bool_]:
    """Read the PNG with Pillow."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(answer["data"]))))


def noise(seed: int) -> Mask:
    """A random mask of random size and density, anywhere in the frame."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, HEIGHT + 1)), int(rng.integers(1, WIDTH + 1))
    bitmap = rng.random((rows, columns)) < rng.choice([0.05, 0.3, 0.5, 0.7, 0.95])
    x, y = int(rng.integers(0, WIDTH - columns + 1)), int(rng.integers(0, HEIGHT - rows + 1))
    return Mask(bitmap, x, y, 0.9)


SHAPES = {
    "empty": Mask(np.zeros((5, 7), np.bool_), 3, 4, 0.9),
    "without area": Mask(np.zeros((0, 7), np.bool_), 3, 4, 0.9),
    "full box": Mask(np.ones((5, 7), np.bool_), 3, 4, 0.9),
    "full frame": Mask(np.ones((HEIGHT, WIDTH), np.bool_), 0, 0, 0.9),
    "one pixel": Mask(np.ones((1, 1), np.bool_), 11, 12, 0.9),
    "last pixel": Mask(np.ones((1, 1), np.bool_), WIDTH - 1, HEIGHT - 1, 0.9),
    "last column": Mask(np.ones((HEIGHT, 1), np.bool_), WIDTH - 1, 0, 0.9),
    "two full columns": Mask(np.ones((HEIGHT, 2), np.bool_), 7, 0, 0.9),
    "last row": Mask(np.ones((1, WIDTH), np.bool_), 0, HEIGHT - 1, 0.9),
    "diagonal": Mask(np.eye(20, dtype=np.bool_), 2, 3, 0.9),
    "checkerboard": Mask(np.indices((9, 9)).sum(0) % 2 == 0, 1, 1, 0.9),
    "ring": Mask(np.pad(np.zeros((3, 3), np.bool_), 2, constant_values=True), 5, 5, 0.9),
    "island in a hole": Mask(
        np.pad(np.pad(np.ones((1, 1), np.bool_), 2), 2, constant_values=True), 5, 5, 0.9
    ),
}
ALL = [pytest.param(mask, id=name) for name, mask in SHAPES.items()]
ALL += [pytest.param(noise(seed), id=f"noise {seed}") for seed in range(40)]


@pytest.mark.parametrize("mask", ALL)
def test_rle_is_what_coco_makes_of_the_full_frame(mask: Mask) -> None:
    """Run lengths made inside the box equal, byte for byte, those that pycocotools makes of the frame."""
    expected = coco.encode(np.asfortranarray(whole(mask).astype(np.uint8)))

    answer = masks.rle(mask, WIDTH, HEIGHT)

    assert answer == {"size": [HEIGHT, WIDTH], "counts": expected["counts"].decode()}
    np.testing.assert_array_equal(coco.decode(answer).astype(np.bool_), whole(mask))


@pytest.mark.parametrize("mask", ALL)
def test_polygons_rasterise_to_the_mask(mask: Mask) -> None:
    """Filling the polygons at pixel centres gives the mask back, and their area is its pixel count."""
    parts = masks.polygon(mask)

    np.testing.assert_array_equal(filled(parts), whole(mask))
    area = sum(shoelace(part["exterior"]) + sum(map(shoelace, part["holes"])) for part in parts)
    assert area == mask.area


@pytest.mark.parametrize("mask", ALL)
def test_rings_are_well_formed(mask: Mask) -> None:
    """Rings turn at every point, exteriors run clockwise and holes the other way."""
    for part in masks.polygon(mask):
        assert shoelace(part["exterior"]) > 0
        assert all(shoelace(hole) < 0 for hole in part["holes"])
        for ring in [part["exterior"], *part["holes"]]:
            steps = np.diff(np.array([*ring, ring[0]]), axis=0)
            assert len(ring) >= 4
            assert np.all((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0))


@pytest.mark.parametrize("mask", [param for param in ALL if param.values[0].bitmap.size])
def test_png_decodes_to_the_box(mask: Mask) -> None:
    """Pillow and OpenCV read the PNG to the very bitmap."""
    answer = masks.png(mask)

    rows, columns = mask.bitmap.shape
    assert (answer["x"], answer["y"], answer["width"], answer["height"]) == (mask.x, mask.y, columns, rows)
    np.testing.assert_array_equal(decoded(answer), mask.bitmap)
    raw = np.frombuffer(base64.b64decode(answer["data"]), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(raw, cv2.IMREAD_UNCHANGED), mask.bitmap * np.uint8(255))


def test_png_of_nothing_has_no_data() -> None:
    """A mask without area has no PNG, and says so by its size."""
    answer = masks.png(SHAPES["without area"])

    assert (answer["width"], answer["height"], answer["data"]) == (7, 0, "")


def test_holes_belong_to_their_part() -> None:
    """A ring with an island is two parts, and the hole is the ring's."""
    outer, island = sorted(masks.polygon(SHAPES["island in a hole"]), key=lambda part: -len(part["holes"]))

    assert sorted(outer["exterior"].tolist()) == [[5, 5], [5, 14], [14, 5], [14, 14]]
    assert [sorted(hole.tolist()) for hole in outer["holes"]] == [[[7, 7], [7, 12], [12, 7], [12, 12]]]
    assert sorted(island["exterior"].tolist()) == [[9, 9], [9, 10], [10, 9], [10, 10]]
    assert island["holes"] == []


def test_polygons_are_coco_polygons() -> None:
    """Flattened, the exteriors are COCO's segmentation: pycocotools rasterises them to the mask."""
    bitmap = np.zeros((20, 30), np.uint8)
    cv2.polylines(bitmap, [np.array([[2, 3], [12, 9], [27, 16]], np.int32)], False, 1, 4)
    mask = Mask(bitmap.astype(np.bool_), 5, 6, 0.9)

    flat = [np.ravel(part["exterior"]).tolist() for part in masks.polygon(mask)]

    answer = coco.decode(coco.merge(coco.frPyObjects(flat, HEIGHT, WIDTH)))
    np.testing.assert_array_equal(answer.astype(np.bool_), whole(mask))


def test_a_mask_that_sticks_out_is_refused() -> None:
    """A mask outside the photograph is a fault and is not encoded as something else."""
    with pytest.raises(ValueError, match="sticks out"):
        masks.rle(Mask(np.ones((2, 2), np.bool_), WIDTH - 1, 0, 0.9), WIDTH, HEIGHT)


def test_encode_takes_the_format_asked_for() -> None:
    """Each format of the contract has its encoding."""
    mask = SHAPES["ring"]

    assert masks.encode(mask, MaskFormat.RLE, WIDTH, HEIGHT) == masks.rle(mask, WIDTH, HEIGHT)
    assert to_json(masks.encode(mask, MaskFormat.POLYGON, WIDTH, HEIGHT)) == to_json(masks.polygon(mask))
    assert masks.encode(mask, MaskFormat.PNG, WIDTH, HEIGHT) == masks.png(mask)


def test_polygons_stand_in_json_as_lists_of_points() -> None:
    """The arrays of a polygon are lists of [x, y] once the answer is written."""
    assert orjson.loads(to_json(masks.polygon(SHAPES["one pixel"]))) == [
        {"exterior": [[12, 12], [12, 13], [11, 13], [11, 12]], "holes": []}
    ]


def test_a_mask_cut_from_a_larger_array_is_encoded() -> None:
    """A bitmap that is a view with strides is as good as any."""
    large = np.indices((20, 20)).sum(0) % 3 == 0
    view = Mask(large[3:15:2, 2:17], 4, 5, 0.9)
    copy = Mask(np.ascontiguousarray(view.bitmap), 4, 5, 0.9)

    for mask_format in MaskFormat:
        answer = masks.encode(view, mask_format, WIDTH, HEIGHT)
        assert to_json(answer) == to_json(masks.encode(copy, mask_format, WIDTH, HEIGHT))
