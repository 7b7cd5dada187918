"""What RF-DETR weights are refused for, and in which words."""

import argparse
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from anomaly.backends import rfdetr
from anomaly.backends.rfdetr import network
from anomaly.backends.rfdetr.checkpoint import read
from anomaly.errors import WeightsError
from tests.tiny import DEFECTS, hollow_rfdetr_checkpoint

Content = dict[str, Any]


def rewritten(source: Path, target: Path, change: Callable[[Content], Any]) -> Path:
    """Copy a checkpoint to `target`, changed; what `change` returns takes its place, if it returns anything."""
    content = torch.load(source, weights_only=True, mmap=True)
    replaced = change(content)
    torch.save(content if replaced is None else replaced, target)
    return target


def refusal(path: Path, **options: Any) -> str:
    """Return the words in which a file is refused, which never tell where it lies."""
    with pytest.raises(WeightsError) as caught:
        rfdetr.load(weights=path, device="cpu", **options)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("variant", rfdetr.VARIANTS)
def test_every_variant_is_told_from_its_weights(variant: str, tmp_path: Path) -> None:
    """The four variants are recognised whatever the file is called."""
    checkpoint = read(hollow_rfdetr_checkpoint(tmp_path / "weights.pth", variant))
    assert network.variant_of(checkpoint.architecture) == variant
    assert checkpoint.slots == len(checkpoint.names) == len(DEFECTS)
    assert (checkpoint.queries, checkpoint.groups) == (300, 13)


def test_another_variant_than_asked_for_is_refused(tmp_path: Path) -> None:
    """A Nano file for a Medium is refused with a sentence that says what the file is and what to do."""
    path = hollow_rfdetr_checkpoint(tmp_path / "bridges.pth", "nano")
    assert refusal(path, variant="medium") == (
        "bridges.pth is an RF-DETR Nano checkpoint (384 px, 2 decoder layers), but DETECTOR_VARIANT=medium; "
        "set DETECTOR_VARIANT=nano or auto, or give a Medium file."
    )


def test_a_real_variant_loads_as_what_it_is(tmp_path: Path) -> None:
    """A file of Nano's own sizes loads as Nano, asked for or not, and runs."""
    path = hollow_rfdetr_checkpoint(tmp_path / "bridges.pth", "nano")
    detector = rfdetr.load(weights=path, variant="nano", device="cpu")
    assert (detector.card.variant, detector.card.note) == ("nano", "")
    assert detector.card.details["resolution"] == 384


@pytest.mark.parametrize("variant", ["nano", "auto", None])
def test_custom_sizes_load_as_the_variant_they_came_from(
    variant: str | None, rfdetr_checkpoint: Path
) -> None:
    """A network of unusual sizes is taken for the variant that it was trained as."""
    assert rfdetr.load(weights=rfdetr_checkpoint, variant=variant, device="cpu").card.variant == "custom"


def test_custom_sizes_are_not_another_variant(rfdetr_checkpoint: Path) -> None:
    """A network of unusual sizes is refused as any other variant."""
    assert refusal(rfdetr_checkpoint, variant="large") == (
        "bridges.pth is a custom RF-DETR Nano checkpoint (96 px, 1 decoder layer), but DETECTOR_VARIANT=large; "
        "set DETECTOR_VARIANT=nano or auto, or give a Large file."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no weights file 'bridges.pth'"),
        (b"", "is empty"),
        (b"\x93NUMPY random bytes that torch.save never wrote" * 9, "not a checkpoint that torch can read"),
        (pickle.dumps({"model": Path}), "not a checkpoint that torch can read"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
    ],
)
def test_what_is_no_checkpoint_is_refused(content: bytes | None, words: str, tmp_path: Path) -> None:
    """A missing, empty, foreign or unsafe file is refused for what it is."""
    path = tmp_path / "bridges.pth"
    if content is not None:
        path.write_bytes(content)
    assert words in refusal(path)


def test_a_file_that_is_cut_off_is_refused(rfdetr_checkpoint: Path, tmp_path: Path) -> None:
    """Half a checkpoint is refused as damaged."""
    path = tmp_path / "bridges.pth"
    path.write_bytes(rfdetr_checkpoint.read_bytes()[:1_000_000])
    assert "cut off" in refusal(path)


def test_objects_beside_data_are_not_loaded(tmp_path: Path) -> None:
    """A checkpoint that holds Python objects is refused, not executed."""
    path = tmp_path / "bridges.pth"
    torch.save({"model": {}, "trainer": Path("x")}, path)
    assert "holds objects beside tensors" in refusal(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.pop("model") and None, "holds no tensors"),
        (lambda content: [1, 2], "holds no tensors"),
        (lambda content: {"model": {"conv.weight": torch.zeros(3)}}, "is a checkpoint of another network"),
        (lambda content: {"model": {"image_encoder.trunk.x": torch.zeros(3)}}, "is a SAM 2 checkpoint"),
        (
            lambda content: content["model"].update({"segmentation_head.x": torch.zeros(1)}),
            "is an RF-DETR segmentation checkpoint; give one trained for detection",
        ),
        (
            lambda content: content["model"].pop("bbox_embed.layers.0.weight") is None or None,
            "lacks bbox_embed",
        ),
        (
            lambda content: content["model"].update({"extra.weight": torch.zeros(1)}),
            "has unknown extra.weight",
        ),
        (
            lambda content: content["model_config"].update(ca_nheads=8),
            "has another shape for transformer.decoder",
        ),
        (
            lambda content: content["model_config"].update(dec_layers=3),
            "says dec_layers=3, its weights have 1",
        ),
        (lambda content: content["model_config"].update(resolution="big"), "says resolution='big'"),
        (lambda content: content["model_config"].update(encoder="resnet"), "does not build"),
        (
            lambda content: content.update(model_config=None, model_name="RFDETRMedium"),
            "says that it is RF-DETR Medium, which has 4 decoder layers",
        ),
        (
            lambda content: content["args"].update(class_names=["crack", "rust"]),
            "names 2 classes (crack, rust), but its head has 7",
        ),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(
    change: Callable[[Content], Any], words: str, rfdetr_checkpoint: Path, tmp_path: Path
) -> None:
    """Layers that are missing, left over or contradicted by the file's own notes are an error, never random."""
    assert words in refusal(rewritten(rfdetr_checkpoint, tmp_path / "bridges.pth", change))


def test_the_number_of_classes_is_held_against_the_file(rfdetr_checkpoint: Path) -> None:
    """Another number of classes than the file's is refused with the file's."""
    assert refusal(rfdetr_checkpoint, num_classes=80) == (
        "bridges.pth has 7 classes (crack, spalling, corrosion, efflorescence, exposed_rebar, ...), but "
        "DETECTOR_NUM_CLASSES=80; set DETECTOR_NUM_CLASSES=7, or unset it."
    )
    assert rfdetr.load(weights=rfdetr_checkpoint, num_classes=7, device="cpu").card.classes == DEFECTS


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(args=argparse.Namespace(**content["args"])),
        lambda content: {
            "state_dict": {f"model._orig_mod.{key}": value for key, value in content["model"].items()},
            "hyper_parameters": content["args"],
            "model_config": content["model_config"],
        },
        lambda content: content["model"].pop("_kp_active_mask") is None or None,
    ],
    ids=["namespace", "lightning", "without the keypoint constant"],
)
def test_what_other_versions_of_the_trainer_wrote_loads_too(
    change: Callable[[Content], Any], rfdetr_checkpoint: Path, tmp_path: Path
) -> None:
    """The older and the unstripped forms of a checkpoint carry the same classes."""
    path = rewritten(rfdetr_checkpoint, tmp_path / "bridges.pth", change)
    assert rfdetr.load(weights=path, device="cpu").card.classes == DEFECTS
