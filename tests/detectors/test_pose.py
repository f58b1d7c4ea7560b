"""Where a head points: from points of a face, and against where it points as a rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import pose, rules
from detectors.changes import Change, Closed, Opened
from detectors.faces import Faces
from detectors.pipeline import Pipeline, View
from detectors.seen import Observation, Pose
from detectors.settings import Settings
from domain.policy import DetectorSetting

Image = NDArray[np.uint8]
Clip = Callable[[str], list[Image]]
ToJpeg = Callable[[Image], bytes]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
S = timedelta(seconds=1)
LOOKING = Settings(detectors=(DetectorSetting(kind="looking_away"),))


def head(yaw: float, pitch: float, tilt: float = 0.0, size: float = 50.0) -> tuple[pose.Point, ...]:
    """The six points of a head as the model has it: nose and ears on one circle, seen from far away."""
    y, p, t = (math.radians(angle) for angle in (yaw, pitch, tilt))
    flat = [
        (-0.4 * math.cos(y), -0.3), (0.4 * math.cos(y), -0.3), (math.sin(y), math.tan(p)), (0.0, 0.5),
        (-math.cos(y), 0.0), (math.cos(y), 0.0),
    ]  # fmt: skip
    return tuple(
        (100 + size * (a * math.cos(t) - b * math.sin(t)), 80 + size * (a * math.sin(t) + b * math.cos(t)))
        for a, b in flat
    )


@given(st.floats(-70, 70), st.floats(-50, 50), st.floats(-40, 40), st.floats(5, 300))
def test_the_angles_are_those_of_the_head_however_large_or_tilted(
    yaw: float, pitch: float, tilt: float, size: float
) -> None:
    found = pose.pose(head(yaw, pitch, tilt, size))
    assert (found.yaw, found.pitch) == (pytest.approx(yaw, abs=0.01), pytest.approx(pitch, abs=0.01))


def test_points_that_lie_on_each_other_are_no_error() -> None:
    assert pose.pose(((1.0, 1.0),) * 6) == Pose(0.0, 0.0)


def learnt(poses: Iterable[Pose], every_s: float = 2.0, known: pose.Baseline | None = None) -> pose.Baseline | None:
    start = known.until + every_s * S if known else START
    for number, one in enumerate(poses):
        known = pose.learn(known, start + every_s * number * S, one)
    return known


def test_the_baseline_is_the_median_of_the_first_minute() -> None:
    aside = [Pose(55.0, 0.0)] * 10
    known = learnt([*aside, *[Pose(-12.0, 8.0)] * 20])
    assert known
    assert known.rest is None, "the minute is not over"
    known = learnt([Pose(-12.0, 8.0)], known=known)
    assert known
    assert known.rest == Pose(-12.0, 8.0)


def test_few_poses_are_no_baseline_however_long_they_took() -> None:
    known = learnt([Pose(0.0, 0.0)] * (pose.LEAST - 1), every_s=30.0)
    assert known
    assert known.rest is None


def test_who_sits_down_differently_has_a_new_baseline_after_some_minutes() -> None:
    known = learnt([Pose(0.0, 0.0)] * 31)
    short = learnt([Pose(50.0, 0.0)] * 15, known=known)
    assert short
    assert short.rest
    assert short.rest.yaw == pytest.approx(1.0), "half a minute aside moves it by a degree"
    later = learnt([Pose(50.0, -3.0)] * 600, known=known)
    assert later
    assert later.rest
    assert (later.rest.yaw, later.rest.pitch) == (pytest.approx(40.0), -3.0)


def test_however_long_nobody_was_seen_the_baseline_hardly_moves() -> None:
    known = learnt([Pose(0.0, 0.0)] * 31)
    assert known
    after = pose.learn(known, known.until + 1800 * S, Pose(50.0, 0.0))
    assert after.rest
    assert after.rest.yaw < 0.5


def after_a_break(*yaws: float, before: float = 10.0) -> list[bool]:
    """Whether the baseline was known after each of these poses, each two seconds, of who rested at `before`."""
    known, said = pose.resume(Pose(before, 0.0), START), list[bool]()
    for number, yaw in enumerate(yaws):
        known = pose.learn(known, START + 2 * number * S, Pose(yaw, 0.0))
        said.append(known.rest is not None)
    return said


def test_who_comes_back_from_a_break_to_the_same_place_is_known_after_a_few_poses() -> None:
    assert after_a_break(*[12.0] * 20) == [False] * (pose.LEAST - 1) + [True] * (21 - pose.LEAST)
    known = learnt([Pose(12.0, 0.0)] * pose.LEAST, known=pose.resume(Pose(10.0, 0.0), START))
    assert known
    assert known.rest == Pose(10.0, 0.0), "it is the one of before"


def test_who_comes_back_to_another_place_is_learnt_anew() -> None:
    assert after_a_break(*[30.0] * 32) == [False] * 30 + [True] * 2
    known = learnt([Pose(30.0, 0.0)] * 31, known=pose.resume(Pose(10.0, 0.0), START - 2 * S))
    assert known
    assert known.rest == Pose(30.0, 0.0)


def test_who_looks_aside_at_first_is_known_once_they_sit_as_before() -> None:
    said = after_a_break(*[60.0] * 5, *[10.0] * 10)
    assert said.index(True) == 10, "when most of what was seen agrees"


def seen(pipeline: Pipeline, pictures: list[bytes], many: int, *, measure: bool = True) -> list[Observation]:
    view = View("s")
    times = (START + 2 * n * S for n in count())
    return [
        pipeline.observe(view, at, pictures[n % len(pictures)], measure=measure)
        for n, at in zip(range(many), times, strict=False)
    ]


def told(observations: Iterable[Observation]) -> list[Change]:
    state, changes = rules.begin("s"), list[Change]()
    for one in observations:
        state, made = rules.step(state, LOOKING, one)
        changes += made
    return changes


def test_a_turning_head_is_looking_away_once_its_baseline_is_known(
    pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg
) -> None:
    observations = seen(pipeline, [to_jpeg(picture) for picture in clip("turning-head.gif")], 56)
    opened, *changes = told(observations)
    assert isinstance(opened, Opened)
    assert any(isinstance(change, Closed) for change in changes)
    assert (opened.kind, opened.severity, opened.threshold) == ("looking_away", "info", 0.5)
    assert opened.started_at >= START + pose.LEARN_S * S
    yaws = [one.pose.yaw for one in observations if one.pose]
    assert min(yaws) < -45
    assert max(yaws) > 30


@pytest.mark.parametrize("name", ["again", "learn", "walk"])
def test_who_nods_and_moves_their_hands_is_not_looking_away(
    pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg, name: str
) -> None:
    frames = clip(f"one-person-{name}.mkv")
    pictures = [to_jpeg(frames[(13 * n) % len(frames)]) for n in range(12)]
    observations = seen(pipeline, pictures, 44)
    assert told(observations) == []
    assert all(one.pose for one in observations)
    assert observations[-1].baseline


def test_a_large_face_has_the_same_angles_from_the_look_that_found_it_as_from_near(
    pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg
) -> None:
    """A turning head, from as near as it is to most people's own cameras."""
    assert isinstance(pipeline.faces, Faces)
    pictures = [near(picture, 0.7) for picture in clip("turning-head.gif")]
    for picture in pictures:
        (face,) = pipeline.faces.find(picture, measure=True)
        found, again = pose.pose(face.points), pose.pose(pipeline.faces.points(picture, face))
        assert pose.away(found, again) < 15
    assert {type(change) for change in told(seen(pipeline, [*map(to_jpeg, pictures)], 56))} >= {Opened, Closed}


def near(picture: Image, share: float) -> Image:
    """The middle of a picture, as large as the whole of it."""
    height, width = picture.shape[:2]
    top, left = round(height * (1 - share) / 3), round(width * (1 - share) / 2)
    cut = picture[top : top + round(height * share), left : left + round(width * share)]
    return cv2.resize(cut, (width, height)).astype(np.uint8)


def test_nobody_is_measured_who_need_not_be_and_what_was_learnt_is_forgotten(
    pipeline: Pipeline, photograph: Callable[[str], Image], to_jpeg: ToJpeg
) -> None:
    view, picture = View("s"), to_jpeg(photograph("astronaut"))
    assert pipeline.observe(view, START, picture, measure=True).pose
    assert view.baseline
    assert pipeline.observe(view, START + 2 * S, picture).pose is None
    assert view.baseline is None


def test_two_faces_have_no_pose(pipeline: Pipeline, photograph: Callable[[str], Image], to_jpeg: ToJpeg) -> None:
    (one,) = seen(pipeline, [to_jpeg(photograph("zidane"))], 1)
    assert one.pose is None
