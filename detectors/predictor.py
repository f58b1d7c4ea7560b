"""How `ultralytics` prepares a picture, by the quickest way on a CPU. Import it after `runtime.prepare`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.models.yolo.detect import DetectionPredictor


class Predictor(DetectionPredictor):
    """Its maker's but for one step: a single picture becomes the model's input in one pass, not in four.

    The numbers are the same to the last bit. Pictures of one shape go through the same memory, so that one must have
    been looked at before the next comes: `Objects` is asked by one thread at a time.
    """

    _input: NDArray[np.float32] = np.empty(0, np.float32)

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
