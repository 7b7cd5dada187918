"""Write the trained network as ONNX, and hold it against torch: `python -m training.export`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.network import build

if TYPE_CHECKING:
    from torch import nn

OPSET = 17
"""Read by onnxruntime since 1.12 and by OpenCV's own reader."""

TOLERANCE = 1e-3
"""Largest difference allowed between onnxruntime's and torch's log-odds."""


def write(network: nn.Module, path: Path) -> str:
    """Write `network` to `path`, heights and widths free (multiples of 16); return the file's sha256.

    Raises `RuntimeError` where the file's answer strays from torch's by more than `TOLERANCE`.
    """
    import onnx
    import torch

    network = network.eval().float().to(memory_format=torch.contiguous_format)
    free = {
        "planes": {0: "photographs", 2: "height", 3: "width"},
        "log_odds": {0: "photographs", 2: "height", 3: "width"},
    }
    torch.onnx.export(
        network, (torch.zeros(1, 4, 64, 96),), str(path), input_names=["planes"], output_names=["log_odds"],
        dynamic_axes=free, opset_version=OPSET, dynamo=False, do_constant_folding=True,
    )  # fmt: skip
    onnx.checker.check_model(onnx.load(path))
    worst = difference(network, path)
    if worst > TOLERANCE:
        raise RuntimeError(f"The exported network strays from torch by {worst:.2g}, more than {TOLERANCE:g}.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def difference(network: nn.Module, path: Path) -> float:
    """Return the largest difference in log-odds between onnxruntime and torch, over two sizes."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    worst = 0.0
    for shape in ((1, 4, 96, 160), (2, 4, 256, 128)):
        planes = rng.normal(0, 1, shape).astype(np.float32)
        with torch.no_grad():
            theirs = network(torch.from_numpy(planes)).numpy()
        (ours,) = session.run(None, {"planes": planes})
        worst = max(worst, float(np.abs(theirs - ours).max()))
    return worst


def main(arguments: Sequence[str] | None = None) -> None:
    """Export what a training folder holds: the finished network, or the state so far."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("work/training"))
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args(arguments)
    network = build()
    network.load_state_dict(torch.load(options.folder / "state.pt", weights_only=True)["averaged"])
    print(write(network, options.to), options.to)


if __name__ == "__main__":
    main()
