"""SAM 2.1 and SAM 2 (https://github.com/facebookresearch/sam2, Apache-2.0): masks from boxes.

The size of the network is read from the weights file, and every weight must be in it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomaly.backends import boxprompts
from anomaly.backends.boxprompts import BoxSegmenter, Features, Network, Tensor, in_bf16
from anomaly.backends.checkpoint import Checkpoint, family, fill, open_checkpoint, undrawn
from anomaly.backends.device import import_torchvision, place, settle, sha256
from anomaly.backends.embeddings import Embeddings
from anomaly.errors import ConfigurationError, WeightsError
from anomaly.types import ModelCard

__all__ = ["SIZES", "describe", "load", "size_of"]

log = logging.getLogger(__name__)

SIZES = ("large", "base_plus", "small", "tiny")

# Width and number of blocks of the image encoder tell the published sizes apart; the letter names the
# package's configuration.
_PUBLISHED = {
    (144, 48): ("large", "l"),
    (112, 24): ("base_plus", "b+"),
    (96, 16): ("small", "s"),
    (96, 12): ("tiny", "t"),
}
_EXPECTED = "a SAM 2.1 or SAM 2 checkpoint"
_WIDTH = "image_encoder.trunk.patch_embed.proj.weight"
_SINCE_2_1 = "no_obj_embed_spatial"

# What a checkpoint of another shape may say of itself under "architecture", where it differs from SAM 2.1
# tiny: whole numbers and lists of them, nothing that names code.
_NUMBERS = {
    "image_size": "model.image_size",
    "embed_dim": "model.image_encoder.trunk.embed_dim",
    "num_heads": "model.image_encoder.trunk.num_heads",
    "memory_attention_layers": "model.memory_attention.num_layers",
}
_LISTS = {
    "stages": "model.image_encoder.trunk.stages",
    "global_att_blocks": "model.image_encoder.trunk.global_att_blocks",
    "window_pos_embed_bkg_spatial_size": "model.image_encoder.trunk.window_pos_embed_bkg_spatial_size",
    "window_spec": "model.image_encoder.trunk.window_spec",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a file is: `size` is one of `SIZES` or "custom"; `config` and `overrides` build its network."""

    version: str
    size: str
    config: str
    overrides: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"a SAM {self.version} {self.size} checkpoint"


def load(
    *,
    weights: Path,
    size: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    max_batch: int = 4,
    max_prompts: int = 32,
    embeddings: Embeddings | None = None,
    compiled: bool = False,
) -> BoxSegmenter:
    """Load a segmenter from Meta's .pt file.

    `size` is "large", "base_plus", "small" or "tiny" and is held against the file; None and "auto" take
    what the file is. `device` and `precision` are those of `device.place`; at most `max_batch` images and
    `max_prompts` boxes go through the network at once; what is encoded is kept in `embeddings`, if they are
    given; `compiled` runs the image encoder through torch.compile. A file of another shape than the four says so
    itself: beside "model", "architecture" holds whole numbers (`image_size`, `embed_dim`, `num_heads`,
    `stages`, ...) in place of SAM 2.1 tiny's. Raises `WeightsError` where the file is not what is asked
    for, `ConfigurationError` for the rest.
    """
    wanted = None if size in (None, "auto") else size
    if wanted not in (None, *SIZES):
        raise ConfigurationError(f"The SAM 2 size {wanted!r} is unknown: use {', '.join(SIZES)} or auto.")
    placement = place(device, precision)
    checkpoint = open_checkpoint(weights, _EXPECTED, lazily=True)
    kind = _kind(checkpoint)
    if kind is None:
        raise WeightsError(
            f"{checkpoint.name!r} is {family(checkpoint.tensors)}. Expected {_EXPECTED}: point "
            "SAM_MODEL_PATH at one, or choose the segmenter that reads this file."
        )
    if wanted not in (None, kind.size):
        raise WeightsError(
            f"{checkpoint.name!r} is {kind}, but the size {wanted!r} was asked for. "
            "Ask for auto, or give the weights of that size."
        )
    module = _build(checkpoint, kind)
    if placement.precision == "bf16":
        in_bf16(module)
    settle(module, placement)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    card = ModelCard(
        backend="sam2",
        variant=kind.size,
        weights=checkpoint.name,
        sha256=sha256(weights),
        device=placement.device,
        precision=placement.precision,
        details={"version": kind.version, "image_size": module.image_size, "parameters": parameters},
    )
    log.info("%s: %s on %s in %s", checkpoint.name, kind, placement.device, placement.precision)
    parts = _parts(module)
    return BoxSegmenter(
        boxprompts.compiled(parts, placement, max_batch) if compiled else parts,
        card,
        placement,
        max_batch=max_batch,
        max_prompts=max_prompts,
        embeddings=embeddings,
    )


def size_of(path: Path) -> str | None:
    """Return the size ("large", ..., "custom") of a SAM 2 file, None for a file of another network.

    Looks at keys and shapes alone. Raises `WeightsError` for a file that cannot be read.
    """
    kind = _kind(open_checkpoint(path, _EXPECTED, lazily=True))
    return None if kind is None else kind.size


def describe(path: Path) -> str:
    """Say in words what a weights file is: "a SAM 2.1 large checkpoint", "a SAM 3 checkpoint".

    Looks at keys and shapes alone. Raises `WeightsError` for a file that cannot be read.
    """
    checkpoint = open_checkpoint(path, _EXPECTED, lazily=True)
    return str(_kind(checkpoint) or family(checkpoint.tensors))


def _kind(checkpoint: Checkpoint) -> _Kind | None:
    tensors = checkpoint.tensors
    if _WIDTH not in tensors:
        return None
    version = "2.1" if _SINCE_2_1 in tensors else "2"
    prefix = "image_encoder.trunk.blocks."
    blocks = len({key[len(prefix) :].partition(".")[0] for key in tensors if key.startswith(prefix)})
    folder = f"configs/sam{version}/sam{version}_hiera_"
    if "architecture" in checkpoint.content:
        overrides = _overrides(checkpoint.content["architecture"], checkpoint.name)
        return _Kind(version, "custom", f"{folder}t.yaml", overrides)
    width = int(tensors[_WIDTH].shape[0])
    if (width, blocks) not in _PUBLISHED:
        raise WeightsError(
            f"{checkpoint.name!r} is a SAM {version} checkpoint of an unknown size (width {width}, {blocks} "
            f'blocks). Expected {", ".join(SIZES)}, or an "architecture" in the file.'
        )
    size, letter = _PUBLISHED[width, blocks]
    return _Kind(version, size, f"{folder}{letter}.yaml")


def _overrides(architecture: Any, name: str) -> tuple[str, ...]:
    """The package's configuration overrides for a shape that the file states; nothing but numbers passes."""
    fault = WeightsError(
        f'The "architecture" in {name!r} is not understood. Expected whole numbers above 0 under '
        f"{', '.join(_NUMBERS)} and lists of them under {', '.join(_LISTS)}: a width that the heads "
        "divide, four stages, an image size that 32 divides."
    )
    if not isinstance(architecture, Mapping) or not set(architecture) <= {*_NUMBERS, *_LISTS}:
        raise fault
    for key, value in architecture.items():
        numbers = value if key in _LISTS and isinstance(value, list) and value else [value]
        if not all(type(number) is int and 0 < number < 1 << 16 for number in numbers):
            raise fault
        if key in _LISTS and not isinstance(value, list):
            raise fault
    width, heads = architecture.get("embed_dim", 96), architecture.get("num_heads", 1)
    stages, side = architecture.get("stages", [1, 2, 7, 2]), architecture.get("image_size", 1024)
    if width % heads or len(stages) != 4 or side % 32:
        raise fault
    widths = [width * factor for factor in (8, 4, 2, 1)]
    return (
        *(f"++{(_NUMBERS | _LISTS)[key]}={value}" for key, value in architecture.items()),
        f"++model.image_encoder.neck.backbone_channel_list={widths}",
    )


def _build(checkpoint: Checkpoint, kind: _Kind) -> Any:
    import_torchvision()  # before the package, which imports it without the mend
    from sam2.build_sam import build_sam2

    try:
        with undrawn():
            module = build_sam2(kind.config, None, device="cpu", hydra_overrides_extra=list(kind.overrides))
    except Exception as error:
        if not kind.overrides:
            raise
        raise WeightsError(
            f'The "architecture" in {checkpoint.name!r} is not one that SAM 2 can have. '
            "Export the file again with the numbers that its network was built with."
        ) from error
    fill(module, checkpoint.tensors, name=checkpoint.name)
    return module.requires_grad_(False)


def _parts(module: Any) -> Network:
    def encode(pixels: Tensor) -> Features:
        fine, middle, embedding = module.image_encoder(pixels)["backbone_fpn"]
        decoder = module.sam_mask_decoder
        if module.directly_add_no_mem_embed:
            embedding = embedding + module.no_mem_embed.view(1, -1, 1, 1)
        return embedding, decoder.conv_s0(fine), decoder.conv_s1(middle)

    return Network(
        size=module.image_size,
        mean=(255 * 0.485, 255 * 0.456, 255 * 0.406),  # sam2.utils.transforms.SAM2Transforms
        std=(255 * 0.229, 255 * 0.224, 255 * 0.225),
        encode=encode,
        levels=lambda features: (features[0], features[1], features[2]),
        prompt_encoder=module.sam_prompt_encoder,
        mask_decoder=module.sam_mask_decoder,
    )
