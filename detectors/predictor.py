"""How `ultralytics` looks at pictures, by the quickest way on a CPU. Import it after `runtime.prepare`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.models.yolo.detect import DetectionPredictor
from ultralytics.utils import nms, ops

Row = tuple[float, float, float, float, float, float]


class Predictor(DetectionPredictor):
    """Its maker's but for two things: a single picture becomes the model's input in one pass, not in four, and `look`
    asks for the finds alone.

    The numbers are the same to the last bit. Pictures of one shape go through the same memory, so that one must have
    been looked at before the next comes: `Objects` is asked by one thread at a time.
    """

    _input: NDArray[np.float32] = np.empty(0, np.float32)

    def look(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Row]]:
        """What is in each of `pictures` (H, W, 3; BGR), all of one shape, which go through the model together.

        Each find is left, top, right, bottom (pixels of the picture), score and class, strongest first. The predictor
        must have been called once: that reads its options. What a call does each time beside this, for films, files
        and reports (sources, callbacks, clocks, results as objects), takes a tenth as long as the model.
        """
        with torch.inference_mode():
            pixels = self.preprocess(list(pictures))
            found = nms.non_max_suppression(
                self.inference(pixels), self.args.conf, self.args.iou, self.args.classes, self.args.agnostic_nms,
                max_det=self.args.max_det, end2end=getattr(self.model, "end2end", False),
            )  # fmt: skip
            height, width = pixels.shape[2:]
            for rows, picture in zip(found, pictures, strict=True):
                ops.scale_boxes((height, width), rows[:, :4], picture.shape[:2])
            return [rows[:, :6].tolist() for rows in found]

    def preprocess(self, im: torch.Tensor | list[NDArray[np.uint8]]) -> torch.Tensor:
        """`im` holds pictures (H, W, 3; BGR); the answer is (N, 3, h, w), RGB, in 0..1."""
        elsewhere = str(self.device) != "cpu" or getattr(self.model, "fp16", False)
        if isinstance(im, torch.Tensor) or len(im) != 1 or elsewhere:
            whole: torch.Tensor = super().preprocess(im)
            return whole
        (fitted,) = self.pre_transform(im)
        height, width = fitted.shape[:2]
        if self._input.shape != (1, 3, height, width):
            self._input = np.empty((1, 3, height, width), np.float32)
        np.divide(fitted[..., ::-1].transpose(2, 0, 1), np.float32(255), out=self._input[0])
        return torch.from_numpy(self._input)
