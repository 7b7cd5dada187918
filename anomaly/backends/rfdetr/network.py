"""The package's network, built for a checkpoint and filled with every one of its tensors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anomaly.backends.checkpoint import fill
from anomaly.backends.rfdetr.checkpoint import VARIANTS, Architecture, Checkpoint
from anomaly.errors import WeightsError

log = logging.getLogger(__name__)

# A constant of the keypoint models, empty in a detector; files older than those models lack it.
_NOT_LEARNED = ("_kp_active_mask",)
_NOT_THE_NETWORKS = {"device", "pretrain_weights", "backbone_lora", "freeze_encoder", "model_name"}


def published_architecture(variant: str) -> Architecture:
    """Return the sizes of one of the four variants, as the package defines them."""
    fields = _config_class(variant).model_fields
    return Architecture(
        *(fields[key].default for key in ("resolution", "dec_layers", "patch_size", "hidden_dim"))
    )


def variant_of(architecture: Architecture) -> str:
    """Return "nano", "small", "medium" or "large", or "custom" for sizes that are none of theirs."""
    return next((v for v in VARIANTS if published_architecture(v) == architecture), "custom")


def build(checkpoint: Checkpoint, path: Path) -> tuple[Any, Any]:
    """Return the network of `checkpoint`, in evaluation mode on the CPU, and its configuration.

    The network takes (N, 3, R, R) float32 and returns (boxes, logits): (N, Q, 4) centre x, centre y,
    width, height as fractions of the picture, and (N, Q, slots + 1). Raises `WeightsError` where the file
    lacks a layer or has one too many: a layer is never left random.
    """
    from rfdetr.models import build_model_from_config

    variant = variant_of(checkpoint.architecture)
    config_class = _config_class(checkpoint.family or (variant if variant in VARIANTS else "nano"))
    settings = {
        key: value
        for key, value in checkpoint.config.items()
        if key in config_class.model_fields and key not in _NOT_THE_NETWORKS
    }
    settings |= {
        "resolution": checkpoint.architecture.resolution,
        "dec_layers": checkpoint.architecture.decoder_layers,
        "patch_size": checkpoint.architecture.patch_size,
        "hidden_dim": checkpoint.architecture.hidden_dim,
        "positional_encoding_size": checkpoint.positions,
        "num_classes": checkpoint.slots,
    }
    settings = {"num_queries": checkpoint.queries, "group_detr": checkpoint.groups} | settings
    try:
        with _quiet():
            # Naming the weights keeps the package from fetching a backbone that they overwrite anyway.
            config = config_class(pretrain_weights=str(path), device="cpu", **settings)
            network = build_model_from_config(config)
    except (ValueError, RuntimeError) as error:
        log.warning("%s: %s", checkpoint.file, error)
        raise WeightsError(
            f"{checkpoint.file} describes a network that the rfdetr package does not build: its model_config is "
            "damaged, or another version of the package wrote it."
        ) from error
    fill(network, checkpoint.weights, name=checkpoint.file, computed=_NOT_LEARNED)
    network.eval()
    network.requires_grad_(False)
    network.export()  # the same numbers without padding masks, and as a plain tuple
    return network, config


def _config_class(variant: str) -> Any:
    from rfdetr import config

    return getattr(config, f"RFDETR{variant.title()}Config")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package's remarks on untrained backbones out of the log: every layer is filled here."""
    chatter = logging.getLogger("rf-detr")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        yield
    finally:
        chatter.setLevel(level)
