"""What an RF-DETR checkpoint is, told from its weights and held against what it says of itself.

The package loads a Nano file into a Medium network with a line in its log and leaves the other layers
random, so nothing is taken on trust here: the tensors decide, and a file whose notes contradict them is
refused.
"""

import argparse
import math
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomaly.backends.checkpoint import family, open_checkpoint
from anomaly.errors import WeightsError

VARIANTS = ("nano", "small", "medium", "large")

_TELLING = (
    "backbone.0.encoder.encoder.embeddings.position_embeddings",  # (1, 1 + grid x grid, width)
    "backbone.0.encoder.encoder.embeddings.patch_embeddings.projection.weight",  # (width, channels, side, side)
    "class_embed.weight",  # (classes + 1 for the background, hidden)
    "query_feat.weight",  # (groups x queries, hidden)
)
_DECODER = re.compile(r"transformer\.decoder\.layers\.(\d+)\.")
_GROUPS = re.compile(r"transformer\.enc_out_class_embed\.(\d+)\.weight")
_OTHER_HEADS = {"segmentation_head.": "segmentation", "keypoint_embed.": "keypoint"}


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes that tell the variants apart; `resolution` is the side of the square input, pixels."""

    resolution: int
    decoder_layers: int
    patch_size: int
    hidden_dim: int

    def __str__(self) -> str:
        layers = "layer" if self.decoder_layers == 1 else "layers"
        return f"{self.resolution} px, {self.decoder_layers} decoder {layers}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that was read. `weights` maps parameter names to tensors on the CPU.

    `slots` is the number of classes of the head without its background; `names` are the class names the
    file stores, empty where it stores none. `family` is the variant the file says it was trained as and
    `config` what it stores of the network's configuration; both may be empty. `queries` and `groups` are
    the object queries and the groups of them that training used.
    """

    file: str
    weights: Mapping[str, Any]
    architecture: Architecture
    positions: int
    slots: int
    queries: int
    groups: int
    names: tuple[str, ...]
    family: str
    config: Mapping[str, Any]


def read(path: Path) -> Checkpoint:
    """Read the checkpoint at `path`; `WeightsError` where it is missing, unreadable or not of RF-DETR."""
    import torch

    # Older trainers wrote their settings as a namespace: plain values, safe to rebuild.
    with torch.serialization.safe_globals([argparse.Namespace, types.SimpleNamespace]):
        opened = open_checkpoint(path, "an RF-DETR checkpoint", lazily=True)
    # PyTorch Lightning and torch.compile put prefixes before the network's own names.
    weights = {
        key.removeprefix("model.").removeprefix("_orig_mod."): value for key, value in opened.tensors.items()
    }
    for prefix, kind in _OTHER_HEADS.items():
        if any(key.startswith(prefix) for key in weights):
            raise WeightsError(
                f"{path.name} is an RF-DETR {kind} checkpoint; give one trained for detection."
            )
    shapes = [tuple(weights[key].shape) if key in weights else () for key in _TELLING]
    positions, patches, head, queries = shapes
    if [len(shape) for shape in shapes] != [3, 4, 2, 2]:
        raise WeightsError(
            f"{path.name} is {family(weights)}; give an RF-DETR checkpoint trained for detection."
        )
    if patches[1] != 3:
        raise WeightsError(f"{path.name} was trained on pictures of {patches[1]} channels; give one for RGB.")
    stored = opened.content.get("model_config")
    config = stored if isinstance(stored, Mapping) else {}
    grid, groups = math.isqrt(positions[1] - 1), max(1, _count(_GROUPS, weights))
    found = Architecture(grid * patches[3], _count(_DECODER, weights), patches[3], head[1])
    return Checkpoint(
        file=path.name,
        weights=weights,
        architecture=_agreed(found, grid, config, path.name),
        positions=grid,
        slots=head[0] - 1,
        queries=queries[0] // groups,
        groups=groups,
        names=_names(opened.content),
        family=_family(opened.content.get("model_name")),
        config=config,
    )


def _count(numbered: re.Pattern[str], weights: Iterable[str]) -> int:
    return len({match[1] for key in weights if (match := numbered.match(key))})


def _agreed(found: Architecture, grid: int, config: Mapping[str, Any], file: str) -> Architecture:
    """Hold the sizes of the tensors against those the file states; only it can state another input side."""
    resolution = config.get("resolution", found.resolution)
    if not isinstance(resolution, int):
        raise WeightsError(f"{file} contradicts itself: its model_config says resolution={resolution!r}.")
    stored = {
        "positional_encoding_size": (
            grid,
            config.get("positional_encoding_size", resolution // found.patch_size),
        ),
        "dec_layers": (found.decoder_layers, config.get("dec_layers", found.decoder_layers)),
        "patch_size": (found.patch_size, config.get("patch_size", found.patch_size)),
        "hidden_dim": (found.hidden_dim, config.get("hidden_dim", found.hidden_dim)),
    }
    for key, (of_tensors, stated) in stored.items():
        if of_tensors != stated:
            raise WeightsError(
                f"{file} contradicts itself: its model_config says {key}={stated}, "
                f"its weights have {of_tensors}."
            )
    return Architecture(resolution, found.decoder_layers, found.patch_size, found.hidden_dim)


def _family(model_name: object) -> str:
    name = str(model_name or "").strip().removeprefix("RFDETR").lower()
    return name if name in VARIANTS else ""


def _names(payload: Mapping[str, Any]) -> tuple[str, ...]:
    settings = payload.get("args", payload.get("hyper_parameters"))
    names = (
        settings.get("class_names")
        if isinstance(settings, Mapping)
        else getattr(settings, "class_names", None)
    )
    if isinstance(names, str):
        return (names,)
    return tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else ()
