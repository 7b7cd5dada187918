"""Where a torch model runs, in which precision, and what its failures mean.

Shared by every backend that runs on torch. Importing this module imports no torch.
"""

import functools
import hashlib
import importlib
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from anomaly import machine
from anomaly.backends.faults import is_lost, is_out_of_memory
from anomaly.errors import AnomalyError, ConfigurationError, DeviceLost, ModelError, OutOfMemory

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a model runs: `device` as torch writes it ("cpu", "cuda", "cuda:1")."""

    device: str
    precision: Precision

    @property
    def on_gpu(self) -> bool:
        """Whether the device is an NVIDIA card."""
        return self.device.startswith("cuda")


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA card, or the slice (MIG) of one that this process sees; memory in MB of 2**20 bytes."""

    name: str
    free_mb: int
    total_mb: int


def place(device: str = "auto", precision: str = "auto") -> Placement:
    """Choose the device and the precision.

    `device` is "auto" (the first NVIDIA card, else the CPU), "cpu", "cuda" or "cuda:N"; `precision` is
    "auto" (bf16 on a card that computes in it, else fp32), "fp32" or "bf16". On a card TF32 is switched
    on for what stays in fp32. Torch is held to the cores that the container may use. Raises
    `ConfigurationError` for a device or precision that is not there.
    """
    import torch

    quota = machine.quota()
    if quota is not None and quota < torch.get_num_threads():  # torch counts the host's
        torch.set_num_threads(quota)
    chosen = _device(device)
    if precision not in ("auto", "fp32", "bf16"):
        raise ConfigurationError(f"The precision {precision!r} is unknown: use auto, fp32 or bf16.")
    if not chosen.startswith("cuda"):
        return Placement(chosen, "bf16" if precision == "bf16" else "fp32")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    with torch.cuda.device(chosen):
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not has_bf16:
        raise ConfigurationError("This graphics card does not compute in bf16: use precision auto or fp32.")
    return Placement(chosen, "bf16" if has_bf16 and precision != "fp32" else "fp32")


def _device(wanted: str) -> str:
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, separator, index = wanted.partition(":")
    if wanted != "cpu" and (kind != "cuda" or (separator and not index.isdecimal())):
        raise ConfigurationError(f"The device {wanted!r} is unknown: use auto, cpu, cuda or cuda:N.")
    if kind == "cuda":
        cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(index or 0) >= cards:
            raise ConfigurationError(
                f"The device {wanted!r} was asked for, but torch sees {cards} NVIDIA card(s): "
                "use auto or cpu, or check the driver and that torch is the CUDA build."
            )
    return wanted


def gpu(device: str = "auto") -> Gpu | None:
    """Return the card behind `device` with its memory as it is now; None on the CPU.

    The figures are the driver's own for what this process may use, so a MIG slice counts as itself.
    """
    chosen = _device(device)
    if chosen == "cpu":
        return None
    import torch

    free, total = torch.cuda.mem_get_info(torch.device(chosen))
    return Gpu(torch.cuda.get_device_name(chosen), free // 2**20, total // 2**20)


def free_memory_mb(device: str = "auto") -> int | None:
    """Return the free memory of the card behind `device`, MB of 2**20 bytes; None on the CPU."""
    card = gpu(device)
    return None if card is None else card.free_mb


def settle(module: Any, placement: Placement) -> Any:
    """Move a network to its device, and return it; on a card with the channels of its maps innermost.

    Convolutions on tensor cores read them so; in the other order every one of them turns its input round.
    """
    import torch

    if not placement.on_gpu:
        return module.to(placement.device)
    return module.to(placement.device, memory_format=torch.channels_last)


@contextmanager
def inference(placement: Placement) -> Iterator[None]:
    """Run the body without autograd and, in bf16, under autocast.

    Autocast, not weights in bf16: its 8 significant bits place nothing finer than 4 px in 1920, so what
    is a coordinate has to stay in fp32.
    """
    import torch

    kind = "cuda" if placement.on_gpu else "cpu"
    with (
        torch.inference_mode(),
        torch.autocast(kind, dtype=torch.bfloat16, enabled=placement.precision == "bf16"),
    ):
        yield


@contextmanager
def failures(model: str) -> Iterator[None]:
    """Turn what goes wrong in the body into `OutOfMemory`, `DeviceLost` or `ModelError`, which names `model`.

    The message is safe for a caller; the log has the traceback.
    """
    try:
        yield
    except AnomalyError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            log.warning("%s: the device's memory did not suffice: %s", model, error)
            _release(error)
            raise OutOfMemory(f"The memory did not suffice for {model} on this many photographs.") from None
        if is_lost(error):
            log.critical("%s: the card is lost to this process", model, exc_info=error)
            raise DeviceLost(
                "The graphics card answers this server no more; send the request to another one."
            ) from error
        log.exception("%s failed", model)
        raise ModelError(f"{model} failed on this photograph; the server's log has the cause.") from error


def _release(error: Exception) -> None:
    """Let go of the failed batch: the traceback's frames would keep its tensors from a smaller retry."""
    import torch

    traceback.clear_frames(error.__traceback__)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def import_torchvision() -> ModuleType:
    """Import torchvision, next to a CPU-only torch too.

    torchvision's PyPI wheel is built for CUDA; beside torch's CPU build its import fails because the
    schemas of its compiled operators are missing. Defining them mends it: transforms and roi_align work,
    nms and image IO still raise when called. Call this before importing a package that needs torchvision.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    _define_missing_operators()
    return importlib.import_module("torchvision")


@functools.cache  # the definitions live as long as the library object does
def _define_missing_operators() -> Any:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
