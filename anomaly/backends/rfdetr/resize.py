"""Pictures of any size to the square that the network takes, resampled on the device.

Bilinear between pixel centres without antialiasing, as in training
(https://github.com/roboflow/rf-detr/issues/1203), to float32 precision. Of each picture only the rows
between which samples lie go to the device, as uint8: twice the square's side, however many it has.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.backends.threads import Threads
from anomaly.types import Image


def neighbours(length: int, side: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return between which of `length` pixels each of `side` samples lies, and how far along.

    The first array is (2, side) int64, the lower and the upper pixel; the second is (side,) float32 in
    [0, 1), the weight of the upper one.
    """
    half = np.float32(0.5)
    at = np.maximum((np.arange(side, dtype=np.float32) + half) * np.float32(length / side) - half, 0)
    lower = np.minimum(at.astype(np.int64), length - 1)
    return np.stack([lower, np.minimum(lower + 1, length - 1)]), at - lower.astype(np.float32)


class Resizer:
    """Resizes to `side` x `side` on `device`, and remembers how the widths and heights it met are sampled."""

    def __init__(self, side: int, device: str) -> None:
        self._side = side
        self._device = device
        self._threads = Threads()
        self._sampling = functools.lru_cache(maxsize=64)(self._new_sampling)

    def _new_sampling(self, length: int) -> tuple[NDArray[np.int64], Any, Any]:
        """Return the pixels to take, on the host and on the device, and the weights on the device."""
        import torch

        pixels, weights = neighbours(length, self._side)
        return (
            pixels.ravel(),
            torch.from_numpy(pixels.ravel()).to(self._device),
            torch.from_numpy(weights).to(self._device),
        )

    def __call__(self, images: Sequence[Image]) -> Any:
        """Return (N, 3, side, side) float32, 0..255, on the device; images are (H, W, 3) uint8."""
        import torch

        uploaded = self._upload(images)
        planes = [self._resampled(rows, image) for rows, image in zip(uploaded, images, strict=True)]
        return torch.stack(planes).permute(0, 3, 1, 2)

    def _upload(self, images: Sequence[Image]) -> tuple[Any, ...]:
        """Return, per image, 2 x side rows in one line of uint8, on the device, in one transfer."""
        import torch

        sizes = [2 * self._side * image.shape[1] * 3 for image in images]
        staging = torch.empty(sum(sizes), dtype=torch.uint8, pin_memory=self._device != "cpu")
        sampled = [self._sampling(image.shape[0])[0] for image in images]

        def take(image: Image, part: Any, rows: NDArray[np.int64]) -> None:
            target = part.numpy().reshape(2 * self._side, image.shape[1], 3)
            np.take(image, rows, axis=0, out=target, mode="clip")  # "clip" writes into `out` without a copy

        self._threads.map(take, images, staging.split(sizes), sampled)
        split: tuple[Any, ...] = staging.to(self._device, non_blocking=True).split(sizes)
        return split

    def _resampled(self, rows: Any, image: Image) -> Any:
        import torch

        side, (height, width) = self._side, image.shape[:2]
        _, _, down = self._sampling(height)
        _, columns, right = self._sampling(width)
        near = rows.view(2 * side, width, 3).index_select(1, columns).view(2, side, 2, side, 3).float()
        across = torch.lerp(near[:, :, 0], near[:, :, 1], right[:, None])
        return torch.lerp(across[0], across[1], down[:, None, None])
