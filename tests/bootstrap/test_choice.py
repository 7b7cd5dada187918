from pathlib import Path

import pytest

from anomaly.bootstrap.choice import choose
from anomaly.bootstrap.present import Present
from anomaly.settings import Settings
from anomaly.weights import Found, Source

SAM2 = {"sam2_large": Found(Path("sam2.1_hiera_large.pt"), Source.EXPLICIT)}
SAM3 = {"sam3": Found(Path("sam3.pt"), Source.EXPLICIT)}


def present(**what: object) -> Present:
    """Return a bare machine, plus `what`."""
    bare: dict[str, object] = {
        "sams": {},
        "troubles": (),
        "card": False,
        "embedded": "ridge",
        "coco_cached": False,
    }
    return Present(**{**bare, **what})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "there", "detector", "segmenter"),
    [
        ({}, {}, "ridge", "ridge"),
        ({}, {"embedded": "starter"}, "starter", "starter"),
        ({}, {"coco_cached": True}, "ridge", "ridge"),
        ({}, {"card": True}, "ridge", "ridge"),
        ({}, {"sams": SAM2, "card": True}, "ridge", "ridge"),
        ({}, {"sams": SAM3, "card": True}, "sam3", "sam"),
        ({}, {"sams": SAM3}, "ridge", "ridge"),
        ({"detector_weights": "w.pth"}, {}, "rfdetr", "ridge"),
        ({"detector_weights": "w.pth"}, {"sams": SAM2}, "rfdetr", "ridge"),
        ({"detector_weights": "w.pth"}, {"sams": SAM2, "card": True}, "rfdetr", "sam"),
        ({"detector_weights": "w.pth"}, {"sams": {**SAM2, **SAM3}, "card": True}, "rfdetr", "sam"),
        ({"detector_weights": "w.pth", "segmenter_backend": "sam2"}, {"sams": SAM2}, "rfdetr", "sam2"),
        ({"detector_weights": "w.pth", "segmenter_backend": "none"}, {}, "rfdetr", "none"),
        ({"detector_backend": "rfdetr"}, {}, "rfdetr", "ridge"),
        ({"detector_backend": "ridge", "detector_weights": "w.pth"}, {}, "ridge", "ridge"),
        ({"detector_backend": "fake"}, {}, "fake", "fake"),
        ({"detector_backend": "fake", "segmenter_backend": "none"}, {}, "fake", "none"),
    ],
)  # fmt: skip
def test_the_best_that_is_present_is_chosen(
    settings: dict[str, object], there: dict[str, object], detector: str, segmenter: str
) -> None:
    """What was asked for is taken; `auto` takes the best that is present, else the embedded default."""
    choice = choose(Settings(**settings), present(**there))  # type: ignore[arg-type]
    assert (choice.detector, choice.segmenter) == (detector, segmenter)
    for why in (choice.why_detector, choice.why_segmenter):
        assert why.endswith(".")


def test_the_reason_says_what_was_missing() -> None:
    """On a bare machine the reason names the setting that would bring more."""
    choice = choose(Settings(), present(coco_cached=True))
    assert "DETECTOR_WEIGHTS" in choice.why_detector
    assert "know no defect" in choice.why_detector


def test_a_file_that_could_not_be_read_is_said() -> None:
    """A damaged SAM file shows up in the reason, not only its absence."""
    choice = choose(Settings(detector_weights="w.pth"), present(troubles=("sam3.pt is empty",)))  # type: ignore[arg-type]
    assert "sam3.pt is empty." in choice.why_segmenter


def test_weights_that_are_not_used_are_said() -> None:
    """A checkpoint that another backend leaves aside is not passed over in silence."""
    choice = choose(Settings(detector_backend="ridge", detector_weights="w.pth"), present())  # type: ignore[arg-type]
    assert "DETECTOR_WEIGHTS is not used" in choice.why_detector
