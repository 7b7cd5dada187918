"""Running the embedded network over photographs of any size."""

from typing import Literal

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from anomaly.backends.components import Likeness
from anomaly.backends.starter.inputs import planes
from anomaly.errors import ConfigurationError, ModelError, OutOfMemory
from anomaly.types import Image

STRIDE = 16
"""Sides of what the network is given are multiples of this."""

WHOLE_PIXELS = 1920 * 1088
"""A photograph up to this size is run in one piece."""

TILE_PIXELS = 1024
OVERLAP_PIXELS = 128
"""Tiles overlap by the reach of the network's view, half of which is cut from every inner side."""

AFAR_SHARE = 0.2
"""How much the look from twice as far counts. A wide crack is plain from there, and a rough surface calm."""


class Network:
    """The ONNX file, loaded."""

    def __init__(self, weights: bytes, device: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle threads that spin would take the processor from decoding and from the other requests.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device)
        self._session = onnxruntime.InferenceSession(weights, options, providers=providers)
        used = self._session.get_providers()[0] == "CUDAExecutionProvider"
        self.device = "cpu" if not used else "cuda" if device == "auto" else device
        self._input = self._session.get_inputs()[0].name

    def likeness(self, image: Image) -> Likeness:
        """Return how much each pixel of (H, W, 3) uint8 RGB looks like crack: (H, W) float32, 0..1.

        It looks twice, at the photograph as it is and at half its size: the log-odds of both are averaged.
        """
        odds = self._odds(image)
        height, width = odds.shape
        half = (max(1, width // 2), max(1, height // 2))
        small = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
        afar = cv2.resize(self._odds(small), (width, height), interpolation=cv2.INTER_LINEAR)
        odds = np.asarray(cv2.addWeighted(odds, 1 - AFAR_SHARE, afar, AFAR_SHARE, 0, dst=odds), np.float32)
        return _sigmoid(odds)

    def _odds(self, image: Image) -> NDArray[np.float32]:
        seen = planes(image)
        height, width = seen.shape[1:]
        if height * width <= WHOLE_PIXELS:
            return self._run(seen)
        odds = np.empty((height, width), np.float32)
        half = OVERLAP_PIXELS // 2
        for top, bottom in _spans(height):
            for left, right in _spans(width):
                answer = self._run(seen[:, top:bottom, left:right])
                up, down = top + half * (top > 0), bottom - half * (bottom < height)
                start, end = left + half * (left > 0), right - half * (right < width)
                odds[up:down, start:end] = answer[up - top : down - top, start - left : end - left]
        return odds

    def _run(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width = seen.shape[1:]
        below, beside = -height % STRIDE, -width % STRIDE
        mode: Literal["reflect", "edge"] = "reflect" if below < height and beside < width else "edge"
        padded = np.pad(seen, ((0, 0), (0, below), (0, beside)), mode=mode)
        try:
            (odds,) = self._session.run(None, {self._input: padded[None]})
        except Exception as error:  # onnxruntime's own errors share no public class
            if "alloc" in str(error).lower() or "out of memory" in str(error).lower():
                raise OutOfMemory("The crack finder ran out of memory on this photograph.") from error
            raise ModelError("The crack finder failed on this photograph.") from error
        return np.asarray(odds[0, 0, :height, :width], np.float32)


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    kind, _, index = device.partition(":")
    if device not in ("cpu", "auto") and (kind != "cuda" or (":" in device and not index.isdecimal())):
        raise ConfigurationError(f"The device {device!r} is unknown: use auto, cpu, cuda or cuda:N.")
    if device == "cpu" or "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    return [("CUDAExecutionProvider", {"device_id": index or "0"}), "CPUExecutionProvider"]


def _spans(length: int) -> list[tuple[int, int]]:
    """Divide `length` pixels into overlapping tiles of one size, evenly spread."""
    if length <= TILE_PIXELS:
        return [(0, length)]
    count = -(-(length - OVERLAP_PIXELS) // (TILE_PIXELS - OVERLAP_PIXELS))
    starts = np.linspace(0, length - TILE_PIXELS, count).round().astype(int).tolist()
    return [(start, start + TILE_PIXELS) for start in starts]


def _sigmoid(odds: NDArray[np.float32]) -> Likeness:
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(odds, -30, 30)))
