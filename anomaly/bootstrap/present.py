"""What there is to choose from on this machine: packages, weights files, a card."""

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anomaly.bootstrap.tables import ROOT
from anomaly.errors import WeightsError
from anomaly.settings import Settings
from anomaly.vram import Table

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Present:
    """`sams` are the readable SAM files by their row in `configs/variants.toml`; `troubles` is what was not
    readable, in sentences. `card` is whether an NVIDIA card is to be used. `embedded` is the default that needs
    nothing; `coco_cached` whether RF-DETR's published weights lie on the disk.
    """

    sams: Mapping[str, Path]
    troubles: tuple[str, ...]
    card: bool
    embedded: str
    coco_cached: bool


def installed(*packages: str) -> bool:
    """Return whether all of `packages` can be imported, without importing them."""
    return all(importlib.util.find_spec(each) is not None for each in packages)


def look(settings: Settings, table: Table) -> Present:
    """Look round. Imports torch only where there is something that needs it."""
    from anomaly.backends.rfdetr import published

    sams, troubles = _sams(settings, table)
    wants_torch = bool(sams) or settings.detector_weights or settings.detector_backend in ("rfdetr", "sam3")
    return Present(
        sams=sams,
        troubles=troubles,
        card=bool(wants_torch) and _card(settings.device),
        embedded="starter" if (ROOT / "anomaly/backends/starter/starter.onnx").is_file() else "ridge",
        coco_cached=any(published.cached(each, settings.rf_home) for each in published.FILES),
    )


def _card(device: str) -> bool:
    if not installed("torch"):
        return False
    from anomaly.backends.device import gpu

    return gpu(device) is not None


def _sams(settings: Settings, table: Table) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Find SAM files: the one that is named, then those of the published names beside it and in `models/`."""
    if settings.segmenter_backend not in ("auto", "sam2", "sam3") and settings.detector_backend != "sam3":
        return {}, ()
    folders = dict.fromkeys((settings.sam_model_path.parent, ROOT / "models"))
    published = [folder / row.weights for folder in folders for row in table.segmenters]
    files = [path for path in dict.fromkeys((settings.sam_model_path, *published)) if path.is_file()]
    if not files or not installed("torch"):
        return {}, tuple(f"{path.name} is there, but torch is not installed" for path in files[:1])
    found: dict[str, Path] = {}
    troubles = []
    for path in files:
        try:
            found.setdefault(_row(path), path)
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
