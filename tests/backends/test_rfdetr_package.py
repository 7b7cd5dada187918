"""What the RF-DETR backend takes for granted of the package; a new version that changes it fails here first."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from anomaly.backends.device import import_torchvision
from anomaly.backends.rfdetr import VARIANTS, detector, network
from anomaly.backends.rfdetr.checkpoint import Architecture, read
from anomaly.backends.rfdetr.resize import Resizer
from tests.tiny import package_warnings_ignored
from tests.vram.tables import table

NOW = f"rfdetr {version('rfdetr')} differs from 1.11: "


def test_the_variants_have_the_published_sizes() -> None:
    """Nano, Small, Medium and Large are what the documentation, and a fine-tuned file's users, take them for."""
    import_torchvision()
    published_sizes = {variant: network.published_architecture(variant) for variant in VARIANTS}
    assert published_sizes == {
        "nano": Architecture(384, 2, 16, 256),
        "small": Architecture(512, 3, 16, 256),
        "medium": Architecture(576, 4, 16, 256),
        "large": Architecture(704, 4, 16, 256),
    }, NOW + "its variants have other sizes"


def test_the_published_files_have_the_names_we_look_for() -> None:
    """The package still downloads each variant under the name by which it is found in the cache."""
    import_torchvision()
    from rfdetr import config
    from rfdetr.assets.model_weights import ModelWeights

    for row in table().detectors:
        fields = getattr(config, f"RFDETR{row.key.title()}Config").model_fields
        assert fields["pretrain_weights"].default == row.weights, NOW + f"{row.key} has another file"
        assert ModelWeights.get_md5(row.weights) == row.md5, NOW + f"it states another md5 of {row.weights}"


def test_the_pictures_are_normalised_as_the_package_does() -> None:
    """Mean and deviation per channel are those of `predict`."""
    import_torchvision()
    import rfdetr

    assert (tuple(rfdetr.RFDETR.means), tuple(rfdetr.RFDETR.stds)) == (detector.MEANS, detector.DEVIATIONS), (
        NOW + "it normalises otherwise"
    )


def test_the_resize_is_that_of_torch() -> None:
    """Resampling equals torch's bilinear without antialiasing, to a hundredth of a grey level, up and down."""
    random = np.random.default_rng(0)
    images = [
        random.integers(0, 256, size, dtype=np.uint8) for size in ((200, 333, 3), (31, 7, 3), (1, 1, 3))
    ]
    resized = Resizer(64, "cpu")(images)
    assert resized.shape == (3, 3, 64, 64)
    for ours, image in zip(resized, images, strict=True):
        planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        theirs = torch.nn.functional.interpolate(planes, size=(64, 64), mode="bilinear", antialias=False)[0]
        assert (ours - theirs).abs().max() < 0.01


def test_the_network_answers_boxes_and_logits(rfdetr_checkpoint: Path) -> None:
    """The exported network gives a pair: boxes as fractions of the picture, then logits with a background."""
    checkpoint = read(rfdetr_checkpoint)
    module, config = network.build(checkpoint, rfdetr_checkpoint)
    with torch.inference_mode():
        answer = module(torch.zeros(2, 3, 96, 96))
    assert isinstance(answer, tuple), NOW + "the exported network answers no tuple"
    assert [tuple(part.shape) for part in answer] == [(2, 20, 4), (2, 20, 8)], (
        NOW + "the exported network answers other than (boxes, logits)"
    )
    assert config.num_select == 300, NOW + "it selects another number of boxes"
    assert not any(module_.training for module_ in module.modules())


def test_export_does_not_change_the_answer(rfdetr_checkpoint: Path) -> None:
    """The network in the form we run, without padding masks, answers what `predict` runs to the last bits."""
    import rfdetr

    with package_warnings_ignored():
        theirs = rfdetr.from_checkpoint(rfdetr_checkpoint, device="cpu").model.model.eval()
    ours, _ = network.build(read(rfdetr_checkpoint), rfdetr_checkpoint)
    pixels = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, (boxes, logits) = theirs(pixels), ours(pixels)
    assert torch.allclose(boxes, expected["pred_boxes"], atol=1e-5), NOW + "export changes its boxes"
    assert torch.allclose(logits, expected["pred_logits"], atol=1e-4), NOW + "export changes its logits"


def test_coco_has_its_eighty_names_and_ninety_numbers() -> None:
    """The package's list of COCO classes is still keyed by COCO's numbers."""
    import_torchvision()
    from rfdetr.assets.coco_classes import COCO_CLASSES

    assert (len(COCO_CLASSES), min(COCO_CLASSES), max(COCO_CLASSES)) == (80, 1, 90), (
        NOW + "its COCO classes are numbered otherwise"
    )
    assert COCO_CLASSES[18] == "dog", NOW + "its COCO classes are numbered otherwise"
