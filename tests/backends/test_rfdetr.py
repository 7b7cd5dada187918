"""The RF-DETR detector, on a tiny real network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from anomaly.backends import rfdetr
from anomaly.backends.device import sha256
from anomaly.errors import ConfigurationError, ModelError
from anomaly.types import Detection, Image
from tests.tiny import DEFECTS, package_warnings_ignored, tiny_rfdetr_checkpoint

SIZES = [(96, 96), (480, 640), (1080, 1920), (640, 333), (40, 50), (7, 300), (1, 50), (50, 1), (1, 1)]


def photograph(height: int, width: int, seed: int = 0) -> Image:
    """Return smooth patches with grain, (height, width, 3) uint8."""
    random = np.random.default_rng(seed)
    patches = random.integers(0, 256, (height // 40 + 2, width // 40 + 2, 3), dtype=np.uint8)
    smooth = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int64)
    image: Image = (smooth + random.integers(-12, 12, (height, width, 3))).clip(0, 255).astype(np.uint8)
    return image


def package(path: Path) -> Any:
    """Load a checkpoint with the package's own loader."""
    import rfdetr as package

    with package_warnings_ignored():
        return package.from_checkpoint(path, device="cpu")


def predicted(model: Any, image: Image, threshold: float) -> list[tuple[str, list[float]]]:
    """Return what the package's own `predict` finds, background and all, as (class name, box and score)."""
    found = model.predict(image, threshold=threshold, include_source_image=False)
    rows = zip(found.data["class_name"], found.xyxy, found.confidence, strict=True)
    return sorted((str(name), [*map(float, box), float(score)]) for name, box, score in rows)


@pytest.fixture(scope="module")
def theirs(rfdetr_checkpoint: Path) -> Any:
    """The tiny checkpoint as the package itself loads it."""
    return package(rfdetr_checkpoint)


def rows(found: Sequence[Detection]) -> list[tuple[str, list[float]]]:
    """Return detections in the form of `predicted`."""
    return sorted((x.label, [x.box.x_min, x.box.y_min, x.box.x_max, x.box.y_max, x.score]) for x in found)


def assert_same(ours: list[tuple[str, list[float]]], theirs: list[tuple[str, list[float]]]) -> None:
    """Hold two results to the same labels, boxes within 0.5 px and scores within 0.001."""
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    difference = np.abs(np.array([row for _, row in ours]) - np.array([row for _, row in theirs])).max(axis=0)
    assert difference[:4].max() <= 0.5
    assert difference[4] <= 1e-3


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_it_finds_what_the_package_itself_finds(
    detector: rfdetr.RFDETR, theirs: Any, height: int, width: int
) -> None:
    """On any size of picture, boxes, classes and scores are those of the package's `predict`."""
    image = photograph(height, width)
    found = rows(detector.detect([image], 0.3)[0])
    expected = predicted(theirs, image, 0.3)
    assert len(found) > 3
    assert_same(found, [row for row in expected if row[0] != "__background__"])


def test_detections_are_as_the_port_promises(detector: rfdetr.RFDETR) -> None:
    """Detections come best first, above the threshold, inside the picture, with the checkpoint's names."""
    (found,) = detector.detect([photograph(480, 640)], 0.25)
    scores = [detection.score for detection in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.25
    assert {detection.label for detection in found} <= set(DEFECTS)
    for detection in found:
        box = detection.box
        assert 0 <= box.x_min < box.x_max <= 640
        assert 0 <= box.y_min < box.y_max <= 480


def test_the_same_picture_gives_the_same_answer(detector: rfdetr.RFDETR, rfdetr_checkpoint: Path) -> None:
    """A second call, and a second load of the same file, answer the same to the last digit."""
    image = photograph(300, 400)
    first = detector.detect([image], 0.3)
    assert first[0]
    assert detector.detect([image], 0.3) == first
    assert rfdetr.load(weights=rfdetr_checkpoint, device="cpu").detect([image], 0.3) == first


def test_pictures_of_mixed_sizes_share_a_batch(detector: rfdetr.RFDETR) -> None:
    """More pictures than one batch holds, of every size, are answered in order as if each came alone."""
    images = [photograph(height, width, seed) for seed, (height, width) in enumerate(SIZES)]
    together = detector.detect(images, 0.3)
    assert len(together) == len(images)
    for found, image in zip(together, images, strict=True):
        assert_same(rows(found), rows(detector.detect([image], 0.3)[0]))


def test_views_of_arrays_are_pictures_too(detector: rfdetr.RFDETR) -> None:
    """Flipped, cropped and read-only arrays are answered as their copies are, and left as they were."""
    image = photograph(200, 300)
    image.setflags(write=False)
    for view in (image, image[::-1, ::-1], image[10:150:2, 20:280], image.transpose(1, 0, 2)):
        assert detector.detect([view], 0.3) == detector.detect([view.copy()], 0.3)


def test_nothing_in_nothing_out(detector: rfdetr.RFDETR) -> None:
    """No pictures give no results, and an unreachable threshold gives empty ones."""
    assert detector.detect([], 0.3) == []
    assert detector.detect([photograph(60, 80)] * 2, 1.0) == [[], []]


def test_the_card_says_what_was_loaded(detector: rfdetr.RFDETR, rfdetr_checkpoint: Path) -> None:
    """The card names the variant, the classes, the file without its folder and its digest."""
    card = detector.card
    assert (card.backend, card.variant, card.device, card.precision) == ("rfdetr", "custom", "cpu", "fp32")
    assert card.classes == DEFECTS
    assert card.weights == "bridges.pth"
    assert card.sha256 == sha256(rfdetr_checkpoint)
    assert card.note == "custom sizes: 96 px, 1 decoder layer"
    assert card.details["resolution"] == 96


def test_bf16_finds_about_the_same_scores(detector: rfdetr.RFDETR, rfdetr_checkpoint: Path) -> None:
    """In bf16 the detector runs, and its best score is within 0.1 of that in fp32."""
    image = photograph(480, 640)
    halved = rfdetr.load(weights=rfdetr_checkpoint, device="cpu", precision="bf16")
    assert halved.card.precision == "bf16"
    ours, theirs = (model.detect([image], 0.1)[0][0].score for model in (halved, detector))
    assert ours != theirs
    assert abs(ours - theirs) < 0.1


def altered(path: Path, target: Path, key: str, index: int, value: float) -> Path:
    """Copy a checkpoint to `target` with one number changed."""
    content = torch.load(path, weights_only=True)
    content["model"][key][index] = value
    torch.save(content, target)
    return target


def test_the_background_is_never_answered(rfdetr_checkpoint: Path, tmp_path: Path) -> None:
    """Where the network is sure of the background everywhere, the package says so and we say nothing of it."""
    path = altered(rfdetr_checkpoint, tmp_path / "background.pth", "class_embed.bias", len(DEFECTS), 10.0)
    image = photograph(120, 160)
    theirs = predicted(package(path), image, 0.3)
    assert sum(name == "__background__" for name, _ in theirs) == 20
    found = rfdetr.load(weights=path, device="cpu").detect([image], 0.3)[0]
    assert found
    assert_same(rows(found), [row for row in theirs if row[0] != "__background__"])


def test_numbers_that_are_not_finite_are_a_failure(rfdetr_checkpoint: Path, tmp_path: Path) -> None:
    """A network that answers NaN has failed; it has not found nothing."""
    path = altered(rfdetr_checkpoint, tmp_path / "nan.pth", "bbox_embed.layers.2.bias", 0, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        rfdetr.load(weights=path, device="cpu").detect([photograph(60, 80)], 0.3)


def test_what_is_no_picture_is_a_model_error(detector: rfdetr.RFDETR) -> None:
    """An array of another shape ends in the tree's own error, not in torch's."""
    with pytest.raises(ModelError, match="RF-DETR Custom failed"):
        detector.detect([np.zeros((4, 4, 4), np.uint8)], 0.3)


def test_coco_numbers_its_classes_with_gaps(tmp_path: Path) -> None:
    """A head of 90 without names is COCO's, and each of its sparse columns is named as the package names it."""
    path = tiny_rfdetr_checkpoint(tmp_path / "coco.pth", (), slots=90)
    detector = rfdetr.load(weights=path, num_classes=80, device="cpu")
    assert len(detector.card.classes) == 80
    assert (detector.card.classes[0], detector.card.classes[-1]) == ("person", "toothbrush")
    image = photograph(240, 320)
    theirs = predicted(package(path), image, 0.5)
    named = [row for row in theirs if row[0]]
    assert len(named) < len(theirs)  # the package answers the gaps too, without a name
    assert_same(rows(detector.detect([image], 0.5)[0]), named)


def test_classes_without_names_are_numbered_and_it_is_said(tmp_path: Path) -> None:
    """A file that stores no names answers class_0, class_1, ..., never COCO's names, and the card says why."""
    path = tiny_rfdetr_checkpoint(tmp_path / "nameless.pth", (), slots=3)
    card = rfdetr.load(weights=path, device="cpu").card
    assert card.classes == ("class_0", "class_1", "class_2")
    assert "nameless.pth stores no class names" in card.note


@pytest.mark.parametrize("variant", ["huge", "Nano", ""])
def test_an_unknown_variant_is_refused(variant: str, rfdetr_checkpoint: Path) -> None:
    """A variant that does not exist is refused with those that do."""
    with pytest.raises(ConfigurationError, match="nano, small, medium, large or auto"):
        rfdetr.load(variant=variant, weights=rfdetr_checkpoint)
