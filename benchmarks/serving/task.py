"""What every peer is given to do: read a photograph, ask the model, answer twenty boxes.

The model is either a lock held for 6 + 1.5 N ms, as a GPU that serves one batch at a time, or a small
network on the CPU. There is one of it, whatever the server.
"""

import base64
import hashlib
import io
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

BOXES = 20
BATCH_MS, IMAGE_MS = 6.0, 1.5
MAX_BATCH = 32
BATCH_WAIT_MS = 2
"""How long the peers that wait for a batch to fill may wait; ours has no such timer."""

SIDE = 320
"""The network's input is (N, 3, SIDE, SIDE) float32, 0..1."""

Picture = NDArray[np.uint8]
Boxes = NDArray[np.float32]
Model = Callable[[Sequence[Picture]], list[Boxes]]

LABELS = ("crack", "spalling", "corrosion", "efflorescence", "exposed rebar")


def decode(data: bytes) -> Picture:
    """Return a photograph's pixels, (H, W, 3) uint8 RGB, with Pillow, as the peers' documentation does."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def decode_text(text: str) -> Picture:
    """Return the pixels of a photograph in base64."""
    return decode(base64.b64decode(text))


def lock() -> Model:
    """Return the model that holds a lock for 6 + 1.5 N ms, and finds boxes drawn from some of the pixels.

    Drawn within that time, as a device finds them while the processor waits; so does our own fake.
    """
    device = threading.Lock()

    def run(pictures: Sequence[Picture]) -> list[Boxes]:
        with device:
            until = time.monotonic() + (BATCH_MS + IMAGE_MS * len(pictures)) / 1e3
            found = [_drawn(each) for each in pictures]
            time.sleep(max(0.0, until - time.monotonic()))
        return found

    return run


def network(path: str) -> Model:
    """Return the network in the ONNX file at `path`, one thread, one batch at a time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    device = threading.Lock()

    def run(pictures: Sequence[Picture]) -> list[Boxes]:
        batch = np.stack([_input(each) for each in pictures])
        with device:
            [found] = session.run(None, {"pictures": batch})
        return list(found)

    return run


def model(name: str) -> Model:
    """Return `lock`, or the network in the file `name`."""
    return lock() if name == "lock" else network(name)


def answer(picture: Picture, boxes: Boxes) -> dict[str, Any]:
    """Return what a caller gets: the names that our own server answers, where nothing segments."""
    height, width = picture.shape[:2]
    digest = hashlib.sha256(picture[::64, ::64].tobytes()).hexdigest()[:12]
    return {
        "frame_id": f"frame_{digest}",
        "image_size": {"width": width, "height": height},
        "anomalies": [
            {
                "anomaly_id": f"anom_{digest}_{number}",
                "defect_type": LABELS[number % len(LABELS)],
                "structure_type": "unknown",
                "bbox": {
                    "x_min": round(x * width, 2),
                    "y_min": round(y * height, 2),
                    "x_max": round((x + w) * width, 2),
                    "y_max": round((y + h) * height, 2),
                },
                "geometry": None,
                "confidence": {
                    "detection": round(score, 4),
                    "segmentation": None,
                    "combined": round(score, 4),
                },
            }
            for number, (x, y, w, h, score) in enumerate(boxes.tolist())
        ],
        "anomaly_count": len(boxes),
        "structures": [],
    }


def _drawn(picture: Picture) -> Boxes:
    rng = np.random.default_rng(int(picture[::97, ::89].sum()))
    return rng.uniform((0, 0, 0.1, 0.1, 0.35), (0.7, 0.7, 0.3, 0.3, 1.0), (BOXES, 5)).astype(np.float32)


def _input(picture: Picture) -> NDArray[np.float32]:
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.multiply(small.transpose(2, 0, 1), np.float32(1 / 255), dtype=np.float32)
