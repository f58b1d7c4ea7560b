"""Finds faces in a picture: BlazeFace through ONNX Runtime. It finds them; it never says whose they are."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from detectors import runtime
from detectors.heads import FACE_SIDE
from detectors.picture import Image, shrink
from detectors.pose import Point
from detectors.seen import Box, overlap
from detectors.weights import Weights

VERSION = "1"
WEAKEST = 0.3  # finds below this are noise; what counts above it is a rule's business
CLEAR = 0.85  # a face at least this clear needs no second look
_OVERLAP = 0.3
_ROOM = 4.0  # sides of a face: as near as in the pictures that the model learned from
_LOOKS = 4
# Pixels of a look: a face that is three quarters as large as from near has its points from the look that found it. Its
# angles are then within two or three degrees of those from near, on clips, and no other look is needed for them.
_LARGE = 0.75 * FACE_SIDE / _ROOM
_MIDDLE = Box(0.5 - 0.5 / _ROOM, 0.5 - 0.5 / _ROOM, 0.5 + 0.5 / _ROOM, 0.5 + 0.5 / _ROOM, 0.0)  # from near
_UNITS = np.array([1.0, *[FACE_SIDE] * 4], np.float32)

Rows = NDArray[np.float32]  # (finds, 17), as `heads.blazeface` describes them


class Face(Box, frozen=True):
    """Right eye, left eye, nose, mouth, right ear, left ear, in pixels of the look they are from; or none."""

    points: tuple[Point, ...] = ()


class Faces:
    """One loaded model."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._session = runtime.session(weights.path)
        cv2.setNumThreads(1)

    def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]:
        """The faces in `picture` (H, W, 3; BGR), strongest first.

        The model takes a cup or a cat for a face about as readily as a small or turned one. So what isn't clear is
        looked at again from near, and keeps the score of that: cups lose, faces gain. With `measure` a face has its
        points where one of these looks shows it large enough.
        """
        height, width = picture.shape[:2]
        side = max(height, width)
        across, down = side / width, side / height
        rows = self._look(_square(picture, 0, 0, side))
        kept, unclear = list[Face](), list[Face]()
        for one in _apart(rows):
            if (one.left + one.right) * across >= 2 or (one.top + one.bottom) * down >= 2:
                continue  # beside the picture
            points = _points(rows, one) if measure and _side(one) >= _LARGE else ()
            edges = (one.left * across, one.top * down, one.right * across, one.bottom * down)
            (kept if one.score >= CLEAR else unclear).append(Face(*edges, one.score, points))
        for face in unclear[:_LOOKS]:
            near = self._look(_near(picture, face))
            score = max((one.score for one in _apart(near) if overlap(one, _MIDDLE) >= _OVERLAP), default=0.0)
            if score >= WEAKEST:
                kept.append(replace(face, score=score, points=_points(near, _MIDDLE) if measure else ()))
        return tuple(sorted(kept, key=lambda face: -face.score))

    def points(self, picture: Image, face: Box) -> tuple[Point, ...]:
        """The points of `face`, as `Face` has them, from one more look from near; none where it is not found there."""
        return _points(self._look(_near(picture, face)), _MIDDLE)

    def _look(self, pixels: NDArray[np.float32]) -> Rows:
        """What is found in one square."""
        (batch,) = self._session.run(None, {"images": pixels})
        rows: Rows = batch[0]
        return rows[rows[:, 0] >= WEAKEST]


def _apart(rows: Rows) -> list[Box]:
    """The best of finds that overlap, in fractions of the square, strongest first."""
    kept = list[Box]()
    for score, x, y, width, height in sorted((rows[:, :5] / _UNITS).tolist(), reverse=True):
        one = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, score)
        if all(overlap(one, stronger) <= _OVERLAP for stronger in kept):
            kept.append(one)
    return kept


def _points(rows: Rows, face: Box) -> tuple[Point, ...]:
    """The mean of what all finds in the middle of `face` say, by their scores: steadier than the best of them."""
    middle = ((face.left + face.right) / 2 * FACE_SIDE, (face.top + face.bottom) / 2 * FACE_SIDE)
    rows = rows[np.abs(rows[:, 1:3] - middle).max(axis=1) < _side(face) / 2]
    if not len(rows):
        return ()
    mean = np.average(rows[:, 5:], axis=0, weights=rows[:, 0]).reshape(6, 2)
    return tuple((float(x), float(y)) for x, y in mean)


def _side(face: Box) -> float:
    """Pixels of a look, in fractions of which `face` is."""
    return FACE_SIDE * max(face.right - face.left, face.bottom - face.top)


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
