"""The two models, whole: what goes in before the body and how its maps become boxes after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto

from detectors import coco
from detectors.coco import CLASSES
from detectors.convert import Body
from detectors.drawing import Drawing
from detectors.tfjs import GraphModel

FACE_SIDE = 256
KEPT = tuple(name for name in CLASSES if name in coco.KEPT)
BEST = 100
_CELLS = ((16, 2), (8, 6))  # BlazeFace: cells a side, anchors a cell, for each of its two maps


def centernet(model: GraphModel, path: Path) -> None:
    """CenterNet (Zhou et al., "Objects as Points", 2019) with the output that `ultralytics.YOLO` reads as `end2end`.

    Input (N, 3, H, W), sides multiples of 32; output (N, 100 or fewer, 6): left, top, right, bottom in pixels of the
    input, score, class. Only the classes that some kind asks for are kept: the others would cost a sixth of the whole.
    """
    draw = Drawing()
    body = Body(_only(model, KEPT), draw, draw.op("Mul", "images", draw.number(255.0)))  # the body wants 0..255
    heat = body.value("tower_0/keypoints")  # a score for each class
    reach = body.value("tower_0/wh")  # pixels to left, top, right, bottom
    summit = draw.op("MaxPool", heat, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    peaks = draw.op("Mul", heat, draw.op("Cast", draw.op("Equal", heat, summit), to=TensorProto.FLOAT))
    flat = draw.integers(0, 0, -1)
    scores, sides = draw.op("Reshape", peaks, flat), draw.op("Reshape", reach, flat)
    # A cell's corner, then (x - left, y - top) and (x + right, y + bottom).
    origin = _origins(draw, heat, float(model.weights["tower_0/mul_3/y"]))
    first = draw.op("Sub", origin, _slice(draw, sides, 0, 2))
    second = draw.op("Add", origin, _slice(draw, sides, 2, 4))
    _best(draw, draw.op("Concat", first, second, axis=1), scores, "output0")
    about = {
        "description": "CenterNet, MobileNetV3, COCO-80, converted from npm @vladmandic/human",
        "task": "detect", "stride": "32", "batch": "1", "imgsz": "[512, 512]", "channels": "3", "end2end": "True",
        "names": str(dict(enumerate(KEPT))), "args": str({"batch": 1, "dynamic": True, "nms": False}),
    }  # fmt: skip
    draw.save(path, ["batch", 3, "height", "width"], ("output0", ["batch", "best", 6]), about)


def blazeface(model: GraphModel, path: Path) -> None:
    """BlazeFace (Bazarevsky et al., 2019), back-camera form: input (N, 3, 256, 256), output (N, 896, 17).

    Each row: a score in 0..1, then centre x, centre y, width, height and six points (x, y), all in pixels of the input.
    """
    draw = Drawing()
    scaled = draw.op("Sub", draw.op("Mul", "images", draw.number(2.0)), draw.number(1.0))  # the body wants -1..1
    body = Body(model, draw, scaled)
    logits = draw.op("Concat", body.value("Identity"), body.value("Identity_1"), axis=1)
    offsets = draw.op("Concat", body.value("Identity_2"), body.value("Identity_3"), axis=1)
    points = draw.op("Add", offsets, draw.constant(_anchors()))
    draw.op("Concat", draw.op("Sigmoid", logits), points, name="faces", axis=2)
    about = {"description": "BlazeFace (back camera), converted from npm @vladmandic/human"}
    draw.save(path, ["batch", 3, FACE_SIDE, FACE_SIDE], ("faces", ["batch", 896, 17]), about)


def _only(model: GraphModel, classes: tuple[str, ...]) -> GraphModel:
    """The model without the last layer's outputs for all other classes."""
    kept = [CLASSES.index(name) for name in classes]
    last = ("CenternetHead/centernet_cls_output/pointwise_weights", "CenternetHead/centernet_cls_output/biases")
    return GraphModel(model.nodes, model.weights | {name: model.weights[name][..., kept] for name in last})


def _best(draw: Drawing, corners: str, scores: str, name: str) -> None:
    """(N, best, 6) from (N, 4, cells) and (N, classes, cells): the best scores of all, with their corners and class."""
    cells = _slice(draw, draw.op("Shape", scores), 2, 3, axis=0)
    many = draw.op("Min", cells, draw.integers(BEST))
    values, places = draw.pair("TopK", draw.op("Reshape", scores, draw.integers(0, -1)), many, axis=1)
    last = draw.integers(2)
    where = draw.op("Expand", draw.op("Unsqueeze", draw.op("Mod", places, cells), last), draw.integers(1, 1, 4))
    boxes = draw.op("GatherElements", draw.op("Transpose", corners, perm=[0, 2, 1]), where, axis=1)
    number = draw.op("Cast", draw.op("Div", places, cells), to=TensorProto.FLOAT)
    draw.op("Concat", boxes, *(draw.op("Unsqueeze", one, last) for one in (values, number)), name=name, axis=2)


def _slice(draw: Drawing, value: str, start: int, end: int, axis: int = 1) -> str:
    return draw.op("Slice", value, draw.integers(start), draw.integers(end), draw.integers(axis))


def _origins(draw: Drawing, heat: str, stride: float) -> str:
    """(1, 2, cells): x and y of each cell in pixels, from the running shape, so that pictures of any shape fit."""
    shape = draw.op("Shape", heat)
    height = draw.op("Gather", shape, draw.constant(np.array(2, np.int64)))
    width = draw.op("Gather", shape, draw.constant(np.array(3, np.int64)))
    zero, one = draw.constant(np.array(0, np.int64)), draw.constant(np.array(1, np.int64))
    cell = draw.op("Range", zero, draw.op("Mul", height, width), one)
    axis = draw.integers(0, 1)
    column = draw.op("Unsqueeze", draw.op("Mod", cell, width), axis)
    row = draw.op("Unsqueeze", draw.op("Div", cell, width), axis)
    grid = draw.op("Cast", draw.op("Concat", column, row, axis=1), to=TensorProto.FLOAT)
    return draw.op("Mul", grid, draw.number(stride))


def _anchors() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(1, 896, 16): what each of the network's offsets counts from; width and height count from zero."""
    rows = []
    for cells, many in _CELLS:
        step = FACE_SIDE / cells
        for y in range(cells):
            for x in range(cells):
                at = ((x + 0.5) * step, (y + 0.5) * step)
                rows += [[*at, 0.0, 0.0, *(at * 6)]] * many
    return np.array([rows], np.float32)
