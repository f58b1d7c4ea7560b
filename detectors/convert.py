"""Turns the body of a TensorFlow.js graph model into ONNX. Inside, pictures are NCHW, as ONNX has them.

Covers the operations that CenterNet and BlazeFace use; another is a clear error, never a guess. `heads.py` adds what
comes before (scaling of pixels) and after (boxes) each body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.drawing import Drawing
from detectors.tfjs import GraphModel, Node

_SAME = {op: op for op in ("Mul", "Add", "Sub", "Relu", "Sigmoid", "Identity")} | {"AddV2": "Add"}
_CONVOLUTIONS = ("_FusedConv2D", "Conv2D", "FusedDepthwiseConv2dNative", "DepthwiseConv2dNative")


class ConversionError(ValueError):
    """The model has an operation, or a form of one, that this converter does not know."""


class Body:
    """Draws operations of `model` on demand: ask for the last one with `value` and all that it needs is drawn."""

    def __init__(self, model: GraphModel, drawing: Drawing, pixels: str) -> None:
        """`pixels` is the drawn value that takes the place of the model's placeholder."""
        self._model = model
        self._draw = drawing
        self._drawn = {node.name: pixels for node in model.nodes.values() if node.op == "Placeholder"}
        self._others: dict[str, Callable[[Node], str]] = {
            "Relu6": self._relu6, "MaxPool": self._largest, "Mean": self._mean,
            "ConcatV2": self._join, "Pad": self._pad, "Reshape": self._reshape, "ResizeBilinear": self._double,
            **dict.fromkeys(_CONVOLUTIONS, self._convolution),
        }  # fmt: skip

    def value(self, name: str) -> str:
        """The ONNX value that holds what the model calls `name`."""
        name = name.partition(":")[0]
        if name not in self._drawn:
            constant = name in self._model.weights
            self._drawn[name] = self._number(name) if constant else self._node(self._model.nodes[name])
        return self._drawn[name]

    def _number(self, name: str) -> str:
        weight: NDArray[Any] = self._model.weights[name]
        if weight.ndim:
            raise ConversionError(f"{name}: only single numbers are used outside convolutions here")
        return self._draw.constant(weight)

    def _node(self, node: Node) -> str:
        if node.op in _SAME:
            return self._draw.op(_SAME[node.op], *(self.value(name) for name in node.inputs))
        if node.op not in self._others:
            raise ConversionError(f"{node.name}: operation {node.op} is not known here")
        return self._others[node.op](node)

    def _relu6(self, node: Node) -> str:
        return self._clip(self.value(node.inputs[0]))

    def _largest(self, node: Node) -> str:
        return self._draw.op(
            "MaxPool", self.value(node.inputs[0]), kernel_shape=node.integers("ksize")[1:3],
            strides=node.integers("strides")[1:3], auto_pad=_padding(node),
        )  # fmt: skip

    def _mean(self, node: Node) -> str:
        if sorted(self._plain(node, 1)) != [1, 2] or not node.flag("keep_dims"):
            raise ConversionError(f"{node.name}: only the mean of a whole picture is known here")
        return self._draw.op("GlobalAveragePool", self.value(node.inputs[0]))

    def _join(self, node: Node) -> str:
        return self._draw.op("Concat", *(self.value(name) for name in node.inputs[:-1]), axis=1)

    def _pad(self, node: Node) -> str:
        n, h, w, c = self._model.weights[node.inputs[1]].tolist()
        ends = self._draw.integers(*(pair[side] for side in (0, 1) for pair in (n, c, h, w)))
        return self._draw.op("Pad", self.value(node.inputs[0]), ends)

    def _reshape(self, node: Node) -> str:
        flat = self._draw.op("Transpose", self.value(node.inputs[0]), perm=[0, 2, 3, 1])
        return self._draw.op("Reshape", flat, self._draw.integers(*self._plain(node, 1)))

    def _convolution(self, node: Node) -> str:
        kernel = self._model.weights[node.inputs[1]]
        depthwise = "Depthwise" in node.op
        groups = kernel.shape[2] if depthwise else 1
        if depthwise:  # (h, w, channels, multiplier) to (channels * multiplier, 1, h, w)
            kernel = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
        else:  # (h, w, in, out) to (out, in, h, w)
            kernel = kernel.transpose(3, 2, 0, 1)
        fused = node.texts("fused_ops")
        inputs = [self.value(node.inputs[0]), self._draw.constant(kernel)]
        if "BiasAdd" in fused:
            inputs.append(self._draw.constant(self._model.weights[node.inputs[2]].reshape(-1)))
        result = self._draw.op(
            "Conv", *inputs, group=groups, kernel_shape=kernel.shape[2:], strides=node.integers("strides")[1:3],
            dilations=node.integers("dilations", (1, 1, 1, 1))[1:3], auto_pad=_padding(node),
        )  # fmt: skip
        match [name for name in fused if name != "BiasAdd"]:
            case []:
                return result
            case ["Relu"]:
                return self._draw.op("Relu", result)
            case ["Relu6"]:
                return self._clip(result)
            case others:
                raise ConversionError(f"{node.name}: {others} after a convolution is not known here")

    def _clip(self, value: str) -> str:
        return self._draw.op("Clip", value, self._draw.number(0.0), self._draw.number(6.0))

    def _double(self, node: Node) -> str:
        """Twice the height and width, whatever they are, so that pictures of any shape fit."""
        if node.flag("align_corners"):
            raise ConversionError(f"{node.name}: this way of enlarging is not known here")
        scales = self._draw.constant(np.array([1, 1, 2, 2], np.float32))
        where = "half_pixel" if node.flag("half_pixel_centers") else "asymmetric"
        return self._draw.op(
            "Resize", self.value(node.inputs[0]), "", scales, mode="linear", coordinate_transformation_mode=where
        )

    def _plain(self, node: Node, index: int) -> list[int]:
        return [int(value) for value in np.atleast_1d(self._model.weights[node.inputs[index]])]


def _padding(node: Node) -> str:
    return {"SAME": "SAME_UPPER", "VALID": "VALID"}[node.text("padding")]
