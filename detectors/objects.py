"""Finds persons and other objects in a picture: `ultralytics.YOLO` on whichever weights are in use."""

from __future__ import annotations

import numpy as np

from detectors import runtime
from detectors.coco import CATEGORIES, Category
from detectors.picture import Image
from detectors.seen import Box, overlap
from detectors.weights import Weights, WeightsMissingError

VERSION = "2"
IMAGE_SIDE = 416  # pixels of the longer side; 512 finds no more at a webcam's distance and costs half as much again
WEAKEST = 0.2  # finds below this are noise; what counts above it is a rule's business
_OVERLAP = 0.5
_AT_MOST = 40


class Objects:
    """One loaded model. Not safe to call from two threads at once; load one for each worker process."""

    def __init__(self, weights: Weights) -> None:
        """Loads `weights`, which takes some seconds. Raises `WeightsMissingError` when they know no persons.

        Other weights may know less than ours: what they have no class for is never among the finds.
        """
        runtime.prepare()
        import torch  # noqa: PLC0415 - heavy, and only after `prepare`
        from ultralytics.models import YOLO  # noqa: PLC0415

        self.weights = weights
        on_gpu = weights.path.suffix == ".pt" and torch.cuda.is_available()
        self._device = "cuda:0" if on_gpu else "cpu"
        self._model = YOLO(weights.path, task="detect")
        names: dict[int, str] = self._model.names
        self._category = {
            number: category
            for category, members in CATEGORIES.items()
            for number, name in names.items()
            if name in members
        }
        if "person" not in self._category.values():
            raise WeightsMissingError(f"{weights.path} knows no class for: person")
        wanted = list(self._category) if len(self._category) < len(names) else None  # all of ours are: nothing to sift
        from detectors.predictor import Predictor  # noqa: PLC0415

        self._model.predict(
            np.zeros((480, 640, 3), np.uint8), predictor=Predictor, imgsz=IMAGE_SIDE, rect=True, conf=WEAKEST,
            iou=_OVERLAP, max_det=_AT_MOST, classes=wanted, device=self._device, verbose=False,
        )  # fmt: skip
        # From now on the predictor itself is asked: `predict` would read its options for each picture.
        predictor: object = self._model.predictor
        assert isinstance(predictor, Predictor)
        self._predictor = predictor

    def find(self, picture: Image) -> dict[Category, tuple[Box, ...]]:
        """What is in `picture` (H, W, 3; BGR), for each category that the weights know, strongest first."""
        results = self._predictor(picture)
        found: dict[Category, tuple[Box, ...]] = dict.fromkeys(self._category.values(), ())
        for box, number in (row for result in results for row in _rows(result)):
            category = self._category[number]
            if all(overlap(box, stronger) < _OVERLAP for stronger in found[category]):  # models without a suppression
                found[category] += (box,)
        return found


def _rows(result: object) -> list[tuple[Box, int]]:
    """Each find with the number of its class, strongest first."""
    from ultralytics.engine.results import Boxes, Results  # noqa: PLC0415

    assert isinstance(result, Results)
    if not isinstance(result.boxes, Boxes):
        return []
    height, width = result.orig_shape
    return [
        (Box(left / width, top / height, right / width, bottom / height, score), int(number))
        for left, top, right, bottom, score, number in result.boxes.data.tolist()
    ]
