"""A SAM in parts, and pictures as its image encoder takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anomaly.backends.compiled import Compiled
from anomaly.backends.device import Placement
from anomaly.backends.threads import Threads
from anomaly.types import Image

Tensor = Any
Features = tuple[Tensor, ...]
"""What an encoder made of N photographs: tensors on the device whose first dimension is N."""


@dataclass(frozen=True, slots=True)
class Network:
    """A SAM in parts, on its device and in its precision.

    `encode` takes (N, 3, `size`, `size`) float32 RGB, normalised by `mean` and `std` (per channel, of pixels
    in 0..255), and returns `Features`, which may be kept. `levels` makes of them what the decoder reads: the
    embedding (N, C, g, g) and the finer maps (N, C / 8, 4 g, 4 g) and (N, C / 4, 2 g, 2 g).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    encode: Callable[[Tensor], Features]
    levels: Callable[[Features], tuple[Tensor, Tensor, Tensor]]
    prompt_encoder: Any
    mask_decoder: Any


def compiled(network: Network, placement: Placement, largest: int) -> Network:
    """Return the network with its image encoder compiled for batches of up to `largest`."""
    return replace(network, encode=Compiled(network.encode, largest, on_gpu=placement.on_gpu))


def normalised(
    images: Sequence[Image], network: Network, placement: Placement, threads: Threads | None = None
) -> Tensor:
    """Reduce pictures as bytes to `network.size` squared, upload them together, and normalise there.

    As the packages' own transforms do: bilinear with antialiasing, the aspect ratio given up.
    """
    import torch

    square = (network.size, network.size)
    batch = torch.empty((len(images), 3, *square), dtype=torch.uint8, pin_memory=placement.on_gpu)

    def reduce(slot: Tensor, image: Image) -> None:
        # torch warns of pictures that it may not write to, and cannot read negative strides
        owned = np.require(image, requirements=("C", "W"))
        rgb = torch.from_numpy(owned).permute(2, 0, 1)[None]
        with torch.inference_mode():  # each thread has a mode of its own
            slot.copy_(
                torch.nn.functional.interpolate(
                    rgb, square, mode="bilinear", align_corners=False, antialias=True
                )[0]
            )

    (threads or Threads(1)).map(reduce, list(batch), images)
    pixels = batch.to(placement.device, non_blocking=True).float()
    shift, scale = (
        torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (network.mean, network.std)
    )
    return pixels.sub_(shift).div_(scale)


def in_bf16(network: Any) -> None:
    """Hold in bf16 the weights that autocast would otherwise cast anew in every call.

    The results are those of autocast; memory and time for the casts are saved.
    """
    import torch

    cast = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    for module in network.modules():
        if isinstance(module, cast):
            module.to(torch.bfloat16)
