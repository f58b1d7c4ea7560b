"""Reads a TensorFlow.js graph model: a JSON topology beside one flat file of numbers. No code is loaded from it.

Format: https://github.com/tensorflow/tfjs/tree/master/tfjs-converter (`model.json`, `weightsManifest`).
"""

from __future__ import annotations

import base64
import math
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.int32]


class GraphModelError(ValueError):
    """The file is not a graph model that this reader knows."""


class List(msgspec.Struct, frozen=True):
    i: tuple[str, ...] = ()
    s: tuple[str, ...] = ()


class Attribute(msgspec.Struct, frozen=True):
    s: str | None = None
    b: bool = False
    items: List = msgspec.field(name="list", default=List())


class Node(msgspec.Struct, frozen=True):
    """One operation. Attributes that a converter doesn't ask for are kept raw."""

    name: str
    op: str
    inputs: tuple[str, ...] = msgspec.field(name="input", default=())
    attr: dict[str, msgspec.Raw] = {}

    def integers(self, key: str, default: tuple[int, ...] = ()) -> list[int]:
        return [int(value) for value in self._attribute(key).items.i] or list(default)

    def text(self, key: str) -> str:
        return base64.b64decode(self._attribute(key).s or "").decode()

    def texts(self, key: str) -> list[str]:
        return [base64.b64decode(value).decode() for value in self._attribute(key).items.s]

    def flag(self, key: str) -> bool:
        return self._attribute(key).b

    def _attribute(self, key: str) -> Attribute:
        raw = self.attr.get(key)
        return msgspec.json.decode(raw, type=Attribute) if raw is not None else Attribute()


class GraphModel(msgspec.Struct, frozen=True):
    """Operations by name, and the constants they use: float32 or int32, in TensorFlow's own layout (NHWC)."""

    nodes: dict[str, Node]
    weights: dict[str, Array]


class _Quantized(msgspec.Struct, frozen=True):
    dtype: str


class _Weight(msgspec.Struct, frozen=True):
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: _Quantized | None = None


class _Group(msgspec.Struct, frozen=True):
    paths: tuple[str, ...]
    weights: tuple[_Weight, ...]


class _Topology(msgspec.Struct, frozen=True):
    node: tuple[Node, ...]


class _File(msgspec.Struct, frozen=True, rename="camel"):
    model_topology: _Topology
    weights_manifest: tuple[_Group, ...]


def read(topology: Path) -> GraphModel:
    """Reads `topology` (a `.json` file) and the files it names in the same folder.

    Raises `GraphModelError` when it is something else, or holds a kind of number that is not known here.
    """
    try:
        file = msgspec.json.decode(topology.read_bytes(), type=_File)
    except msgspec.MsgspecError as error:
        raise GraphModelError(f"{topology.name} is not a TensorFlow.js graph model: {error}") from error
    weights: dict[str, Array] = {}
    for group in file.weights_manifest:
        data = b"".join((topology.parent / Path(path).name).read_bytes() for path in group.paths)
        offset = 0
        for weight in group.weights:
            array, used = _numbers(weight, data, offset)
            weights[weight.name] = array
            offset += used
    return GraphModel(nodes={node.name: node for node in file.model_topology.node}, weights=weights)


def _numbers(weight: _Weight, data: bytes, offset: int) -> tuple[Array, int]:
    """One constant and the bytes it took. Half-precision numbers are widened to float32."""
    stored = weight.quantization.dtype if weight.quantization else weight.dtype
    kinds = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}
    if stored not in kinds:
        raise GraphModelError(f"{weight.name}: numbers of type {stored} are not known here")
    count = math.prod(weight.shape)
    array = np.frombuffer(data, kinds[stored], count, offset).reshape(weight.shape)
    used = count * array.dtype.itemsize
    return (array.astype(np.int32) if weight.dtype == "int32" else array.astype(np.float32)), used
