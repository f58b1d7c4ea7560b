"""Where a head points, from six points of a face, and where this candidate's points while they look at their exam.

The angles are of a simple model (nose and ears on one circle), not of a calibrated camera: they are off by ten degrees
and more, differently for each camera and place. So they are only held against the same candidate's own baseline.
"""

from __future__ import annotations

import math
from datetime import datetime
from statistics import median

import msgspec
from msgspec.structs import replace

from detectors.seen import Pose

VERSION = "2"
LEARN_S = 60.0
LEAST = 8  # poses that a baseline rests on
SAME = 5.0  # degrees within which who comes back from a break sits as before
DRIFT = 2.0  # degrees a minute: who sits down differently has a new baseline after some minutes
_PAUSE_S = 6.0  # however long nobody was seen, the baseline moves no further than in this time

Point = tuple[float, float]


def pose(points: tuple[Point, ...]) -> Pose:
    """From right eye, left eye, nose, mouth, right ear and left ear (the person's own sides), x to the right, y down.

    Degrees: yaw is positive where the nose points to the right of the picture, pitch where it points down.
    """
    (rx, ry), (lx, ly), nose, _, right, left = points
    length = math.hypot(lx - rx, ly - ry) or 1.0
    across = ((lx - rx) / length, (ly - ry) / length)  # along the eyes, so that a tilted head changes nothing
    down = (-across[1], across[0])
    middle = ((right[0] + left[0]) / 2, (right[1] + left[1]) / 2)
    half = max(1e-3, _along(right, left, across) / 2)
    aside, below = _along(middle, nose, across), _along(middle, nose, down)
    return Pose(math.degrees(math.atan2(aside, half)), math.degrees(math.atan2(below, math.hypot(half, aside))))


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one candidate so far: the first poses while it is learnt, then where their head rests.

    `before` is where it rested before a break, which nothing rests on until the first poses agree with it.
    """

    since: datetime
    until: datetime
    first: tuple[Pose, ...] = ()
    rest: Pose | None = None
    before: Pose | None = None


def resume(before: Pose, at: datetime) -> Baseline:
    """After a break: they may sit elsewhere, so what was known holds again only once it was seen to."""
    return Baseline(since=at, until=at, before=before)


def learn(known: Baseline | None, at: datetime, seen: Pose) -> Baseline:
    """The baseline after one more pose: the median of the first minute, which then follows slowly.

    After a break a few poses are enough if their median is where the head rested before.
    It moves by a fixed speed towards what is seen, as a running median does: a short look aside moves it hardly at all.
    """
    if known is None:
        return Baseline(since=at, until=at, first=(seen,))
    if known.rest is None:
        first = (*known.first, seen)
        rest = _rest(known, first, (at - known.since).total_seconds()) if len(first) >= LEAST else None
        return replace(known, until=at, first=() if rest else first, rest=rest)
    step = DRIFT / 60.0 * min(_PAUSE_S, (at - known.until).total_seconds())
    rest = Pose(_towards(known.rest.yaw, seen.yaw, step), _towards(known.rest.pitch, seen.pitch, step))
    return replace(known, until=at, rest=rest)


def _rest(known: Baseline, first: tuple[Pose, ...], lasted_s: float) -> Pose | None:
    middle = Pose(median(one.yaw for one in first), median(one.pitch for one in first))
    if known.before is not None and away(known.before, middle) <= SAME:
        return known.before
    return middle if lasted_s >= LEARN_S else None


def away(rest: Pose, seen: Pose) -> float:
    """By how many degrees a head points elsewhere, to the side or up and down."""
    return max(abs(seen.yaw - rest.yaw), abs(seen.pitch - rest.pitch))


def _along(start: Point, end: Point, direction: Point) -> float:
    return (end[0] - start[0]) * direction[0] + (end[1] - start[1]) * direction[1]


def _towards(value: float, target: float, step: float) -> float:
    return value + max(-step, min(step, target - value))
