"""SAM 3: masks from boxes and boxes from words, held to the published package on a tiny real network."""

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as Pictures

from anomaly.backends import sam3
from anomaly.backends.device import Placement
from anomaly.backends.embeddings import Embeddings
from anomaly.backends.sam3 import network
from anomaly.errors import ConfigurationError
from anomaly.ports import Detector, Segmenter
from anomaly.types import Box, Image, Mask
from tests.tiny_sam3 import SIDE, VOCABULARY, changed

CONCEPTS = ("crack", "exposed rebar")


@pytest.fixture(scope="module")
def segmenter(sam3_weights: Path) -> sam3.BoxSegmenter:
    """That checkpoint, loaded for boxes alone."""
    return sam3.load(weights=sam3_weights, device="cpu", max_batch=2, max_prompts=3, on_cpu=True)


@pytest.fixture(scope="module")
def pair(sam3_weights: Path) -> tuple[sam3.ConceptDetector, sam3.BoxSegmenter]:
    """That checkpoint, loaded for words and boxes."""
    return sam3.load_with_concepts(
        weights=sam3_weights, concepts=CONCEPTS, device="cpu", max_batch=2, max_prompts=3, on_cpu=True
    )


@pytest.fixture(scope="module")
def processor(sam3_builder: Any, sam3_weights: Path) -> Any:
    """The published package's own processor over the same file, read by the package's own loader."""
    from sam3.model.sam3_image_processor import Sam3Processor

    with network.meant_for(Placement("cpu", "fp32")), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sam3_builder.build_sam3_image_model(
            bpe_path=str(sam3_weights.parent / VOCABULARY),
            checkpoint_path=str(sam3_weights),
            load_from_HF=False,
            device="cpu",
            enable_inst_interactivity=True,
        )
    predictor = model.inst_interactive_predictor
    predictor.model.bf16_context.__exit__(None, None, None)
    predictor._bb_feat_sizes = [(SIDE // 14 * factor,) * 2 for factor in (4, 2, 1)]
    predictor._transforms.max_hole_area = 0  # the package fills holes of up to 256 cells; cracks have them
    # pooling no boxes at all needs a compiler beside torch's CPU build
    model.geometry_encoder.boxes_pool_project = None
    return Sam3Processor(model, resolution=SIDE, device="cpu", confidence_threshold=0.0)


def photograph(height: int, width: int, seed: int = 0) -> Image:
    """Smooth random colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def inside(mask: Mask, whole: Image) -> Image:
    """The part of a full-frame mask that a box's mask covers."""
    rows, columns = mask.bitmap.shape
    return whole[mask.y : mask.y + rows, mask.x : mask.x + columns]


def test_it_is_a_segmenter_that_says_what_it_is(segmenter: sam3.BoxSegmenter) -> None:
    """The card names the file, its hash and where it runs."""
    port: Segmenter = segmenter
    assert (port.card.backend, port.card.weights, port.card.device) == ("sam3", "tiny_sam3.pt", "cpu")
    assert len(port.card.sha256 or "") == 64


@pytest.mark.parametrize(("height", "width"), [(SIDE, SIDE), (480, 640)])
def test_masks_are_those_of_the_published_predictor(
    segmenter: sam3.BoxSegmenter, processor: Any, height: int, width: int
) -> None:
    """Every pixel inside a box, and the score, is the package's."""
    image = photograph(height, width)
    boxes = [Box(3, 5, 0.8 * width, 0.9 * height), Box(0.3 * width, 0.2 * height, width, 0.5 * height)]
    state = processor.set_image(Pictures.fromarray(image))
    masks = segmenter.segment([image], [boxes])[0]
    assert 0 < sum(mask.area for mask in masks) < sum(mask.bitmap.size for mask in masks)
    for mask, box in zip(masks, boxes, strict=True):
        corners = np.array([box.x_min, box.y_min, box.x_max, box.y_max])
        whole, score, _ = processor.model.predict_inst(state, box=corners, multimask_output=False)
        assert np.mean(mask.bitmap == inside(mask, whole[0] > 0)) >= 0.9999
        assert mask.score == pytest.approx(min(float(score[0]), 1), abs=1e-4)
        assert mask.cell_pixels == max(height, width) / (SIDE // 14 * 4)


def test_boxes_from_words_are_those_of_the_published_processor(
    pair: tuple[sam3.ConceptDetector, sam3.BoxSegmenter], processor: Any
) -> None:
    """For every concept of every picture of a batch, the boxes and scores are the package's."""
    images = [photograph(480, 640), photograph(200, 90, seed=1), photograph(SIDE, SIDE, seed=2)]
    for image, found in zip(images, pair[0].detect(images, 0.0), strict=True):
        height, width = image.shape[:2]
        state = processor.set_image(Pictures.fromarray(image))
        for concept in CONCEPTS:
            answer = processor.set_text_prompt(concept, state)
            order = answer["scores"].argsort(descending=True)
            expected = [Box(*box).clipped(width, height) for box in answer["boxes"][order].tolist()]
            own = [detection for detection in found if detection.label == concept]
            np.testing.assert_allclose(
                [detection.score for detection in own], answer["scores"][order], atol=1e-4
            )
            for detection, box in zip(own, expected, strict=True):
                corners = detection.box.x_min, detection.box.y_min, detection.box.x_max, detection.box.y_max
                assert corners == pytest.approx((box.x_min, box.y_min, box.x_max, box.y_max), abs=0.05)


def test_detections_are_sorted_and_above_the_threshold(
    pair: tuple[sam3.ConceptDetector, sam3.BoxSegmenter],
) -> None:
    """The best comes first, nothing is below the threshold, and labels are the concepts as given."""
    port: Detector = pair[0]
    assert port.card.classes == CONCEPTS
    image = photograph(300, 200)
    everything = port.detect([image], 0.0)[0]
    scores = [detection.score for detection in everything]
    assert scores == sorted(scores, reverse=True)
    assert {detection.label for detection in everything} == set(CONCEPTS)
    threshold = scores[len(scores) // 2]
    assert port.detect([image], threshold)[0] == everything[: len(scores) // 2 + 1]
    assert port.detect([], 0.5) == []


def test_words_and_boxes_share_one_image_encoder(
    pair: tuple[sam3.ConceptDetector, sam3.BoxSegmenter], segmenter: sam3.BoxSegmenter
) -> None:
    """The segmenter of the pair answers as the one loaded alone; the text encoder is let go."""
    images, boxes = [photograph(100, 120)], [[Box(5, 5, 70, 80), Box(0, 0, 120, 100)]]
    for left, right in zip(
        pair[1].segment(images, boxes)[0], segmenter.segment(images, boxes)[0], strict=True
    ):
        np.testing.assert_array_equal(left.bitmap, right.bitmap)
    module = pair[0]._parts.module
    assert module.backbone.language_backbone is None
    assert pair[0]._network.prompt_encoder is pair[1]._network.prompt_encoder


def test_a_photograph_is_encoded_once_for_words_and_boxes(sam3_weights: Path) -> None:
    """What the detector encoded, the segmenter finds; asked again, neither encodes at all."""
    kept = Embeddings(64)
    detector, segmenter = sam3.load_with_concepts(
        weights=sam3_weights, concepts=CONCEPTS, device="cpu", on_cpu=True, embeddings=kept
    )
    images, keys = [photograph(100, 120), photograph(90, 200, seed=1)], ["a", "b"]
    boxes = [[Box(5, 5, 70, 80)], [Box(9, 9, 90, 80)]]
    batches: list[int] = []
    detector._parts.visual.trunk.register_forward_hook(lambda _, args, __: batches.append(len(args[0])))
    first = detector.detect(images, 0.5, keys), segmenter.segment(images, boxes, keys)
    again = detector.detect(images, 0.5, keys), segmenter.segment(images, boxes, keys)
    assert batches == [2]
    assert again[0] == first[0]
    for left, right in zip(first[1], again[1], strict=True):
        np.testing.assert_array_equal(left[0].bitmap, right[0].bitmap)
    assert (kept.stats().hits, kept.stats().misses) == (6, 2)


def test_bf16_answers_as_fp32(
    sam3_weights: Path, pair: tuple[sam3.ConceptDetector, sam3.BoxSegmenter]
) -> None:
    """With the image encoder in bf16, boxes, scores and masks stay close to those of fp32."""
    detector, segmenter = sam3.load_with_concepts(
        weights=sam3_weights, concepts=CONCEPTS, device="cpu", precision="bf16", on_cpu=True
    )
    image, box = photograph(200, 300), Box(20, 30, 250, 180)
    left, right = (one.detect([image], 0.0)[0] for one in (detector, pair[0]))
    assert left[0].score == pytest.approx(right[0].score, abs=0.05)
    assert len(left) == len(right)
    left_mask, right_mask = (one.segment([image], [[box]])[0][0] for one in (segmenter, pair[1]))
    assert left_mask.bitmap.shape == right_mask.bitmap.shape
    assert np.mean(left_mask.bitmap == right_mask.bitmap) > 0.9


def test_only_what_boxes_need_is_loaded(
    segmenter: sam3.BoxSegmenter, pair: tuple[sam3.ConceptDetector, sam3.BoxSegmenter]
) -> None:
    """For boxes alone, the text and detector parts of the file are not held."""
    assert segmenter.card.details["parameters"] < pair[1].card.details["parameters"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="describes a machine without an NVIDIA card")
def test_without_a_card_it_is_refused(tmp_path: Path) -> None:
    """On a machine without a card SAM 3 says so before it looks at any file."""
    for load in (sam3.load, lambda **given: sam3.load_with_concepts(concepts=["crack"], **given)):
        with pytest.raises(ConfigurationError, match="SAM 3 needs an NVIDIA card"):
            load(weights=tmp_path / "absent.pt")


def test_rotary_tables_may_be_missing(
    tmp_path: Path, sam3_weights: Path, segmenter: sam3.BoxSegmenter
) -> None:
    """A file without the tables that the network computes gives the same masks."""
    path = changed(
        tmp_path / "a.pt",
        sam3_weights,
        lambda state: {k: v for k, v in state.items() if not k.endswith("freqs_cis")},
    )
    images, boxes = [photograph(100, 120)], [[Box(5, 5, 70, 80)]]
    own = sam3.load(weights=path, device="cpu", on_cpu=True).segment(images, boxes)[0][0]
    np.testing.assert_array_equal(own.bitmap, segmenter.segment(images, boxes)[0][0].bitmap)


def test_concepts_are_named_once_and_trimmed(sam3_weights: Path) -> None:
    """Blanks and repetitions among the concepts are dropped; without any there is nothing to load."""
    detector, _ = sam3.load_with_concepts(
        weights=sam3_weights, concepts=[" crack ", "", "spalling", "crack"], device="cpu", on_cpu=True
    )
    assert detector.card.classes == ("crack", "spalling")
    with pytest.raises(ConfigurationError, match="no concepts"):
        sam3.load_with_concepts(weights=sam3_weights, concepts=["  "], device="cpu", on_cpu=True)
