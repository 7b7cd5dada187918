"""Checkpoints with random weights: of the real sizes for a card, tiny ones for the CPU."""

import gc
from pathlib import Path
from typing import Any

from anomaly.backends.device import Placement, import_torchvision
from tests.tiny import DEFECTS, package_warnings_ignored, tiny_rfdetr_checkpoint
from tests.tiny_sam import ARCHITECTURE, save_tiny_sam2, tiny_sam2
from tests.tiny_sam3 import save_tiny_sam3

TINY = "tiny network"
"""In place of a variant: the package's own network with other numbers."""

DETECTORS = ("large", "medium", "small", "nano")
SAMS = {"large": "l", "base_plus": "b+", "small": "s", "tiny": "t"}


def detector_file(folder: Path, variant: str) -> Path:
    """Write an RF-DETR of `variant`, random, and return its path."""
    if variant == TINY:
        return tiny_rfdetr_checkpoint(folder / "rf.pt")
    import torch

    import_torchvision()
    import rfdetr

    build = getattr(rfdetr, f"RFDETR{variant.title()}")
    with package_warnings_ignored():
        network = build(pretrain_weights=None, num_classes=len(DEFECTS), device="cpu").model.model
    args = {"num_classes": len(DEFECTS), "class_names": list(DEFECTS), "pretrain_weights": None}
    path = folder / f"rf-{variant}.pt"
    content = {"model": network.state_dict(), "args": args, "model_name": f"RFDETR{variant.title()}"}
    torch.save(content, path)
    return path


def sam2_file(folder: Path, size: str) -> Path:
    """Write a SAM 2.1 of `size`, random, and return its path."""
    if size == TINY:
        return save_tiny_sam2(folder / "sam.pt")
    import torch

    path = folder / f"sam2-{size}.pt"
    torch.save({"model": sam2_module(None, size, "cpu").state_dict()}, path)
    return path


def sam3_file(folder: Path) -> Path:
    """Write a SAM 3 of its published size, random, and return its path. Needs what the package needs: a card."""
    from anomaly.backends.sam3 import network

    path = folder / "sam3.pt"
    with network.package(Placement("cpu", "fp32")) as builder:
        save_tiny_sam3(path, builder)
    gc.collect()
    return path


def sam2_module(path: Path | None, size: str, device: str) -> Any:
    """Return the SAM 2.1 of `path`, or a random one, as its own package builds it."""
    if size == TINY:
        return tiny_sam2().to(device)
    import torch

    import_torchvision()
    from sam2.build_sam import build_sam2

    module = build_sam2(f"configs/sam2.1/sam2.1_hiera_{SAMS[size]}.yaml", None, device=device)
    if path is not None:
        module.load_state_dict(torch.load(path, weights_only=True)["model"])
    return module


def side_of(size: str) -> int:
    """Return the side of SAM 2.1's input, pixels."""
    return int(ARCHITECTURE["image_size"]) if size == TINY else 1024
