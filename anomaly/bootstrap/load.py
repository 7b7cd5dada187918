"""Settings -> loaded models. The only `match` on names of backends."""

import importlib
import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

from anomaly import machine
from anomaly.backends.beside import Beside
from anomaly.backends.compiled import buckets
from anomaly.bootstrap import facts, tables
from anomaly.bootstrap.choice import EMBEDDED, Choice, choose
from anomaly.bootstrap.files import Files
from anomaly.bootstrap.present import Present, installed, look
from anomaly.bootstrap.sam import Sam, open_sam
from anomaly.bootstrap.steps import Steps
from anomaly.errors import ConfigurationError
from anomaly.measuring import Measuring
from anomaly.pipeline import Pipeline
from anomaly.ports import Detector, Segmenter
from anomaly.service import Loaded
from anomaly.settings import Settings
from anomaly.weights import Found

log = logging.getLogger(__name__)

MOST_MEASURING = 32
"""Processes, if nothing else is set. One takes 111 ms for 20 cracks (`benchmarks.measuring`): 290 photos a second."""


class Both(Detector, Segmenter, Protocol):
    """A backend that makes the masks of its own boxes: one object serves twice, and keeps what it computed."""


def load(settings: Settings, steps: Steps | None = None) -> Loaded:
    """Choose, plan and load. Raises `ConfigurationError` with a sentence that says what to mend.

    `steps` may hold what was counted before.
    """
    steps = steps or Steps()
    table, taxonomy, standards = tables.variants(), tables.taxonomy(), tables.standards()
    files = Files.of(settings, steps)
    with steps("search"):
        present = look(settings, table, files)
        choice = choose(settings, present)
        _check_packages(choice)
    with steps("imports"):
        _import_packages(choice)
    sam = open_sam(settings, table, present, choice, files)
    with steps("load"):
        embedded = cache(partial(_embedded, settings))
        detector, file = _detector(choice.detector, settings, present, sam, files, embedded)
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
        Pipeline(detector, segmenter, taxonomy, standards, Measuring(processes(settings)), batch),
        batch,
        facts.of(detector, segmenter, sam.plan, batch, why, _sources(file, segmenter, sam))
        | facts.choices(settings.confidence_threshold, standards),
        facts.device(detector, segmenter),
        steps.taken(),
        facts.counts(sam.embeddings),
        _to_warm(batch, settings, detector, segmenter),
    )


def processes(settings: Settings) -> int:
    """Return how many processes measure: what is set, else one for each core but that of the models."""
    if settings.measuring_processes is not None:
        return settings.measuring_processes
    return min(MOST_MEASURING, machine.cores() - 1)


def _detector(
    name: str,
    settings: Settings,
    present: Present,
    sam: Sam,
    files: Files,
    embedded: Callable[[str], Both],
) -> tuple[Detector, Found | None]:
    match name:
        case "rfdetr":
            from anomaly.backends import rfdetr

            named = settings.detector_variant if "detector_variant" in settings.model_fields_set else None
            row = sam.plan.detector or tables.variants().detector("medium")
            file = present.detector or files.published(row)
            detector = rfdetr.load(
                variant=named if present.detector else row.size,
                weights=file.path,
                published=present.detector is None,
                num_classes=settings.detector_num_classes,
                device=settings.device,
                precision=settings.precision,
                max_batch=sam.plan.batch,
                embeddings=sam.embeddings,
                compiled=settings.compile == "on",
            )
            return detector, file
        case "sam3":
            if sam.finder is None:
                raise ConfigurationError(
                    "DETECTOR_BACKEND=sam3 needs a SAM 3 checkpoint at SAM_MODEL_PATH and an NVIDIA card:"
                    f" {sam.plan.reason}"
                )
            return sam.finder, sam.file
    return embedded(name), None


def _to_warm(
    batch: int, settings: Settings, detector: Detector, segmenter: Segmenter | None
) -> tuple[int, ...]:
    """Return the batches to run at the start: on a card each has kernels and memory of its own."""
    cards = (detector.card, *(() if segmenter is None else (segmenter.card,)))
    if settings.compile == "on" or any(each.device != "cpu" for each in cards):
        return buckets(batch)
    return (1,)


def _sources(file: Found | None, segmenter: Segmenter | None, sam: Sam) -> dict[str, str]:
    """Say where the weights of each model came from; what ships with the program is embedded."""
    theirs = sam.file if segmenter is not None and segmenter is sam.segmenter else None
    return {
        "detector": str(file.source) if file else "embedded",
        "segmenter": str(theirs.source) if theirs else "embedded",
    }


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

            return starter.load(device=settings.device, threads=machine.quota() or 0)
        case "ridge":
            from anomaly.backends import ridge

            return ridge.load()
        case _:
            from anomaly.backends import fake

            return fake.load(
                batch_ms=settings.fake_batch_ms, image_ms=settings.fake_image_ms, boxes=settings.fake_boxes
            )


def _import_packages(choice: Choice) -> None:
    """Import what takes seconds now, so that its time counts apart from loading."""
    chosen = {choice.detector, choice.segmenter}
    if chosen & {"rfdetr", "sam", "sam2", "sam3"}:
        from anomaly.backends.device import import_torchvision

        import_torchvision()
    if "rfdetr" in chosen:
        importlib.import_module("rfdetr")


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
