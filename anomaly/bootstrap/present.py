"""What there is to choose from on this machine: packages, weights files, a card."""

import importlib
import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anomaly.bootstrap.files import Files, entry_of
from anomaly.bootstrap.tables import ROOT
from anomaly.errors import WeightsError
from anomaly.settings import Settings
from anomaly.vram import Table
from anomaly.weights import Found, Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Present:
    """`sams` are the readable SAM files by their row in `configs/variants.toml`; `troubles` is what was not
    readable, in sentences. `card` is whether an NVIDIA card is to be used. `embedded` is the default that needs
    nothing; `coco_cached` whether RF-DETR's published weights lie on the disk. `detector` is the file that
    DETECTOR_WEIGHTS names.
    """

    sams: Mapping[str, Found]
    troubles: tuple[str, ...]
    card: bool
    embedded: str
    coco_cached: bool
    detector: Found | None = None


def installed(*packages: str) -> bool:
    """Return whether all of `packages` can be imported, without importing them."""
    return all(importlib.util.find_spec(each) is not None for each in packages)


def look(settings: Settings, table: Table, files: Files) -> Present:
    """Look round. Imports torch only where there is something that needs it.

    Downloads what a setting names by repository or address. Raises `WeightsError` where that fails, and where a
    setting names a file that is not there.
    """
    sams, troubles = _sams(settings, table, files)
    named = settings.detector_weights if settings.detector_backend in ("auto", "rfdetr") else None
    detector = None if named is None else files.named(named, "DETECTOR_WEIGHTS")
    if detector is not None and not detector.path.is_file():  # said before anything heavy is imported
        raise WeightsError(
            f"DETECTOR_WEIGHTS={named} is no file; name an RF-DETR checkpoint that is there, or unset it"
        )
    by_name = settings.detector_backend in ("rfdetr", "sam3") or settings.segmenter_backend in (
        "sam2",
        "sam3",
    )
    return Present(
        sams=sams,
        troubles=troubles,
        card=bool(sams or detector or by_name) and _card(settings.device, files),
        embedded="starter" if (ROOT / "anomaly/backends/starter/starter.onnx").is_file() else "ridge",
        coco_cached=any(files.find(entry_of(each)) for each in table.detectors),
        detector=detector,
    )


def _card(device: str, files: Files) -> bool:
    if not installed("torch"):
        return False
    with files.steps("imports"):
        from anomaly.backends.device import gpu

        importlib.import_module("torch")
    return gpu(device) is not None


def _sams(settings: Settings, table: Table, files: Files) -> tuple[dict[str, Found], tuple[str, ...]]:
    """Find SAM files: the one that is named, then those of the published names in every place."""
    if settings.segmenter_backend not in ("auto", "sam2", "sam3") and settings.detector_backend != "sam3":
        return {}, ()
    named = files.named(settings.sam_model_path, "SAM_MODEL_PATH")
    if "sam_model_path" not in settings.model_fields_set:
        named = Found(named.path, Source.BAKED)
    published = [files.find(entry_of(row)) for row in table.segmenters]
    there = {each.path: each for each in (named, *published) if each is not None and each.path.is_file()}
    if not there or not installed("torch"):
        return {}, tuple(f"{path.name} is there, but torch is not installed" for path in list(there)[:1])
    with files.steps("imports"):
        importlib.import_module("torch")
    found: dict[str, Found] = {}
    troubles = []
    for each in there.values():
        try:
            found.setdefault(_row(each.path), each)
        except WeightsError as error:
            troubles.append(str(error))
    return found, tuple(troubles)


def _row(path: Path) -> str:
    """Return the row of the table that a SAM file belongs to, by its keys and shapes alone."""
    from anomaly.backends import sam2, sam3

    if sam3.is_checkpoint(path):
        return "sam3"
    size = sam2.size_of(path)
    if size is None:
        raise WeightsError(f"{path.name} is {sam2.describe(path)}; expected a SAM 3 or a SAM 2.1 checkpoint")
    # A network of one's own sizes is reckoned with the largest of its kind.
    return f"sam2_{'large' if size == 'custom' else size}"
