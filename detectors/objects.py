"""Finds persons and other objects in a picture: `ultralytics.YOLO` on whichever weights are in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detectors import runtime
from detectors.coco import CATEGORIES, Category
from detectors.picture import Image
from detectors.seen import Box, overlap
from detectors.weights import Weights, WeightsMissingError

if TYPE_CHECKING:  # it imports ultralytics, which must be prepared first
    from detectors.predictor import Row

VERSION = "2"
IMAGE_SIDE = 416  # pixels of the longer side; 512 finds no more at a webcam's distance and costs half as much again
# Pictures that go through the model together on a GPU. On a CPU that takes as long as one after the other, and the
# first would wait for the last.
AT_ONCE_ON_A_GPU = 16
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
        self.at_once = AT_ONCE_ON_A_GPU if on_gpu else 1
        self._model = YOLO(weights.path, task="detect")
        names: dict[int, str] = self._model.names
        self._category = {
            number: category
            for category, members in CATEGORIES.items()
            for number, name in names.items()
            if name in members
        }
        _refuse_task(weights, self._model.task)
        if "person" not in self._category.values():
            raise WeightsMissingError(f"{weights.path} knows no class for: person")
        wanted = list(self._category) if len(self._category) < len(names) else None  # all of ours are: nothing to sift
        from detectors.predictor import Predictor  # noqa: PLC0415

        self._model.predict(
            np.zeros((480, 640, 3), np.uint8), predictor=Predictor, imgsz=IMAGE_SIDE, rect=True, conf=WEAKEST,
            iou=_OVERLAP, max_det=_AT_MOST, classes=wanted, device="cuda:0" if on_gpu else "cpu", verbose=False,
        )  # fmt: skip
        # From now on the predictor itself is asked: `predict` would read its options for each picture.
        predictor: object = self._model.predictor
        assert isinstance(predictor, Predictor)
        _refuse_task(weights, getattr(predictor.model, "task", None))  # of an ONNX file only its own notes tell
        self._predictor = predictor

    def find_many(self, pictures: Sequence[Image]) -> list[dict[Category, tuple[Box, ...]]]:
        """What is in each of `pictures` (H, W, 3; BGR), for each category that the weights know, strongest first.

        Those of one shape go through the model together, `at_once` at a time. Those of several shapes would be fitted
        into one square, and what is found in one would depend on the others.
        """
        alike: dict[tuple[int, ...], list[int]] = {}
        for number, picture in enumerate(pictures):
            alike.setdefault(picture.shape, []).append(number)
        found: dict[int, dict[Category, tuple[Box, ...]]] = {}
        for group in alike.values():
            for some in (group[start : start + self.at_once] for start in range(0, len(group), self.at_once)):
                looked = self._predictor.look([pictures[number] for number in some])
                found |= {number: self._known(rows) for number, rows in zip(some, looked, strict=True)}
        return [found[number] for number in range(len(pictures))]

    def _known(self, rows: Sequence[Row]) -> dict[Category, tuple[Box, ...]]:
        """Finds by category."""
        found: dict[Category, tuple[Box, ...]] = dict.fromkeys(self._category.values(), ())
        for *edges, number in rows:
            box, category = Box(*edges), self._category[int(number)]
            if all(overlap(box, stronger) < _OVERLAP for stronger in found[category]):  # models without a suppression
                found[category] += (box,)
        return found


def _refuse_task(weights: Weights, task: str | None) -> None:
    """Boxes that are turned, say, would be read as if they were upright."""
    if task not in (None, "detect"):
        raise WeightsMissingError(f"{weights.path} was made for the task `{task}`")
