"""A tiny real SAM 2.1, saved as a checkpoint: the published package's network with other numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

ARCHITECTURE: Mapping[str, Any] = {
    "image_size": 128,
    "embed_dim": 16,
    "num_heads": 1,
    "stages": [1, 1, 2, 1],
    "global_att_blocks": [3],
    "window_pos_embed_bkg_spatial_size": [4, 4],
    "window_spec": [8, 4, 4, 2],
    "memory_attention_layers": 1,
}
"""7.7 million parameters; an image costs about 50 ms of one core."""


_ELSEWHERE = ("image_size", "memory_attention_layers")  # the rest are the image encoder's


def save_tiny_sam2(path: Path, *, version: str = "2.1", seed: int = 0) -> Path:
    """Write a tiny SAM 2.1 (or "2") with random weights, the same for the same `seed`, to `path`; return it.

    `anomaly.backends.sam2.load` and `SAM_MODEL_PATH` take it as they take Meta's files.
    """
    import torch

    state = tiny_sam2(version=version, seed=seed).state_dict()
    torch.save({"model": state, "architecture": dict(ARCHITECTURE)}, path)
    return path


def tiny_sam2(*, version: str = "2.1", seed: int = 0) -> Any:
    """Build the same network with the package's own builder, in evaluation mode on the CPU."""
    import torch

    from anomaly.backends.device import import_torchvision

    import_torchvision()
    from sam2.build_sam import build_sam2

    trunk = {key: value for key, value in ARCHITECTURE.items() if key not in _ELSEWHERE}
    widths = [ARCHITECTURE["embed_dim"] * factor for factor in (8, 4, 2, 1)]
    overrides = [
        f"++model.image_size={ARCHITECTURE['image_size']}",
        f"++model.memory_attention.num_layers={ARCHITECTURE['memory_attention_layers']}",
        f"++model.image_encoder.neck.backbone_channel_list={widths}",
        *(f"++model.image_encoder.trunk.{key}={value}" for key, value in trunk.items()),
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_sam2(
            f"configs/sam{version}/sam{version}_hiera_t.yaml",
            None,
            device="cpu",
            hydra_overrides_extra=overrides,
        )
