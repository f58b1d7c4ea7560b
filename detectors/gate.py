"""Decides, sample by sample, whether to look for objects again. Looking costs four times as much as all the rest."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.picture import Image, shrink
from detectors.seen import CannotTell, Look

KEEP_ALIVE = 5  # looks on every fifth sample at least
SETTLED = 3  # looks that must agree before it may rest
_SIZE = (64, 48)
_CHANGED = 0.5  # of the picture's own contrast: how much one cell must change
_CELLS = 0.04  # of all cells: how many must change
_FLAT = 8.0  # contrast below this is noise of the camera and is not blown up
DARK, PLAIN = 12.0, 6.0  # mean and contrast (0..255) below which nobody could tell

Sketch = NDArray[np.float32]
Counted = tuple[int, ...]  # how many of each category a look found


def sketch(picture: Image) -> tuple[Sketch, CannotTell | None]:
    """A small grey copy (48, 64) of mean 0 and contrast 1, and why nothing can be told from the picture, if so.

    A lamp, or a camera that adjusts its exposure, shifts and stretches all greys alike: that leaves the copy as it was.
    """
    grey = cv2.cvtColor(shrink(picture, *_SIZE), cv2.COLOR_BGR2GRAY)
    mean, contrast = (float(value.item()) for value in cv2.meanStdDev(grey))
    reason: CannotTell | None = "too_dark" if mean < DARK else "no_detail" if contrast < PLAIN else None
    return (grey.astype(np.float32) - mean) / max(contrast, _FLAT), reason


def moved(before: Sketch, after: Sketch) -> bool:
    """Whether enough of the picture changed for somebody to have come, gone or moved."""
    return float((np.abs(after - before) > _CHANGED).mean()) > _CELLS


def look(before: Sketch | None, after: Sketch, faces_changed: bool, counts: tuple[Counted, ...], rested: int) -> Look:
    """Why to look now, or "still". `before` is the copy of the last look, `counts` what the last looks counted.

    `rested` is the number of samples since the last look. What has just changed is looked at until `SETTLED` looks
    agree, so that no incident rests on one look carried over to the samples after it.
    """
    if before is None:
        return "first"
    if faces_changed:
        return "faces_changed"
    if moved(before, after):
        return "moved"
    if len(counts) < SETTLED or len(set(counts)) > 1:
        return "unsettled"
    return "keep_alive" if rested >= KEEP_ALIVE - 1 else "still"
