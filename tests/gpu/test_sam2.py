"""SAM 2.1 in its real sizes on a card, with random weights."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anomaly.backends import sam2
from anomaly.backends.device import import_torchvision
from anomaly.errors import OutOfMemory
from anomaly.types import Box, Image

DEVICE = "cuda"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card"),
]


def built(letter: str) -> Any:
    """A network of a published size with random weights, the same every time."""
    import_torchvision()
    from sam2.build_sam import build_sam2

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_sam2(f"configs/sam2.1/sam2.1_hiera_{letter}.yaml", None, device="cpu")


@pytest.fixture(scope="module", params=[("t", "tiny"), ("l", "large")], ids=["tiny", "large"])
def size(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The letter and the name of a published size."""
    letter, name = request.param
    return letter, name


@pytest.fixture(scope="module")
def weights(size: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of that size."""
    path = tmp_path_factory.mktemp("sam2") / f"{size[1]}.pt"
    torch.save({"model": built(size[0]).state_dict()}, path)
    yield path
    path.unlink()


def photographs(number: int, height: int = 1080, width: int = 1920) -> list[Image]:
    """Random pictures."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for _ in range(number)]


def boxes(number: int) -> list[Box]:
    """Boxes of a few hundred pixels."""
    corners = np.random.default_rng(1).uniform(0, 700, (number, 2)).tolist()
    return [Box(x, y, x + 300, y + 200) for x, y in corners]


def test_masks_are_those_of_the_published_predictor(weights: Path, size: tuple[str, str]) -> None:
    """In fp32, on a picture of the network's own size, pixels and scores inside a box are the package's."""
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    segmenter = sam2.load(weights=weights, size=size[1], device=DEVICE, precision="fp32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script
        predictor = SAM2ImagePredictor(built(size[0]).to(DEVICE))
    image = photographs(1, 1024, 1024)[0]
    predictor.set_image(image)
    for box, mask in zip(boxes(8), segmenter.segment([image], [boxes(8)])[0], strict=True):
        corners = np.array([box.x_min, box.y_min, box.x_max, box.y_max])
        whole, score, _ = predictor.predict(box=corners, multimask_output=False)
        rows, columns = mask.bitmap.shape
        part = whole[0][mask.y : mask.y + rows, mask.x : mask.x + columns] > 0
        assert np.mean(mask.bitmap == part) >= 0.99
        assert mask.score == pytest.approx(float(score[0]), abs=5e-3)


def test_auto_computes_in_bf16_and_agrees_with_fp32(weights: Path) -> None:
    """On a card that has it bf16 is the choice, and its scores are those of fp32 within rounding."""
    image, own = photographs(1), [boxes(8)]
    automatic = sam2.load(weights=weights)
    assert automatic.card.device.startswith("cuda")
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this card has no bf16")
    assert automatic.card.precision == "bf16"
    exact = sam2.load(weights=weights, precision="fp32")
    for left, right in zip(automatic.segment(image, own)[0], exact.segment(image, own)[0], strict=True):
        assert left.score == pytest.approx(right.score, abs=0.03)


def test_a_full_batch_gives_what_each_image_gives_alone(weights: Path) -> None:
    """Eight 1080p photographs with eight boxes each: together as one by one."""
    segmenter = sam2.load(weights=weights, device=DEVICE, precision="fp32", max_batch=8)
    images = photographs(8)
    together = segmenter.segment(images, [boxes(8)] * 8)
    alone = segmenter.segment(images[3:4], [boxes(8)])[0]
    for left, right in zip(together[3], alone, strict=True):
        assert np.mean(left.bitmap == right.bitmap) >= 0.99
        assert left.score == pytest.approx(right.score, abs=5e-3)


def test_too_little_memory_is_said_and_survived(weights: Path) -> None:
    """A batch that does not fit raises OutOfMemory, leaves the memory free, and a smaller one succeeds."""
    segmenter = sam2.load(weights=weights, device=DEVICE, max_batch=64)
    segmenter.segment(photographs(1), [boxes(1)])
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**30) / total)
        with pytest.raises(OutOfMemory):
            segmenter.segment(photographs(64), [boxes(1)] * 64)
        assert len(segmenter.segment(photographs(1), [boxes(1)])[0]) == 1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
