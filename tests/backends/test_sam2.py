"""SAM 2.1: masks from boxes, held to the published package on a tiny real network."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from anomaly.backends import sam2
from anomaly.backends.boxprompts import BoxSegmenter, normalised
from anomaly.backends.device import place
from anomaly.errors import ModelError, OutOfMemory
from anomaly.ports import Segmenter
from anomaly.types import Box, Image, Mask
from tests.tiny_sam import ARCHITECTURE, save_tiny_sam2, tiny_sam2

SIDE = ARCHITECTURE["image_size"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The checkpoint of a tiny SAM 2.1."""
    path = save_tiny_sam2(tmp_path_factory.mktemp("sam2") / "tiny_sam2.pt")
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def segmenter(weights: Path) -> BoxSegmenter:
    """That checkpoint, loaded; two images and three boxes go through the network at once."""
    return sam2.load(weights=weights, device="cpu", max_batch=2, max_prompts=3)


@pytest.fixture(scope="module")
def predictor() -> Any:
    """The published package's own predictor over the same network."""
    network = tiny_sam2()
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script
        predictor = SAM2ImagePredictor(network)
    predictor._bb_feat_sizes = [(SIDE // 4,) * 2, (SIDE // 8,) * 2, (SIDE // 16,) * 2]
    return predictor


def photograph(height: int, width: int, seed: int = 0) -> Image:
    """Smooth random colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def published(predictor: Any, image: Image, box: Box) -> tuple[Image, float]:
    """The package's full-frame mask and score for one box."""
    predictor.set_image(image)
    corners = np.array([box.x_min, box.y_min, box.x_max, box.y_max])
    masks, scores, _ = predictor.predict(box=corners, multimask_output=False)
    return masks[0] > 0, float(scores[0])


def inside(mask: Mask, whole: Image) -> Image:
    """The part of a full-frame mask that a box's mask covers."""
    rows, columns = mask.bitmap.shape
    return whole[mask.y : mask.y + rows, mask.x : mask.x + columns]


def assert_same(one: Sequence[Mask], other: Sequence[Mask]) -> None:
    """Two lists of masks agree on place and pixels."""
    for left, right in zip(one, other, strict=True):
        assert (left.x, left.y) == (right.x, right.y)
        assert left.score == pytest.approx(right.score, abs=1e-4)
        assert left.bitmap.shape == right.bitmap.shape
        assert np.count_nonzero(left.bitmap != right.bitmap) <= 1e-3 * left.bitmap.size


def test_it_is_a_segmenter_that_says_what_it_is(segmenter: BoxSegmenter) -> None:
    """The card names the file, its hash, the network and where it runs, and no path."""
    port: Segmenter = segmenter
    card = port.card
    assert (card.backend, card.variant, card.weights) == ("sam2", "custom", "tiny_sam2.pt")
    assert (card.device, card.precision, card.classes) == ("cpu", "fp32", ())
    assert len(card.sha256 or "") == 64
    assert card.details["version"] == "2.1"
    assert card.details["image_size"] == SIDE


def test_masks_are_those_of_the_published_predictor(segmenter: BoxSegmenter, predictor: Any) -> None:
    """On a picture of the network's own size every pixel inside a box, and the score, is the package's."""
    image = photograph(SIDE, SIDE)
    boxes = [Box(3, 5, 90, 100), Box(40.3, 20.7, 60.2, 127.9), Box(0, 0, SIDE, SIDE), Box(10, 10, 13, 12)]
    masks = segmenter.segment([image], [boxes])[0]
    assert 0 < sum(mask.area for mask in masks) < sum(mask.bitmap.size for mask in masks)
    for mask, box in zip(masks, boxes, strict=True):
        whole, score = published(predictor, image, box)
        np.testing.assert_array_equal(mask.bitmap, inside(mask, whole))
        assert mask.score == pytest.approx(score, abs=1e-5)
        assert mask.cell_pixels == 4.0


@pytest.mark.parametrize(("height", "width"), [(480, 640), (97, 400), (64, 48)])
def test_masks_of_photographs_are_those_of_the_published_predictor(
    segmenter: BoxSegmenter, predictor: Any, height: int, width: int
) -> None:
    """Reduced as bytes, not as floats, a photograph still gives the package's masks and scores."""
    image = photograph(height, width, seed=1)
    boxes = [Box(0.1 * width, 0.2 * height, 0.7 * width, 0.9 * height), Box(0, 0, width, height)]
    for mask, box in zip(segmenter.segment([image], [boxes])[0], boxes, strict=True):
        whole, score = published(predictor, image, box)
        # random weights leave many logits at the threshold, where a grey level of rounding decides
        assert np.mean(mask.bitmap == inside(mask, whole)) >= 0.99
        assert mask.score == pytest.approx(score, abs=1e-3)
        assert mask.cell_pixels == max(height, width) / (SIDE / 4)


def test_pictures_are_reduced_as_the_package_reduces_them(segmenter: BoxSegmenter, predictor: Any) -> None:
    """What the network sees is within one grey level of the package's transforms, and a third on average."""
    for image in (photograph(300, 500), photograph(50, 60), photograph(3, 1000)):
        seen = normalised([image], segmenter._network, place("cpu", "fp32"))[0]
        grey_level = 1 / 255 / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        levels = (seen - predictor._transforms(image)).abs() / grey_level
        assert levels.max() <= 1.0
        assert levels.mean() <= 0.33


def test_a_batch_gives_what_each_image_gives_alone(segmenter: BoxSegmenter, weights: Path) -> None:
    """Five images of different sizes, some without boxes, give the same masks together and one by one."""
    images = [photograph(90 + 50 * n, 200 - 30 * n, seed=n) for n in range(5)]
    boxes = [[Box(5, 5, 70, 80)], [], [Box(0, 0, 60, 60), Box(20, 30, 90, 150)], [], [Box(9, 9, 40, 250)] * 3]
    together = segmenter.segment(images, boxes)
    alone = sam2.load(weights=weights, device="cpu", max_batch=1, max_prompts=1)
    for image, own, masks in zip(images, boxes, together, strict=True):
        assert len(masks) == len(own)
        assert_same(masks, alone.segment([image], [own])[0])


class Calls:
    """Counts the calls of a module's `forward` and the size of each batch."""

    def __init__(self, module: Any) -> None:
        self.sizes: list[int] = []
        self._handle = module.register_forward_hook(self._note, with_kwargs=True)

    def _note(self, _module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _output: Any) -> None:
        self.sizes.append(len(args[0] if args else kwargs["sparse_prompt_embeddings"]))

    def __enter__(self) -> "Calls":
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()


def test_all_boxes_of_all_images_share_one_call_of_the_decoder(weights: Path) -> None:
    """Images are encoded together, those without a box not at all, and all boxes are decoded in one call."""
    segmenter = sam2.load(weights=weights, device="cpu", max_batch=8)
    images = [photograph(100, 120, seed=n) for n in range(4)]
    boxes = [[Box(5, 5, 70, 80)] * 2, [], [Box(0, 0, 60, 60)] * 3, [Box(300, 300, 400, 400)]]
    encoded = []
    network = segmenter._network
    original = segmenter.encode
    segmenter.encode = lambda own, keys: encoded.append(len(own)) or original(own, keys)  # type: ignore
    with Calls(network.mask_decoder) as decoded:
        masks = segmenter.segment(images, boxes)
    assert encoded == [2]
    assert decoded.sizes == [5]
    assert [len(own) for own in masks] == [2, 0, 3, 1]


def test_nothing_to_segment_costs_nothing(segmenter: BoxSegmenter) -> None:
    """Without a box there is no call of the network at all."""
    with Calls(segmenter._network.mask_decoder) as decoded:
        assert segmenter.segment([photograph(50, 50)] * 2, [[], []]) == [[], []]
        assert segmenter.segment([], []) == []
    assert decoded.sizes == []


def test_five_hundred_boxes_are_decoded_in_bounded_parts(weights: Path) -> None:
    """A photograph with very many boxes gives a mask for each, a bounded number at once."""
    segmenter = sam2.load(weights=weights, device="cpu", max_prompts=64)
    random = np.random.default_rng(0)
    corners = random.uniform(0, 200, (500, 2))
    boxes = [Box(x, y, x + 20, y + 15) for x, y in corners.tolist()]
    with Calls(segmenter._network.mask_decoder) as decoded:
        masks = segmenter.segment([photograph(240, 240)], [boxes])[0]
    assert decoded.sizes == [64] * 7 + [52]
    assert len(masks) == 500
    assert_same(masks[123:124], segmenter.segment([photograph(240, 240)], [boxes[123:124]])[0])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3000), (3000, 2), (2, 1)])
def test_any_shape_of_picture_is_segmented(segmenter: BoxSegmenter, height: int, width: int) -> None:
    """A picture of one pixel, one row or one column gives a mask that fits its box."""
    mask = segmenter.segment([photograph(height, width)], [[Box(0, 0, width, height)]])[0][0]
    assert mask.bitmap.shape == (height, width)
    assert 0 <= mask.score <= 1


def test_boxes_over_the_edge_are_cut_at_it(segmenter: BoxSegmenter) -> None:
    """A box that leaves the photograph gives the mask of its part inside, one wholly outside none."""
    image = photograph(100, 120)
    over, cut, outside = segmenter.segment(
        [image], [[Box(-30, -1e9, 60, 50), Box(0, 0, 60, 50), Box(200, 200, 300, 300)]]
    )[0]
    assert_same([over], [cut])
    assert outside.bitmap.shape == (0, 0)
    assert outside.score == 0.0


def test_pictures_may_be_views_and_read_only(segmenter: BoxSegmenter) -> None:
    """A mirrored view that must not be written to gives the masks of its copy, without a warning."""
    view = photograph(100, 120)[:, ::-1]
    view.flags.writeable = False
    boxes = [[Box(5, 5, 70, 80)]]
    assert_same(segmenter.segment([view], boxes)[0], segmenter.segment([view.copy()], boxes)[0])


def test_bf16_is_the_packages_autocast(weights: Path, segmenter: BoxSegmenter) -> None:
    """Weights held in bf16 give, bit for bit, what autocast gives with weights in fp32."""
    image, boxes = photograph(SIDE, SIDE), [Box(3, 5, 90, 100), Box(0, 0, SIDE, SIDE)]
    halved = sam2.load(weights=weights, device="cpu", precision="bf16")
    assert halved.card.precision == "bf16"
    assert halved._network.mask_decoder.conv_s0.weight.dtype == torch.bfloat16
    cast = BoxSegmenter(segmenter._network, segmenter.card, place("cpu", "bf16"), max_batch=4, max_prompts=32)
    for left, right in zip(
        halved.segment([image], [boxes])[0], cast.segment([image], [boxes])[0], strict=True
    ):
        np.testing.assert_array_equal(left.bitmap, right.bitmap)
        assert left.score == right.score


def test_features_may_be_kept_and_asked_again(segmenter: BoxSegmenter) -> None:
    """Encoding and decoding apart, with other boxes each time, give the masks of segmenting at once."""
    from anomaly.backends.boxprompts import Prompt

    images = [photograph(100, 120), photograph(80, 200, seed=1)]
    features = segmenter.encode(images)
    for box in (Box(5, 5, 70, 80), Box(40, 10, 100, 70)):
        masks = segmenter.decode(features, [Prompt(1, box, 200, 80), Prompt(0, box, 120, 100)])
        expected = segmenter.segment(images, [[box], [box]])
        assert_same(masks, [expected[1][0], expected[0][0]])


@pytest.mark.parametrize(
    ("raised", "answered"),
    [(torch.OutOfMemoryError("CUDA out of memory"), OutOfMemory), (ValueError("broken"), ModelError)],
)
def test_what_goes_wrong_inside_is_one_of_our_errors(
    weights: Path, raised: Exception, answered: type[Exception]
) -> None:
    """A failure of the network is told apart: too little memory, or anything else."""

    def fail(*_: object) -> None:
        raise raised

    segmenter = sam2.load(weights=weights, device="cpu")
    segmenter._network.mask_decoder.register_forward_hook(fail)
    with pytest.raises(answered, match="sam2 custom"):
        segmenter.segment([photograph(50, 50)], [[Box(5, 5, 40, 40)]])
