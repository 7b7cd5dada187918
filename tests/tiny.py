"""Builders of tiny real RF-DETRs, saved as checkpoints: tests run the package that the product runs."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEFECTS = ("crack", "spalling", "corrosion", "efflorescence", "exposed_rebar", "leakage", "graffiti")
"""The classes of a tiny RF-DETR, unless told otherwise."""

SIZES: Mapping[str, Any] = {
    "resolution": 96,
    "dec_layers": 1,
    "num_queries": 20,
    "group_detr": 1,
    "hidden_dim": 32,
    "sa_nheads": 4,
    "ca_nheads": 4,
    "dec_n_points": 1,
    "out_feature_indexes": [1, 2],
}
"""The real backbone on 96 px, one decoder layer, 20 boxes: an image costs about 12 ms of one core."""


def tiny_rfdetr_checkpoint(
    path: Path, classes: Sequence[str] = DEFECTS, *, slots: int | None = None, seed: int = 0
) -> Path:
    """Write a tiny RF-DETR with random weights, the same for the same `seed`, to `path`; return `path`.

    `anomaly.backends.rfdetr.load` and `DETECTOR_WEIGHTS` take it as they take what the package's trainer
    writes (44 MB). `slots` is the number of classes of the head, that of the names unless told otherwise;
    without `classes` no names are stored. On most pictures some twenty of its boxes score 0.3 or more.
    """
    import torch

    slots = len(classes) if slots is None else slots
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, config = _built("Nano", num_classes=slots, **SIZES)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if "class_embed" in name:
                    parameter.normal_(-2.5 if name.endswith("bias") else 0.0, 0.25)
                if "bbox_embed.layers.2" in name:
                    parameter.normal_(0.5 if name.endswith("bias") else 0.0, 0.2)
    # Halves take half the disk, and are the same numbers again once they are loaded.
    weights = {
        key: value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    _save(path, weights, classes, "Nano", config)
    return path


def hollow_rfdetr_checkpoint(path: Path, variant: str, classes: Sequence[str] = DEFECTS) -> Path:
    """Write a checkpoint with the layers of one of the four real variants, all zero, to `path`; return `path`.

    Every tensor repeats one stored number, so the file is small whatever the variant.
    """
    import torch

    with torch.device("meta"):
        network, _ = _built(variant.title(), num_classes=len(classes))
    weights = {
        key: torch.zeros((), dtype=value.dtype).expand(value.shape)
        for key, value in network.state_dict().items()
    }
    _save(path, weights, classes, variant.title(), None)
    return path


def _built(variant: str, **settings: Any) -> tuple[Any, dict[str, Any]]:
    """Return the package's network and its configuration as plain values."""
    from anomaly.backends.device import import_torchvision

    import_torchvision()
    from rfdetr import config
    from rfdetr.models import build_model_from_config

    with package_warnings_ignored():
        described = getattr(config, f"RFDETR{variant}Config")(pretrain_weights=None, device="cpu", **settings)
        network = build_model_from_config(described)
    return network, described.model_dump(exclude={"pretrain_weights", "device"})


def _save(
    path: Path,
    weights: Mapping[str, Any],
    classes: Sequence[str],
    variant: str,
    config: Mapping[str, Any] | None,
) -> None:
    import torch

    content: dict[str, Any] = {
        "model": dict(weights),
        "args": {"num_classes": len(classes), "class_names": list(classes), "pretrain_weights": None},
        "model_name": f"RFDETR{variant}",
    }
    if config is not None:
        content["model_config"] = dict(config)
    torch.save(content, path)


@contextmanager
def package_warnings_ignored() -> Iterator[None]:
    """Let the package warn of untrained weights and of its own deprecated classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
