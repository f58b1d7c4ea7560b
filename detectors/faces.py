"""Finds faces in a picture: BlazeFace through ONNX Runtime. It finds them; it never says whose they are."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from detectors import runtime
from detectors.heads import FACE_SIDE
from detectors.picture import Image, shrink
from detectors.seen import Box, overlap
from detectors.weights import Weights

VERSION = "1"
WEAKEST = 0.3  # finds below this are noise; what counts above it is a rule's business
CLEAR = 0.85  # a face at least this clear needs no second look
_OVERLAP = 0.3
_ROOM = 4.0  # sides of a face: as near as in the pictures that the model learned from
_LOOKS = 4


class Faces:
    """One loaded model."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._session = runtime.session(weights.path)
        cv2.setNumThreads(1)

    def find(self, picture: Image) -> tuple[Box, ...]:
        """The faces in `picture` (H, W, 3; BGR), strongest first.

        The model takes a cup or a cat for a face about as readily as a small or turned one. So what isn't clear is
        looked at again from near, and keeps the score of that: cups lose, faces gain.
        """
        height, width = picture.shape[:2]
        side = max(height, width)
        across, down = side / width, side / height
        found = [
            Box(face.left * across, face.top * down, face.right * across, face.bottom * down, face.score)
            for face in self._look(_square(picture, 0, 0, side))
            if (face.left + face.right) * across < 2 and (face.top + face.bottom) * down < 2  # not beside the picture
        ]
        unclear = [face for face in found if face.score < CLEAR][:_LOOKS]
        kept = [face for face in found if face.score >= CLEAR]
        kept += [again for face in unclear if (again := self._look_again(picture, face)).score >= WEAKEST]
        return tuple(sorted(kept, key=lambda face: -face.score))

    def points(self, picture: Image, face: Box) -> tuple[tuple[float, float], ...] | None:
        """Right eye, left eye, nose, mouth, right ear, left ear of `face`, in pixels of a look from near, or None.

        Each is the mean of what all overlapping finds say, by their scores: that is steadier than the best of them.
        """
        (batch,) = self._session.run(None, {"images": _near(picture, face)})
        rows = batch[0]
        middle = np.abs(rows[:, 1:3] - FACE_SIDE / 2).max(axis=1) < FACE_SIDE / _ROOM / 2
        rows = rows[middle & (rows[:, 0] >= WEAKEST)]
        if not len(rows):
            return None
        mean = np.average(rows[:, 5:], axis=0, weights=rows[:, 0]).reshape(6, 2)
        return tuple((float(x), float(y)) for x, y in mean)

    def _look(self, pixels: NDArray[np.float32]) -> list[Box]:
        """The faces in one square, in fractions of it."""
        (batch,) = self._session.run(None, {"images": pixels})
        rows = batch[0][batch[0][:, 0] >= WEAKEST]
        if not len(rows):
            return []
        size = rows[:, 3:5] / FACE_SIDE
        corner = rows[:, 1:3] / FACE_SIDE - size / 2
        kept = cv2.dnn.NMSBoxes(np.hstack([corner, size]).tolist(), rows[:, 0].tolist(), WEAKEST, _OVERLAP)
        edges = np.hstack([corner, corner + size, rows[:, :1]])
        return [Box(*edges[index].tolist()) for index in kept]

    def _look_again(self, picture: Image, face: Box) -> Box:
        """`face` with the score that the best face at the middle of its surroundings has."""
        near = self._look(_near(picture, face))
        middle = Box(0.5 - 0.5 / _ROOM, 0.5 - 0.5 / _ROOM, 0.5 + 0.5 / _ROOM, 0.5 + 0.5 / _ROOM, 0.0)
        return replace(
            face, score=max((found.score for found in near if overlap(found, middle) >= _OVERLAP), default=0.0)
        )


def _near(picture: Image, face: Box) -> NDArray[np.float32]:
    """The surroundings of `face`, with it in the middle."""
    height, width = picture.shape[:2]
    side = _ROOM * max((face.right - face.left) * width, (face.bottom - face.top) * height)
    left = (face.left + face.right) / 2 * width - side / 2
    top = (face.top + face.bottom) / 2 * height - side / 2
    return _square(picture, round(left), round(top), max(1, round(side)))


def _square(picture: Image, left: int, top: int, side: int) -> NDArray[np.float32]:
    """The square of `picture` at (left, top), black where it leaves the picture, as (1, 3, 256, 256) RGB in 0..1."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    scale = FACE_SIDE / side
    across, down = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    x, y = min(round((x0 - left) * scale), FACE_SIDE - across), min(round((y0 - top) * scale), FACE_SIDE - down)
    square = np.zeros((FACE_SIDE, FACE_SIDE, 3), np.uint8)
    square[y : y + down, x : x + across] = shrink(picture[y0:y1, x0:x1], across, down)
    return cv2.dnn.blobFromImage(square, 1.0 / 255.0, swapRB=True).astype(np.float32, copy=False)
