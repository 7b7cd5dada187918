"""SAM 3 in its real size on a card, with random weights."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pictures

from anomaly.backends import sam3
from anomaly.backends.device import Placement
from anomaly.backends.sam3 import network
from anomaly.types import Box, Image
from tests.tiny_sam3 import VOCABULARY, save_tiny_sam3

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card"),
]

CARD = Placement("cuda", "fp32")
CONCEPTS = ("crack", "exposed rebar")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of the published size: the builder of the package, not shrunk."""
    path = tmp_path_factory.mktemp("sam3") / "sam3.pt"
    with network.package(Placement("cpu", "fp32")) as builder:
        save_tiny_sam3(path, builder)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def processor(weights: Path) -> Any:
    """The published package's own processor over the same file, in fp32."""
    from sam3.model.sam3_image_processor import Sam3Processor

    with network.package(CARD) as builder:
        model = builder.build_sam3_image_model(
            bpe_path=str(weights.parent / VOCABULARY),
            checkpoint_path=str(weights),
            load_from_HF=False,
            enable_inst_interactivity=True,
        )
    model.inst_interactive_predictor.model.bf16_context.__exit__(None, None, None)
    model.inst_interactive_predictor._transforms.max_hole_area = 0
    return Sam3Processor(model, confidence_threshold=0.0)


def photograph(side: int = 1008) -> Image:
    """A random picture."""
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def test_nothing_is_left_switched_on(weights: Path) -> None:
    """Loading SAM 3 leaves no autocast behind for the models that run beside it."""
    sam3.load(weights=weights)
    assert not torch.is_autocast_enabled("cuda")


def test_masks_are_those_of_the_published_predictor(weights: Path, processor: Any) -> None:
    """In fp32, on a picture of the network's own size, pixels and scores inside a box are the package's."""
    segmenter = sam3.load(weights=weights, precision="fp32")
    image = photograph()
    boxes = [Box(100, 50, 500, 400), Box(600, 20, 1000, 1000), Box(5, 5, 80, 900)]
    state = processor.set_image(Pictures.fromarray(image))
    for box, mask in zip(boxes, segmenter.segment([image], [boxes])[0], strict=True):
        corners = np.array([box.x_min, box.y_min, box.x_max, box.y_max])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole, score, _ = processor.model.predict_inst(state, box=corners, multimask_output=False)
        rows, columns = mask.bitmap.shape
        part = whole[0][mask.y : mask.y + rows, mask.x : mask.x + columns] > 0
        assert np.mean(mask.bitmap == part) >= 0.99
        assert mask.score == pytest.approx(min(float(score[0]), 1), abs=5e-3)


def test_boxes_from_words_are_those_of_the_published_processor(weights: Path, processor: Any) -> None:
    """In fp32 the best boxes and scores of each concept are the package's."""
    detector, _ = sam3.load_with_concepts(weights=weights, concepts=CONCEPTS, precision="fp32")
    image = photograph()
    found = detector.detect([image], 0.0)[0]
    state = processor.set_image(Pictures.fromarray(image))
    for concept in CONCEPTS:
        answer = processor.set_text_prompt(concept, state)
        own = sorted(detection.score for detection in found if detection.label == concept)
        np.testing.assert_allclose(own, answer["scores"].sort().values.cpu().numpy(), atol=5e-3)


def test_bf16_holds_the_image_encoder_in_half_the_memory(weights: Path) -> None:
    """For boxes alone, in bf16, the weights take about a gigabyte of the card."""
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this card has no bf16")
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    segmenter = sam3.load(weights=weights)
    held = torch.cuda.memory_allocated() - before
    assert segmenter.card.precision == "bf16"
    assert held < 1.2 * 2**30
    masks = segmenter.segment([photograph(2000)] * 2, [[Box(10, 10, 900, 900)]] * 2)
    assert [own[0].bitmap.shape for own in masks] == [(890, 890)] * 2
