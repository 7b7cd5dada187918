"""Settings -> loaded models. The only `match` on names of backends."""

import logging

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


def load(settings: Settings) -> Loaded:
    """Choose, plan and load. Raises `ConfigurationError` with a sentence that says what to mend."""
    table, taxonomy = tables.variants(), tables.taxonomy()
    present = look(settings, table)
    choice = choose(settings, present)
    _check_packages(choice)
    sam = open_sam(settings, table, present, choice)
    detector = _detector(choice.detector, settings, sam)
    segmenter = _segmenter(choice, settings, present, detector, sam)
    why = {"detector": choice.why_detector, "segmenter": choice.why_segmenter}
    if not taxonomy.knows_defects(detector.card.classes):
        finder = sam.finder or _detector(present.embedded, settings, sam)
        why["beside"] = (
            f"{detector.card.backend} knows no defect, only {detector.card.classes[0]} and the like;"
            f" {finder.card.backend} looks for defects beside it."
        )
        detector = Beside(detector, finder)
    for part, sentence in why.items():
        log.info("%s: %s", part, sentence)
    log.info("plan: %s", sam.plan.reason)
    # A filter on the CPU gains nothing from a batch, and makes its first photograph wait for the last.
    batch = 1 if choice.detector in EMBEDDED and sam.plan.segmenter is None else sam.plan.batch
    return Loaded(
        Pipeline(detector, segmenter, taxonomy),
        settings.max_batch or batch,
        facts.of(detector, segmenter, sam.plan, settings.max_batch or batch, why),
        facts.device(detector, segmenter),
    )


def _detector(name: str, settings: Settings, sam: Sam) -> Detector:
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
        case "starter":
            from anomaly.backends import starter

            return starter.load(device=settings.device)
        case "ridge":
            from anomaly.backends import ridge

            return ridge.load()
        case "fake":
            from anomaly.backends import fake

            return fake.load(
                batch_ms=settings.fake_batch_ms, image_ms=settings.fake_image_ms, boxes=settings.fake_boxes
            )
    raise ConfigurationError(f"there is no detector {name!r}")


def _segmenter(
    choice: Choice, settings: Settings, present: Present, detector: Detector, sam: Sam
) -> Segmenter | None:
    match choice.segmenter:
        case "none":
            return None
        case "sam" | "sam2" | "sam3" if sam.segmenter is not None:
            return sam.segmenter
        case "sam":  # none of them fits: the plan says so
            name = present.embedded
        case _:
            name = choice.segmenter
    # The embedded backends and the fake do both: one object serves twice, and keeps what it has computed.
    both = detector if name == choice.detector else _detector(name, settings, sam)
    return both  # type: ignore[return-value]


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
