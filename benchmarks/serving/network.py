"""Writes the small network that every server runs: fixed random weights, twenty boxes out.

Run in the peers' environment: `python -m benchmarks.serving.network FILE`.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.serving.task import BOXES, SIDE

WIDTHS = (16, 32, 48, 64)


def build() -> onnx.ModelProto:
    """Return four strided 3x3 convolutions, a mean over space and a layer of 20 x (x, y, w, h, score)."""
    rng = np.random.default_rng(0)
    nodes, weights, last, channels = [], [], "pictures", 3

    def weight(name: str, *shape: int) -> str:
        spread = np.sqrt(2 / np.prod(shape[1:]))
        weights.append(numpy_helper.from_array(rng.normal(0, spread, shape).astype(np.float32), name))
        return name

    for number, width in enumerate(WIDTHS):
        kernel = weight(f"kernel{number}", width, channels, 3, 3)
        nodes.append(
            helper.make_node(
                "Conv", [last, kernel], [f"conv{number}"], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]
            )
        )
        nodes.append(helper.make_node("Relu", [f"conv{number}"], [f"relu{number}"]))
        last, channels = f"relu{number}", width
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"]))
    nodes.append(
        helper.make_node("Gemm", ["flat", weight("head", BOXES * 5, channels)], ["logits"], transB=1)
    )
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["raw"]))
    # Into the ranges of a box inside the photograph: a corner up to 0.7, a side up to 0.3, a score from 0.35.
    ranges = np.array([[0.7, 0.7, 0.3, 0.3, 0.65]], np.float32), np.array([[0, 0, 0, 0, 0.35]], np.float32)
    for name, value in zip(("scale", "offset"), ranges, strict=True):
        weights.append(numpy_helper.from_array(value, name))
    weights.append(numpy_helper.from_array(np.array([-1, BOXES, 5], np.int64), "shape"))
    nodes.append(helper.make_node("Reshape", ["raw", "shape"], ["five"]))
    nodes.append(helper.make_node("Mul", ["five", "scale"], ["scaled"]))
    nodes.append(helper.make_node("Add", ["scaled", "offset"], ["boxes"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", BOXES, 5])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


if __name__ == "__main__":
    onnx.save(build(), sys.argv[1])
