"""What was seen in one picture or heard in one batch of sound.

Plain values, made by `pipeline.py` and `hearing.py` and judged by `rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from detectors.coco import Category

CannotTell = Literal[
    "unreadable", "too_dark", "no_detail", "detector_failed", "too_far", "not_known", "no_face", "several_faces",
    "no_baseline", "no_sound", "sound_lost",
]  # fmt: skip
Lost = Literal[CannotTell, "late"]  # with those that come too late to be judged with the last
Source = Literal["camera", "sound"]
Look = Literal["first", "moved", "faces_changed", "unsettled", "keep_alive", "still", "none"]


class Box(msgspec.Struct, frozen=True):
    """Where something is, in fractions of the picture's width and height from its top left, and a score in 0..1."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)


class Pose(msgspec.Struct, frozen=True):
    """Where a head points, in degrees: to the right of the picture, and down."""

    yaw: float
    pitch: float


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One sample of one session. `at` is the server's clock; `look` says why objects were looked for, or weren't.

    `things` are the other objects, by category; one that the weights in use do not know is not among them. Weak finds
    are included: which score counts is a rule's business. `pose` is of the only face, where faces may be measured, and
    `baseline` where that candidate's head rests, once that is learnt. Of sound only `voiced` is known, the part
    of it that is speech, and whether there is `company`: more than one person is open in the pictures meanwhile. With
    `cannot_tell` nothing was seen or heard, for a reason that says nothing about the candidate.
    """

    session: str
    at: datetime
    persons: tuple[Box, ...] = ()
    faces: tuple[Box, ...] = ()
    things: Mapping[Category, tuple[Box, ...]] = {}
    pose: Pose | None = None
    baseline: Pose | None = None
    look: Look = "none"
    source: Source = "camera"
    voiced: float = 0.0
    company: bool = False
    cannot_tell: CannotTell | None = None


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in 0..1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    common = width * height
    return common / (one.area + other.area - common)
