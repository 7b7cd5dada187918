"""The memory plan, and the SAM that it leads to: SAM 3, else SAM 2.1, else none."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

from anomaly.backends.embeddings import Embeddings
from anomaly.bootstrap.choice import Choice
from anomaly.bootstrap.embeddings import limit_mb
from anomaly.bootstrap.files import Files, entry_of
from anomaly.bootstrap.present import Present
from anomaly.errors import ConfigurationError
from anomaly.ports import Detector, Segmenter
from anomaly.settings import Settings
from anomaly.vram import Plan, Precision, Table, Variant, Wish, plan
from anomaly.weights import Found

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sam:
    """What was planned for both models, and the SAM that was opened, if one was.

    `finder` finds defects by their names with the same SAM 3, where it is one. `file` is where its weights lay.
    `embeddings` is for what both models compute of photographs.
    """

    plan: Plan
    segmenter: Segmenter | None = None
    finder: Detector | None = None
    file: Found | None = None
    embeddings: Embeddings = field(default_factory=Embeddings)


def open_sam(settings: Settings, table: Table, present: Present, choice: Choice, files: Files) -> Sam:
    """Plan for the memory there is, and open the SAM of the plan.

    One that was asked for by name and is nowhere at hand is downloaded. A file that turns out to be damaged
    is passed over for the next that fits, and said aloud; with STRICT_VARIANT it is an error. Raises as
    `anomaly.vram.plan` does.
    """
    wanted = "sam3" if choice.detector == "sam3" else choice.segmenter
    at_hand: dict[str, Found | None] = {**present.sams}
    if not at_hand and files.may_download:
        at_hand = dict.fromkeys(_downloadable(table, wanted, present))
    troubles: list[str] = []
    while True:
        wish = _wish(settings, wanted, tuple(at_hand), choice, present)
        made = plan(_free_mb(settings, present), table, wish)
        if wish.detector is None and wish.segmenter == "none":
            # Nobody looked for a card either: that takes torch, which the embedded backends do without.
            made = replace(made, reason="Nothing is loaded that needs a card's memory.")
        made = replace(made, reason=" ".join((*troubles, made.reason)))
        if made.segmenter is None:
            return Sam(made, embeddings=Embeddings(limit_mb(settings.embedding_cache_mb, made, shared=False)))
        try:
            file = at_hand[made.segmenter.key] or files.obtain(entry_of(made.segmenter))
            with files.steps("load"):
                return _open(made, made.segmenter, file, settings, choice)
        except ConfigurationError as error:
            if settings.strict_variant or len(at_hand) == 1:
                raise
            log.warning("%s; trying the next best", error)
            troubles.append(f"{made.segmenter.title} could not be loaded: {error}")
            del at_hand[made.segmenter.key]


def _downloadable(table: Table, wanted: str, present: Present) -> tuple[str, ...]:
    """Return the rows that are worth a download for what was asked for by name.

    Without a card it is SAM 2.1 tiny alone: the large one takes a minute for a photograph.
    """
    if wanted == "sam3":
        return ("sam3",) if present.card else ()
    if wanted != "sam2":
        return ()
    rows = tuple(each.key for each in table.segmenters if each.backend == "sam2")
    return rows if present.card else rows[-1:]


def _wish(
    settings: Settings, wanted: str, at_hand: tuple[str, ...], choice: Choice, present: Present
) -> Wish:
    detector: str | None = None
    detectors: tuple[str, ...] | None = None
    if choice.detector == "rfdetr":
        detector = settings.detector_variant
        if present.detector is not None:
            # What a file is cannot step down; a network of one's own sizes is reckoned as the largest.
            detector = _variant_of(present.detector.path)
            detectors = (detector,)
    segmenter = {"sam": "auto", "sam2": "sam2", "sam3": "sam3"}.get(wanted, "none")
    return Wish(
        detector=detector,
        segmenter=segmenter,
        detectors_at_hand=detectors,
        segmenters_at_hand=at_hand,
        strict=settings.strict_variant,
        precision=_precision(settings) if detector or segmenter != "none" else "fp32",
        batch_limit=settings.max_batch,
    )


def _free_mb(settings: Settings, present: Present) -> int | None:
    if not present.card:
        return None
    if settings.vram_budget_mb is not None:
        return settings.vram_budget_mb
    from anomaly.backends.device import free_memory_mb

    return free_memory_mb(settings.device)


def _variant_of(weights: Path) -> str:
    from anomaly.backends.device import import_torchvision
    from anomaly.backends.rfdetr import checkpoint, network

    import_torchvision()
    found = network.variant_of(checkpoint.read(weights).architecture)
    return "large" if found == "custom" else found


def _precision(settings: Settings) -> Precision:
    from anomaly.backends.device import place

    return place(settings.device, settings.precision).precision


def _open(made: Plan, row: Variant, file: Found, settings: Settings, choice: Choice) -> Sam:
    path = file.path
    device, precision, batch = settings.device, settings.precision, made.batch
    # Looking for words costs memory and time: only where nothing else knows defects.
    words = row.backend == "sam3" and (
        choice.detector == "sam3" or (choice.detector == "rfdetr" and settings.detector_weights is None)
    )
    kept = Embeddings(limit_mb(settings.embedding_cache_mb, made, shared=words))
    if row.backend == "sam2":
        from anomaly.backends import sam2

        segmenter = sam2.load(
            weights=path,
            device=device,
            precision=precision,
            max_batch=batch,
            embeddings=kept,
            compiled=settings.compile == "on",
        )
        return Sam(made, segmenter, file=file, embeddings=kept)
    from anomaly.backends import sam3

    if words:
        finder, segmenter = sam3.load_with_concepts(
            weights=path,
            concepts=settings.sam_concepts.split(","),
            device=device,
            precision=precision,
            max_batch=batch,
            embeddings=kept,
        )
        return Sam(made, segmenter, finder, file, kept)
    segmenter = sam3.load(weights=path, device=device, precision=precision, max_batch=batch, embeddings=kept)
    return Sam(made, segmenter, file=file, embeddings=kept)
