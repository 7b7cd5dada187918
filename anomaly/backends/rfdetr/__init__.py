"""RF-DETR (https://github.com/roboflow/rf-detr, Apache-2.0): a detector in four sizes, on the CPU or a card.

Weights are the published ones, which know COCO's classes and no defect, or a checkpoint of one's own, which
carries its variant, classes and names.
"""

import logging
from pathlib import Path

from anomaly.backends.device import import_torchvision, place, sha256
from anomaly.backends.embeddings import Embeddings
from anomaly.backends.rfdetr import classes, network
from anomaly.backends.rfdetr.checkpoint import VARIANTS, Checkpoint, read
from anomaly.backends.rfdetr.detector import RFDETR
from anomaly.errors import ConfigurationError, WeightsError
from anomaly.types import ModelCard

__all__ = ["RFDETR", "VARIANTS", "load"]

log = logging.getLogger(__name__)


def load(
    *,
    weights: Path,
    variant: str | None = None,
    published: bool = False,
    num_classes: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    max_batch: int = 8,
    embeddings: Embeddings | None = None,
    compiled: bool = False,
) -> RFDETR:
    """Load a detector.

    `weights` is a checkpoint; `published` says that it is the package's own, of COCO. `variant` is "nano",
    "small", "medium" or "large"; None and "auto" take what the file is. `num_classes` is held against the
    file. `device` and `precision` are those of `device.place`; at most `max_batch` pictures go through the
    network at once, and what it answers is kept in `embeddings`, if they are given. `compiled`
    runs the network through torch.compile. Raises `WeightsError`
    where the weights are not what is asked for, `ConfigurationError` for the rest.
    """
    wanted = None if variant in (None, "auto") else variant
    if wanted not in (None, *VARIANTS):
        raise ConfigurationError(f"DETECTOR_VARIANT={wanted} is unknown: use {', '.join(VARIANTS)} or auto.")
    placement = place(device, precision)
    import_torchvision()  # before the package, which imports it without the mend
    checkpoint = read(weights)
    found = network.variant_of(checkpoint.architecture)
    _check_variant(checkpoint, found, wanted)
    known = classes.of(checkpoint, num_classes)
    module, config = network.build(checkpoint, weights)
    size = str(checkpoint.architecture)
    card = ModelCard(
        backend="rfdetr",
        variant=found,
        classes=known.names,
        weights="COCO (published)" if published else weights.name,
        sha256=sha256(weights),
        device=placement.device,
        precision=placement.precision,
        note="; ".join(filter(None, [f"custom sizes: {size}" if found == "custom" else "", known.note])),
        details={
            "resolution": checkpoint.architecture.resolution,
            "decoder_layers": checkpoint.architecture.decoder_layers,
            "queries": checkpoint.queries,
            "parameters": sum(parameter.numel() for parameter in module.parameters()),
        },
    )
    log.info("RF-DETR %s (%s) from %s on %s in %s", found, size, weights, card.device, card.precision)
    if known.note:
        log.warning("%s", known.note)
    return RFDETR(
        module,
        card,
        known,
        placement,
        resolution=checkpoint.architecture.resolution,
        select=config.num_select,
        max_batch=max_batch,
        embeddings=embeddings,
        compiled=compiled,
    )


def _check_variant(checkpoint: Checkpoint, found: str, wanted: str | None) -> None:
    """Refuse a file that contradicts its own name, or that is not the variant that is wanted."""
    file, size, family = checkpoint.file, checkpoint.architecture, checkpoint.family
    if family and not checkpoint.config:
        layers = network.published_architecture(family).decoder_layers
        if layers != size.decoder_layers:
            raise WeightsError(
                f"{file} contradicts itself: it says that it is RF-DETR {family.title()}, which has {layers} "
                f"decoder layers, but its weights are those of another network ({size})."
            )
    if wanted in (None, found, family):
        return
    kind = f"an RF-DETR {found.title()}"
    if found == "custom":
        kind = f"a custom RF-DETR {family.title()}".rstrip()
    remedy = " or ".join(dict.fromkeys(name for name in (found, family) if name in VARIANTS))
    raise WeightsError(
        f"{file} is {kind} checkpoint ({size}), but DETECTOR_VARIANT={wanted}; set DETECTOR_VARIANT="
        f"{remedy}{' or ' if remedy else ''}auto, or give a {str(wanted).title()} file."
    )
