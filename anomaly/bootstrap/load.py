"""Settings -> loaded models. The only `match` on names of backends."""

import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

from anomaly.backends.beside import Beside
from anomaly.bootstrap import facts, tables
from anomaly.bootstrap.choice import EMBEDDED, Choice, choose
from anomaly.bootstrap.present import Present, installed, look
from anomaly.bootstrap.sam import Sam, open_sam
from anomaly.errors import ConfigurationError
from anomaly.pipeline import Pipeline
from anomaly.ports import Detector, Segmenter
from anomaly.service import Loaded
from anomaly.settings import Settings

log = logging.getLogger(__name__)


class Both(Detector, Segmenter, Protocol):
    """A backend that makes the masks of its own boxes: one object serves twice, and keeps what it computed."""


def load(settings: Settings) -> Loaded:
    """Choose, plan and load. Raises `ConfigurationError` with a sentence that says what to mend."""
    table, taxonomy = tables.variants(), tables.taxonomy()
    present = look(settings, table)
    choice = choose(settings, present)
    _check_packages(choice)
    sam = open_sam(settings, table, present, choice)
    embedded = cache(partial(_embedded, settings))
    detector = _detector(choice.detector, settings, sam, embedded)
    segmenter = _segmenter(choice.segmenter, present, sam, embedded)
    why = {"detector": choice.why_detector, "segmenter": choice.why_segmenter}
    if not taxonomy.knows_defects(detector.card.classes):
        finder = sam.finder or embedded(present.embedded)
        why["beside"] = (
            f"{detector.card.backend} knows no defect, only {detector.card.classes[0]} and the like;"
            f" {finder.card.backend} looks for defects beside it."
        )
        detector = Beside(detector, finder)
    for part, sentence in why.items():
        log.info("%s: %s", part, sentence)
    log.info("plan: %s", sam.plan.reason)
    # A filter on the CPU gains nothing from a batch, and makes its first photograph wait for the last.
    planned = 1 if choice.detector in EMBEDDED and sam.plan.segmenter is None else sam.plan.batch
    batch = settings.max_batch or planned
    return Loaded(
        Pipeline(detector, segmenter, taxonomy, tables.standards()),
        batch,
        facts.of(detector, segmenter, sam.plan, batch, why),
        facts.device(detector, segmenter),
    )


def _detector(name: str, settings: Settings, sam: Sam, embedded: Callable[[str], Both]) -> Detector:
    match name:
        case "rfdetr":
            from anomaly.backends import rfdetr

            named = settings.detector_variant if "detector_variant" in settings.model_fields_set else None
            planned = sam.plan.detector.size if sam.plan.detector else None
            return rfdetr.load(
                variant=named if settings.detector_weights else planned,
                weights=settings.detector_weights,
                num_classes=settings.detector_num_classes,
                device=settings.device,
                precision=settings.precision,
                max_batch=sam.plan.batch,
            )
        case "sam3":
            if sam.finder is None:
                raise ConfigurationError(
                    "DETECTOR_BACKEND=sam3 needs a SAM 3 checkpoint at SAM_MODEL_PATH and an NVIDIA card:"
                    f" {sam.plan.reason}"
                )
            return sam.finder
    return embedded(name)


def _segmenter(name: str, present: Present, sam: Sam, embedded: Callable[[str], Both]) -> Segmenter | None:
    match name:
        case "none":
            return None
        case "sam" | "sam2" | "sam3":
            # Where none of them fits, the plan says so.
            return sam.segmenter or embedded(present.embedded)
    return embedded(name)


def _embedded(settings: Settings, name: str) -> Both:
    match name:
        case "starter":
            from anomaly.backends import starter

            return starter.load(device=settings.device)
        case "ridge":
            from anomaly.backends import ridge

            return ridge.load()
        case _:
            from anomaly.backends import fake

            return fake.load(
                batch_ms=settings.fake_batch_ms, image_ms=settings.fake_image_ms, boxes=settings.fake_boxes
            )


def _check_packages(choice: Choice) -> None:
    """Raise where what was asked for by name needs an extra that is not installed."""
    needed = {"rfdetr": ("torch", "rfdetr"), "sam2": ("torch", "sam2"), "sam3": ("torch", "sam3")}
    for name in (choice.detector, choice.segmenter):
        missing = [each for each in needed.get(name, ()) if not installed(each)]
        if missing:
            raise ConfigurationError(
                f"{name} needs {' and '.join(missing)}, which the light install leaves out;"
                " `make run FULL=1` installs everything"
            )
