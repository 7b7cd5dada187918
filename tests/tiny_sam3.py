"""A tiny real SAM 3: the published package's networks with other numbers, saved in the layout of sam3.pt."""

import gzip
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SIDE = 112  # pixels: 8 x 8 patches, and masks decided on 32 x 32 cells

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"

_PATCH = 14


def shrink_sam3(patch: pytest.MonkeyPatch) -> Any:
    """Make the package build tiny networks for as long as `patch` lasts; return its `model_builder`.

    Depths, widths and the picture's side shrink; what is computed with them stays as it is.
    """
    import torch

    from anomaly.backends.device import Placement
    from anomaly.backends.sam3 import network

    _import_without_triton()
    with network.package(Placement("cpu", "fp32")) as builder:
        for name, numbers in {
            "ViT": {
                "img_size": SIDE,
                "pretrain_img_size": 2 * _PATCH,
                "embed_dim": 32,
                "depth": 2,
                "num_heads": 2,
                "mlp_ratio": 2.0,
                "window_size": 4,
                "global_att_blocks": (1,),
            },
            "VETextEncoder": {"width": 32, "heads": 2, "layers": 1},
            "TransformerEncoderFusion": {"num_layers": 1},
            "TransformerDecoder": {"num_layers": 2, "num_queries": 20, "resolution": SIDE},
            "SequenceGeometryEncoder": {"num_layers": 1},
            "Sam3TrackerPredictor": {"image_size": SIDE},
            "TransformerEncoderCrossAttention": {"num_layers": 1},
            "RoPEAttention": {"feat_sizes": [SIDE // _PATCH] * 2},
            "TransformerEncoderLayer": {"dim_feedforward": 64},
            "TransformerDecoderLayer": {"dim_feedforward": 64},
            "TransformerDecoderLayerv2": {"dim_feedforward": 64},
        }.items():
            patch.setattr(builder, name, _with(getattr(builder, name), numbers))
        sine = builder.PositionEmbeddingSine
        patch.setattr(
            builder, "PositionEmbeddingSine", lambda **given: sine(**{**given, "precompute_resolution": None})
        )
    assert not torch.is_autocast_enabled("cpu")
    return builder


def save_tiny_sam3(path: Path, builder: Any, *, seed: int = 0) -> Path:
    """Write a tiny SAM 3 with random weights, the same for the same `seed`, to `path`; return `path`.

    The keys are those of the package's video model, which loads Meta's sam3.pt to the last key. A vocabulary
    is written beside it.
    """
    import torch

    from anomaly.backends.device import Placement
    from anomaly.backends.sam3 import network

    with (
        network.meant_for(Placement("cpu", "fp32")),
        warnings.catch_warnings(),
        torch.random.fork_rng(devices=[]),
    ):
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        video = builder.build_sam3_video_model(
            load_from_HF=False, device="cpu", bpe_path=str(save_vocabulary(path.parent / VOCABULARY))
        )
        video.tracker.bf16_context.__exit__(None, None, None)
        for name, parameter in video.named_parameters():  # some are left as memory was found
            parameter.data.normal_(0, 0.02 if name.endswith("bias") else parameter.shape[-1] ** -0.5)
            if "norm" in name and name.endswith("weight"):
                parameter.data += 1
    torch.save({"model": video.state_dict()}, path)
    return path


def changed(path: Path, source: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    """Save the tensors of the checkpoint `source`, changed, to `path`; return `path`."""
    import torch

    state = torch.load(source, weights_only=True, mmap=True)["model"]
    torch.save({"model": change(state)}, path)
    return path


def save_vocabulary(path: Path) -> Path:
    """Write a vocabulary of five merges in the format of CLIP's to `path`; return `path`."""
    merges = ["#version: 0.2", "c r", "a c", "cr ac", "crac k</w>", "s p"]
    path.write_bytes(gzip.compress("\n".join(merges).encode()))
    return path


def _with(build: Callable[..., Any], numbers: dict[str, Any]) -> Callable[..., Any]:
    return lambda **given: build(**{**given, **numbers})


def _import_without_triton() -> None:
    """Import the package where triton is absent, as beside torch's CPU build.

    It imports triton for kernels that run on a card alone. The stand-in goes as soon as they are defined,
    before torch could take it for the real one.
    """
    if importlib.util.find_spec("triton"):
        return
    from anomaly.backends.device import import_torchvision

    import_torchvision()
    triton, language = types.ModuleType("triton"), types.ModuleType("triton.language")
    triton.__dict__.update(jit=lambda function: function, language=language)
    language.__dict__["constexpr"] = int
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(sys.modules, "triton", triton)
        patch.setitem(sys.modules, "triton.language", language)
        importlib.import_module("sam3.model_builder")
