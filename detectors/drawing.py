"""An ONNX graph while it is drawn, one operation after the other. Specification: https://onnx.ai/onnx/operators/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


class Drawing:
    """Collects operations and constants; values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: int | str | Sequence[int]) -> str:
        """Adds one operation with one output and returns the output's name."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], None, None, None, None, **attributes))
        return output

    def pair(self, kind: str, *inputs: str, **attributes: int) -> tuple[str, str]:
        """Adds one operation with two outputs."""
        outputs = [f"{kind.lower()}_{len(self.nodes)}_{number}" for number in (0, 1)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, None, None, None, None, **attributes))
        return outputs[0], outputs[1]

    def constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def save(
        self, path: Path, image: Sequence[int | str], output: tuple[str, Sequence[int | str]], about: dict[str, str]
    ) -> None:
        """Checks the graph and writes it: input `images` (N, 3, H, W) in 0..1, RGB; one float32 output."""
        ends = [helper.make_tensor_value_info("images", TensorProto.FLOAT, image)]
        outs = [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])]
        graph = helper.make_graph(self.nodes, path.stem, ends, outs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        helper.set_model_props(model, about)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
