"""Which detector and which segmenter, and why: pure, from the settings and what is present."""

from dataclasses import dataclass

from anomaly.bootstrap.present import Present
from anomaly.settings import Settings

EMBEDDED = ("starter", "ridge")
"""Backends that need no weights, no torch and no card, and that make their own masks."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Names of backends, and the sentence that `/info` and the log give for each."""

    detector: str
    segmenter: str
    why_detector: str
    why_segmenter: str


def choose(settings: Settings, present: Present) -> Choice:
    """Take what was asked for; for `auto` the best that is present, and otherwise the embedded default."""
    detector, why_detector = _detector(settings, present)
    segmenter, why_segmenter = _segmenter(settings, present, detector)
    return Choice(detector, segmenter, why_detector, why_segmenter)


def _detector(settings: Settings, present: Present) -> tuple[str, str]:
    asked = settings.detector_backend
    if asked != "auto":
        unused = (
            "; DETECTOR_WEIGHTS is not used" if settings.detector_weights and asked not in ("rfdetr",) else ""
        )
        return asked, f"DETECTOR_BACKEND={asked} asks for it{unused}."
    if settings.detector_weights:
        return "rfdetr", "DETECTOR_WEIGHTS names a checkpoint, which brings its own classes."
    if "sam3" in present.sams and present.card:
        return "sam3", "There is no DETECTOR_WEIGHTS, and SAM 3 with a card finds defects by their names."
    cached = " RF-DETR's COCO weights are on the disk, but know no defect." if present.coco_cached else ""
    return present.embedded, (
        f"There is no DETECTOR_WEIGHTS and no SAM 3 with a card, so the embedded crack finder serves.{cached}"
    )


def _segmenter(settings: Settings, present: Present, detector: str) -> tuple[str, str]:
    asked = settings.segmenter_backend
    if asked != "auto":
        return asked, f"SEGMENTER_BACKEND={asked} asks for it."
    if detector in (*EMBEDDED, "fake"):
        return detector, "The detector makes the masks of its own boxes."
    trouble = "".join(f" {each}." for each in present.troubles)
    if present.sams and present.card:
        return "sam", f"SAM weights are there, and a card to run them.{trouble}"
    if present.sams:
        return present.embedded, (
            "SAM weights are there, but no card: on a CPU a photo would take up to a minute."
            f" SEGMENTER_BACKEND=sam2 insists.{trouble}"
        )
    return present.embedded, (
        "No SAM weights were found at SAM_MODEL_PATH or beside it, so the embedded crack finder draws the masks:"
        f" good for cracks, poor for anything broad.{trouble}"
    )
