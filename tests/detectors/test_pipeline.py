"""From pictures to observations and incidents: the gate, the tracks, and whole clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import gate, rules, tracks
from detectors.changes import Change, Opened
from detectors.faces import Face
from detectors.kinds import unsure
from detectors.pipeline import DetectorError, Objects, Pipeline, Shot, View
from detectors.readings import Thing
from detectors.seen import Box, Observation
from detectors.settings import Settings
from domain.policy import DetectorSetting, Policy

Image = NDArray[np.uint8]
Photograph = Callable[[str], Image]
ToJpeg = Callable[[Image], bytes]
Clip = Callable[[str], list[Image]]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SETTINGS = Settings(detectors=Policy().detectors)


def observe(pipeline: Pipeline, pictures: Iterable[bytes], view: View | None = None) -> list[Observation]:
    """A picture each two seconds."""
    view = view or View("s")
    times = (START + timedelta(seconds=2 * n) for n in count())
    return [pipeline.observe(view, at, picture) for at, picture in zip(times, pictures, strict=False)]


def incidents(observations: Iterable[Observation], settings: Settings = SETTINGS) -> list[Change]:
    state, changes = rules.begin("s"), list[Change]()
    for one in observations:
        state, made = rules.step(state, settings, one)
        changes += made
    return changes


def test_a_still_picture_is_looked_at_until_settled_and_then_every_fifth_sample(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    picture = to_jpeg(photograph("astronaut"))
    looks = [one.look for one in observe(pipeline, [picture] * 13)]
    assert looks == ["first", *["unsettled"] * 2, *["still"] * 4, "keep_alive", *["still"] * 4, "keep_alive"]


def test_a_still_sample_carries_the_persons_of_the_last_look_and_sees_its_own_faces(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    seen = observe(pipeline, [to_jpeg(photograph("astronaut"))] * 5)
    assert seen[-1].look == "still"
    assert len(seen[-1].persons) == len(seen[-1].faces) == 1
    assert incidents(seen) == []


def test_who_leaves_is_noticed_at_once(pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg) -> None:
    there = photograph("astronaut")
    room = cv2.resize(photograph("coffee"), there.shape[1::-1]).astype(np.uint8)
    seen = observe(pipeline, [to_jpeg(there)] * 5 + [to_jpeg(room)] * 4)
    assert seen[5].look in ("faces_changed", "moved")
    assert seen[5].persons == ()
    (opened,) = incidents(seen)
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.started_at) == ("out_of_view", seen[5].at)


@pytest.mark.parametrize(("gain", "offset"), [(0.6, 0), (0.5, -5), (1.2, 0), (1.0, 30)])
def test_a_change_of_light_is_not_movement(photograph: Photograph, gain: float, offset: float) -> None:
    picture = photograph("astronaut")
    other = cv2.convertScaleAbs(picture, alpha=gain, beta=offset).astype(np.uint8)
    assert not gate.moved(gate.sketch(picture)[0], gate.sketch(other)[0])


def test_somebody_at_the_edge_is_movement(photograph: Photograph) -> None:
    picture = photograph("astronaut")
    other = picture.copy()
    other[picture.shape[0] // 3 :, -picture.shape[1] // 6 :] = 60
    assert gate.moved(gate.sketch(picture)[0], gate.sketch(other)[0])


@pytest.mark.parametrize(
    ("picture", "reason"),
    [(np.zeros((480, 640, 3), np.uint8), "too_dark"), (np.full((480, 640, 3), 128, np.uint8), "no_detail")],
)
def test_a_dark_room_or_a_covered_lens_cannot_tell(
    pipeline: Pipeline, to_jpeg: ToJpeg, picture: Image, reason: str
) -> None:
    seen = observe(pipeline, [to_jpeg(picture)] * 6)
    assert {one.cannot_tell for one in seen} == {reason}
    assert incidents(seen) == []


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff\xe0broken"])
def test_what_is_no_picture_cannot_tell(pipeline: Pipeline, data: bytes) -> None:
    assert observe(pipeline, [data])[0].cannot_tell == "unreadable"


def test_a_model_that_fails_is_named(pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg) -> None:
    class Broken:
        weights = pipeline.faces.weights

        def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]:  # noqa: ARG002
            raise MemoryError(f"no room for {picture.shape}")

    with pytest.raises(DetectorError, match=r"^faces failed: MemoryError: no room for \(512, 512, 3\)$"):
        observe(Pipeline(Broken(), pipeline.objects), [to_jpeg(photograph("astronaut"))])


def test_pictures_looked_at_together_show_what_each_shows_alone(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    """Some of one shape and one of another, one that needs no look at objects, and one that is no picture."""
    street, two = photograph("bus"), cv2.resize(photograph("zidane"), (810, 1080)).astype(np.uint8)
    pictures = [*map(to_jpeg, (photograph("astronaut"), street, two)), b"not a picture"]
    together, alone = [View(str(n)) for n in range(4)], [View(str(n)) for n in range(4)]
    for turn in range(5):
        at = START + timedelta(seconds=2 * turn)
        seen = pipeline.observe_many(
            [Shot(view, at, jpeg, measure=True) for view, jpeg in zip(together, pictures, strict=True)]
        )
        assert seen == [
            pipeline.observe(view, at, jpeg, measure=True) for view, jpeg in zip(alone, pictures, strict=True)
        ]
    looks = [one.look for one in seen if isinstance(one, Observation)]
    assert looks == ["still", "still", "still", "none"]


def test_of_pictures_looked_at_together_only_the_one_at_fault_is_not_seen(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    class Wary:
        weights, at_once = pipeline.objects.weights, 3

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            if any(picture.shape[0] > 1000 for picture in pictures):
                raise MemoryError("no room")
            return pipeline.objects.find_many(pictures)

    pictures = [to_jpeg(photograph(name)) for name in ("astronaut", "bus", "zidane")]
    shots = [Shot(View(str(n)), START, jpeg) for n, jpeg in enumerate(pictures)]
    one, street, two = Pipeline(pipeline.faces, Wary()).observe_many(shots)
    assert isinstance(street, DetectorError)
    assert str(street) == "persons failed: MemoryError: no room"
    assert [len(seen.faces) for seen in (one, two) if isinstance(seen, Observation)] == [1, 2]
    assert [shot.view.faces for shot in shots] == [1, 0, 2]


def test_who_covers_their_face_is_there_without_one(pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg) -> None:
    picture = clip("one-person-milk.mkv")[0]
    face = pipeline.faces.find(picture)[0]
    rows, columns = picture.shape[:2]
    middle = (int((face.left + face.right) / 2 * columns), int((face.top + face.bottom) / 2 * rows))
    covered = cv2.circle(picture.copy(), middle, int((face.bottom - face.top) * rows * 0.8), (40, 50, 60), -1)
    settings = Settings(detectors=(*SETTINGS.detectors, DetectorSetting(kind="face_not_visible")))
    (opened,) = incidents(observe(pipeline, [to_jpeg(covered.astype(np.uint8))] * 8), settings)
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.severity) == ("face_not_visible", "info")


def test_two_sessions_do_not_disturb_each_other(pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg) -> None:
    one, other = View("one"), View("other")
    observe(pipeline, [to_jpeg(photograph("astronaut"))] * 4, one)
    assert observe(pipeline, [to_jpeg(photograph("bus"))], other)[0].look == "first"
    assert observe(pipeline, [to_jpeg(photograph("astronaut"))], one)[0].look == "still"


def test_a_track_takes_the_median_and_forgets_who_is_gone() -> None:
    def at(left: float, score: float) -> Box:
        return Box(left, 0.1, left + 0.4, 0.9, score)

    followed: tuple[tracks.Track, ...] = ()
    for score in (0.5, 0.1, 0.6):
        followed = tracks.follow(followed, (at(0.1, score), at(0.55, 0.9)))
    assert sorted(box.score for box in tracks.in_view(followed)) == [0.5, 0.9]
    followed = tracks.follow(followed, (at(0.12, 0.6),))
    assert [box.score for box in tracks.in_view(followed)] == [0.6]
    assert len(followed) == 2
    assert len(tracks.follow(followed, (at(0.12, 0.6),))) == 1


ONE = ["again", "book", "eat", "help", "learn", "milk", "school", "sister", "walk"]


@pytest.mark.parametrize("name", ONE)
def test_one_person_opens_nothing(pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg, name: str) -> None:
    frames = clip(f"one-person-{name}.mkv")
    pictures = [to_jpeg(frames[(13 * n) % len(frames)]) for n in range(12)]
    seen = observe(pipeline, pictures)
    assert incidents(seen) == []
    assert all(one.cannot_tell is None for one in seen)


def test_a_turning_head_opens_nothing(pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg) -> None:
    assert incidents(observe(pipeline, map(to_jpeg, islice(clip("turning-head.gif"), 16)))) == []


@pytest.mark.parametrize("name", [*ONE, "please"])
def test_nobody_who_holds_nothing_is_taken_to_hold_something(
    pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg, name: str
) -> None:
    """They sign with their hands, wear a badge, and have a cupboard and a chair behind them."""
    frames = clip(f"one-person-{name}.mkv")
    seen = observe(pipeline, [to_jpeg(frames[(13 * n) % len(frames)]) for n in range(12)])
    things = Settings(detectors=tuple(DetectorSetting(kind=kind) for kind in (*get_args(Thing), "face_not_visible")))
    assert incidents(seen, things) == []
    assert not any(unsure(one, things) for one in seen)


def test_things_are_tracked_and_keep_the_score_of_three_looks(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    class WithTelephone:
        """The real finds, and a telephone in front of the first of them."""

        weights, at_once = pipeline.objects.weights, 1
        scores = iter((0.5, 0.1, 0.6))

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            (found,) = pipeline.objects.find_many(pictures)
            return [found | {"handheld_device": (Box(0.4, 0.6, 0.5, 0.8, next(self.scores, 0.6)),)}]

    picture = to_jpeg(photograph("astronaut"))
    seen = observe(Pipeline(pipeline.faces, WithTelephone()), [picture] * 8)
    assert [round(one.things["handheld_device"][0].score, 2) for one in seen[:4]] == [0.5, 0.3, 0.5, 0.6]
    assert [one.look for one in seen[:6]] == ["first", *["unsettled"] * 4, "still"]
    assert seen[-1].things["book"] == ()
    settings = Settings(detectors=(DetectorSetting(kind="handheld_device"),))
    opened = incidents(seen, settings)[0]
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.severity, opened.threshold) == ("handheld_device", "warn", 0.4)


def test_who_has_just_come_in_is_looked_at_until_they_count(
    pipeline: Pipeline, photograph: Photograph, to_jpeg: ToJpeg
) -> None:
    """In the median of three looks they are not there yet, and a picture that is still is not looked at again soon."""

    class WithVisitor:
        """The real finds, and somebody beside them who is hardly a trace for three looks."""

        weights, at_once = pipeline.objects.weights, 1
        scores = iter((0.21, 0.21, 0.21))

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            (found,) = pipeline.objects.find_many(pictures)
            visitor = Box(0.0, 0.1, 0.2, 1.0, next(self.scores, 0.57))
            return [found | {"person": (*found["person"], visitor)}]

    picture = to_jpeg(photograph("astronaut"))
    seen = observe(Pipeline(pipeline.faces, WithVisitor()), [picture] * 12)
    assert [one.look for one in seen[7:11]] == ["keep_alive", *["unsettled"] * 2, "still"]
    assert [change.kind for change in incidents(seen)] == ["several_people"]


@pytest.mark.parametrize("name", ["two-people.gif", "one-person-please.mkv"])
def test_a_second_person_opens_several_people(pipeline: Pipeline, clip: Clip, to_jpeg: ToJpeg, name: str) -> None:
    """In `please` the second person stands half outside the picture and shows no face."""
    seen = observe(pipeline, map(to_jpeg, clip(name)[:60:10]))
    (opened,) = incidents(seen)
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.severity, opened.started_at) == ("several_people", "high", START)
    assert opened.raw_score >= opened.threshold


def test_provenance_names_models_thresholds_and_rule(pipeline: Pipeline) -> None:
    said = pipeline.provenance("several_people", SETTINGS)
    assert set(said.weights) == {"centernet", "blazeface"}
    assert all(len(sha256) == 64 for sha256 in said.weights.values())
    assert said.thresholds == {"person": 0.38, "face": 0.75}
    assert said.rule_version == "several_people/2"
    assert "ultralytics/8.4." in said.detector_version
    book = pipeline.provenance("book", Settings(detectors=(DetectorSetting(kind="book", threshold=0.6),)))
    assert (set(book.weights), book.thresholds, book.detector) == ({"centernet"}, {"book": 0.6}, "objects")
