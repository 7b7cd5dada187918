"""SAM 3's networks, built by its package and filled with a checkpoint to the last key.

What the package gets in the way of: it imports what it does not declare, writes "cuda" where the device
should be, switches autocast on for the whole process when it builds its tracker, and loads a checkpoint
with a printed line where keys are missing.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomaly.backends.boxprompts import Features, Network, Tensor, in_bf16
from anomaly.backends.checkpoint import Checkpoint, family, fill, undrawn
from anomaly.backends.device import Placement, import_torchvision, settle
from anomaly.errors import ConfigurationError, WeightsError

EXPECTED = "Meta's SAM 3 checkpoint (sam3.pt)"

# The two halves of the published file, by the beginnings of their keys.
_DETECTOR, _TRACKER = "detector.", "tracker."
_TRUNK = f"{_DETECTOR}backbone.vision_backbone.trunk."
_BOX_DECODER = f"{_TRACKER}sam_mask_decoder."

_COMPUTED = (".freqs_cis",)  # rotary tables, which the network computes where a file lacks them


@dataclass(frozen=True, slots=True)
class Parts:
    """`module` holds all that is kept; `visual` is the image encoder, `tracker` answers box prompts."""

    module: Any
    visual: Any
    tracker: Any


def belongs(tensors: Mapping[str, Any]) -> bool:
    """Whether the keys are those of Meta's file: a detector and a tracker."""
    return any(key.startswith(_TRUNK) for key in tensors) and any(
        key.startswith(_BOX_DECODER) for key in tensors
    )


def check(checkpoint: Checkpoint) -> None:
    """Raise `WeightsError` that says what the file is where it is not SAM 3's."""
    if not belongs(checkpoint.tensors):
        raise WeightsError(
            f"{checkpoint.name!r} is {family(checkpoint.tensors)}. Expected {EXPECTED}, with the keys "
            f"{_TRUNK}* and {_BOX_DECODER}*: point SAM_MODEL_PATH at one."
        )


@contextmanager
def meant_for(placement: Placement) -> Iterator[None]:
    """In the body, where the package says "cuda", the placement's device is meant."""
    import torch

    with torch.cuda.device(placement.device) if placement.on_gpu else _without_cuda():
        yield


@contextmanager
def package(placement: Placement) -> Iterator[Any]:
    """Give the package's `model_builder`, to build for `placement` in the body.

    Raises `ConfigurationError` where something that the package needs is not installed.
    """
    import_torchvision()  # before the package, which imports it without the mend
    with meant_for(placement), warnings.catch_warnings():
        # of torch.jit.script, and of autocast for a card that is not there
        warnings.simplefilter("ignore")
        try:
            from sam3 import model_builder
        except ImportError as error:
            raise ConfigurationError(
                f"SAM 3 cannot be loaded, because the package {error.name!r} is not installed: "
                "pip install 'anomaly-server[sam3]' triton."
            ) from error
        yield model_builder


def boxes_only(builder: Any, checkpoint: Checkpoint, placement: Placement) -> Parts:
    """Build and fill the image encoder and the box-prompt part alone, without the text and the detector."""
    with undrawn():
        tracker = builder.build_tracker(apply_temporal_disambiguation=False, with_backbone=True)
    _leave_autocast(tracker)
    backbone = f"{_DETECTOR}backbone.vision_backbone."
    wanted = {
        **_under(checkpoint.tensors, backbone, "backbone.vision_backbone."),
        **_under(checkpoint.tensors, _TRACKER, ""),
    }
    fill(tracker, wanted, name=checkpoint.name, computed=_COMPUTED)
    parts = Parts(tracker, tracker.backbone.vision_backbone, tracker)
    _settle(parts, placement)
    return parts


def with_words(
    builder: Any, checkpoint: Checkpoint, placement: Placement, vocabulary: Path, concepts: Sequence[str]
) -> tuple[Parts, Mapping[str, Tensor]]:
    """Build and fill the whole network, encode `concepts`, and let go of what is then no longer needed.

    The second value is what the detector reads of the concepts, on the placement's device: `module` is
    then a `Sam3Image` without its text encoder and its mask head.
    """
    import torch

    with undrawn():
        model = builder.build_sam3_image_model(
            bpe_path=str(vocabulary),
            device="cpu",
            load_from_HF=False,
            enable_segmentation=False,
            enable_inst_interactivity=True,
        )
    tracker = model.inst_interactive_predictor.model
    _leave_autocast(tracker)
    detector = _under(checkpoint.tensors, _DETECTOR, "")
    wanted = {
        **{key: tensor for key, tensor in detector.items() if not key.startswith("segmentation_head.")},
        **_under(checkpoint.tensors, _TRACKER, "inst_interactive_predictor.model."),
    }
    fill(model, wanted, name=checkpoint.name, computed=_COMPUTED)
    with torch.inference_mode():
        phrases = model.backbone.forward_text(list(concepts), device="cpu")
    model.backbone.language_backbone = None
    # Concepts are found without example boxes; pooling none of them costs a pinned upload a call.
    model.geometry_encoder.boxes_pool_project = None
    parts = Parts(model, model.backbone.vision_backbone, tracker)
    _settle(parts, placement)
    kept = ("language_features", "language_mask")
    return parts, {key: phrases[key].to(placement.device) for key in kept}


def encode(visual: Any, pixels: Tensor) -> Features:
    """Run the image encoder: (N, 3, S, S) to features (N, C, g, g), which boxes and words both start from."""
    return (visual.trunk(pixels)[-1],)


def prompted(parts: Parts) -> Network:
    """Show the box-prompt part as a SAM with an image encoder, a prompt encoder and a mask decoder."""
    tracker, neck = parts.tracker, parts.visual.sam2_convs

    def levels(features: Features) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, embedding = (neck[place](features[0]) for place in range(3))
        decoder = tracker.sam_mask_decoder
        embedding = embedding + tracker.no_mem_embed.view(1, -1, 1, 1)
        return embedding, decoder.conv_s0(fine), decoder.conv_s1(middle)

    return Network(
        size=tracker.image_size,
        mean=(127.5, 127.5, 127.5),  # sam3.model.sam3_image_processor.Sam3Processor
        std=(127.5, 127.5, 127.5),
        encode=lambda pixels: encode(parts.visual, pixels),
        levels=levels,
        prompt_encoder=tracker.sam_prompt_encoder,
        mask_decoder=tracker.sam_mask_decoder,
    )


def _under(tensors: Mapping[str, Any], beginning: str, replacement: str) -> dict[str, Any]:
    return {
        replacement + key.removeprefix(beginning): tensor
        for key, tensor in tensors.items()
        if key.startswith(beginning)
    }


def _settle(parts: Parts, placement: Placement) -> None:
    parts.module.eval().requires_grad_(False)
    if placement.precision == "bf16":
        # The image encoder alone: the package computes layers of its decoder outside autocast.
        in_bf16(parts.visual)
    settle(parts.module, placement)


def _leave_autocast(tracker: Any) -> None:
    """The tracker's constructor enters bf16 autocast and stays in it: every other model would be in it too."""
    tracker.bf16_context.__exit__(*sys.exc_info())


@contextmanager
def _without_cuda() -> Iterator[None]:
    """In the body a tensor that is asked for on "cuda" is made on the processor."""
    import torch
    from torch.overrides import TorchFunctionMode

    class WithoutCuda(TorchFunctionMode):  # type: ignore[misc]  # torch is not followed by mypy
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            given = dict(kwargs or {})
            if given.get("device") is not None and torch.device(given["device"]).type == "cuda":
                given["device"] = "cpu"
            return func(*args, **given)

    with WithoutCuda():
        yield
