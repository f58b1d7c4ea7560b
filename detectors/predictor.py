"""How `ultralytics` looks at pictures, by the quickest way on a CPU. Import it after `runtime.prepare`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.models.yolo.detect import DetectionPredictor
from ultralytics.utils import nms

Image = NDArray[np.uint8]
Row = tuple[float, float, float, float, float, float]


class Predictor(DetectionPredictor):
    """Its maker's, but `look` asks for the finds alone, and a single picture takes a shorter way on a CPU.

    The finds are the same. Pictures of one shape go through the same memory, so that one must have been looked at
    before the next comes: `Objects` is asked by one thread at a time.
    """

    _shape: tuple[int, ...] = ()  # of the pictures that the following is made for
    _fitted: Image  # (h, w, 3): a picture as large as the model asks, with its border
    _inside: Image  # the part of it within the border
    _place: tuple[int, int, int, int]  # that part's left and top, width and height
    _input: NDArray[np.float32]  # (1, 3, h, w): RGB in 0..1

    def look(self, pictures: Sequence[Image]) -> list[list[Row]]:
        """What is in each of `pictures` (H, W, 3; BGR), all of one shape, which go through the model together.

        Each find is left, top, right, bottom (fractions of the picture), score and class, strongest first. The
        predictor must have been called once: that reads its options. What a call does each time beside this, for films,
        files and reports (sources, callbacks, clocks, results as objects), takes a tenth as long as the model.
        """
        if pictures[0].shape != self._shape:
            self._lay_out(pictures[0].shape)
        quick = self._run is not None and len(pictures) == 1
        found = [self._alone(pictures[0])] if quick else self._together(pictures)
        return [[self._whole(row) for row in rows] for rows in found]

    def _together(self, pictures: Sequence[Image]) -> list[list[Row]]:
        """Their finds in pixels of the model's input, by its maker's own way."""
        options = self.args
        with torch.inference_mode():
            found = nms.non_max_suppression(
                self.inference(self.preprocess(list(pictures))), options.conf, options.iou, options.classes,
                options.agnostic_nms, max_det=options.max_det, end2end=getattr(self.model, "end2end", False),
            )  # fmt: skip
            return [rows[:, :6].tolist() for rows in found]

    def _alone(self, picture: Image) -> list[Row]:
        """The same for one picture without torch, with one pass into the model's input where there are four.

        Each run of a model leaves nothing of other code in the processor's memory, and torch's takes twenty times as
        long to be brought back as to do what is needed of it here.
        """
        assert self._run is not None
        options = self.args
        cv2.resize(picture, self._place[2:], dst=self._inside, interpolation=cv2.INTER_LINEAR)
        np.divide(self._fitted[..., ::-1].transpose(2, 0, 1), np.float32(255), out=self._input[0])
        (rows,) = self._run(self._input)
        sure = rows[rows[:, 4] > options.conf].tolist()
        return [row for row in sure if options.classes is None or row[5] in options.classes][: options.max_det]

    @cached_property
    def _run(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]] | None:
        """The bare model, from an input to finds, where it is an ONNX on a CPU that suppresses by itself; else None."""
        model = cast("Any", self.model)
        ready = model.format == "onnx" and getattr(model, "end2end", False) and model.batch == 1 and not model.fp16
        if not ready or str(self.device) != "cpu":
            return None
        session = model.backend.session
        (name,) = (one.name for one in session.get_inputs())
        return lambda pixels: cast("NDArray[np.float32]", session.run(None, {name: pixels})[0])

    def _lay_out(self, shape: tuple[int, ...]) -> None:
        """Where pictures of this shape go: seen from where its maker's own way puts a black one."""
        (self._fitted,) = self.pre_transform([np.zeros(shape, np.uint8)])
        black = self._fitted[..., 0] == 0
        rows, columns = np.flatnonzero(black.any(axis=1)), np.flatnonzero(black.any(axis=0))
        self._inside = self._fitted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self._place = (int(columns[0]), int(rows[0]), len(columns), len(rows))
        self._input = np.empty((1, 3, *self._fitted.shape[:2]), np.float32)
        self._shape = shape

    def _whole(self, row: Row) -> Row:
        """A find in pixels of the model's input as one in fractions of the picture."""
        (left, top, right, bottom, score, number), (x, y, width, height) = row, self._place
        return (
            _share(left - x, width), _share(top - y, height), _share(right - x, width), _share(bottom - y, height),
            score, number,
        )  # fmt: skip


def _share(pixels: float, of: int) -> float:
    return min(1.0, max(0.0, pixels / of))
