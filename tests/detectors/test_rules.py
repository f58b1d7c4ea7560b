"""The rules: when samples become an incident, and when they don't."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detectors import rules
from detectors.changes import Change, Closed, Opened, Peak, Still, incident_id
from detectors.kinds import GAP_S, KINDS, kinds_of, unsure
from detectors.readings import Thing
from detectors.seen import Box, CannotTell, Observation, Pose
from detectors.settings import Settings, StillOpen
from domain.policy import DetectorKind, DetectorSetting

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOTH = Settings(detectors=(DetectorSetting(kind="out_of_view"), DetectorSetting(kind="several_people")))


def box(score: float) -> Box:
    return Box(0.2, 0.1, 0.6, 0.9, score)


def sample(second: float, seen: str, score: float = 0.7) -> Observation:
    """`seen`: "1" one person, "0" nobody, "2" two people, "?" cannot tell."""
    at = START + timedelta(seconds=second)
    if seen == "?":
        return Observation(session="s", at=at, cannot_tell="too_dark")
    many = int(seen)
    return Observation(session="s", at=at, persons=(box(0.9), box(score))[:many], faces=(box(0.95),) if many else ())


def watch(
    samples: list[Observation], settings: Settings = BOTH, state: rules.State | None = None
) -> tuple[rules.State, list[Change]]:
    state = state or rules.begin("s")
    changes: list[Change] = []
    for one in samples:
        state, made = rules.step(state, settings, one)
        changes += made
    return state, changes


def every_two_seconds(seen: str) -> list[Observation]:
    """One sample each two seconds; a blank is a sample that never came."""
    return [sample(2.0 * index, one) for index, one in enumerate(seen) if one != " "]


def test_one_person_in_view_is_nothing() -> None:
    assert watch(every_two_seconds("1" * 50))[1] == []


def test_leaving_the_view_opens_after_two_seconds_and_closes_when_back_for_six() -> None:
    _, changes = watch(every_two_seconds("110001111"))
    opened, closed = changes
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.kind, opened.severity) == ("out_of_view", "warn")
    assert opened.started_at == START + timedelta(seconds=4)
    assert opened.at == START + timedelta(seconds=6)
    assert (closed.incident, closed.why) == (opened.incident, "clear")
    assert closed.ended_at == START + timedelta(seconds=8)
    assert closed.at == START + timedelta(seconds=16)


@pytest.mark.parametrize(
    ("seen", "opens"),
    [
        ("121", False),
        ("1211211", False),
        ("122", True),
        ("1212", True),
        ("12 2", True),
        ("1?2?2", True),
        ("12   2", False),
    ],
)
def test_a_second_person_opens_on_two_of_three_samples(seen: str, opens: bool) -> None:
    _, changes = watch(every_two_seconds(seen))
    assert [change.kind for change in changes] == (["several_people"] if opens else [])


@pytest.mark.parametrize(
    ("seen", "opens"), [("00", True), ("01", False), ("0110", False), ("0??", False), ("010", True), ("0 0", True)]
)
def test_out_of_view_needs_two_of_three_samples(seen: str, opens: bool) -> None:
    _, changes = watch(every_two_seconds("1" + seen))
    assert [change.kind for change in changes] == (["out_of_view"] if opens else [])


@pytest.mark.parametrize("seen", ["0", "2"])
@pytest.mark.parametrize("every_s", [1.0 + 0.25 * n for n in range(21)] + [2.99, 3.01, 3.99, 4.01, 5.99])
def test_however_the_samples_are_spaced_what_they_all_show_opens(every_s: float, seen: str) -> None:
    _, changes = watch([sample(every_s * n, seen) for n in range(12)])
    assert isinstance(changes[0], Opened)
    assert changes[0].started_at == START
    assert (changes[0].at - START).total_seconds() < 8.5


def test_samples_too_far_apart_say_nothing_of_the_time_between_them() -> None:
    for seen in ("0", "2"):
        assert watch([sample((GAP_S + 0.1) * n, seen) for n in range(50)])[1] == []


def test_away_for_more_than_thirty_seconds_becomes_grave() -> None:
    _, changes = watch(every_two_seconds("1" + "0" * 20))
    assert [(type(change), change.severity) for change in changes] == [(Opened, "warn"), (Peak, "high")]


def test_a_better_picture_is_kept_and_a_little_better_one_is_not() -> None:
    seen = [sample(0, "2", 0.5), sample(2, "2", 0.5), sample(4, "2", 0.55), sample(6, "2", 0.7), sample(8, "2", 0.6)]
    _, changes = watch(seen)
    assert [type(change) for change in changes] == [Opened, Peak]
    assert changes[1].at == START + timedelta(seconds=6)


def test_a_gap_does_not_count_as_clear() -> None:
    state, changes = watch([*every_two_seconds("222"), sample(6, "1"), sample(60, "1")])
    assert [type(change) for change in changes] == [Opened]
    _, changes = watch([sample(62, "1"), sample(64, "1"), sample(66, "1")], state=state)
    assert [type(change) for change in changes] == [Closed]


def test_what_cannot_be_told_does_not_count_as_clear() -> None:
    _, changes = watch(every_two_seconds("222" + "?" * 30))
    assert [type(change) for change in changes] == [Opened]


def test_a_muted_kind_never_opens_and_closes_what_is_open() -> None:
    muted = Settings(detectors=BOTH.detectors, muted=frozenset({"several_people"}))
    state, _ = watch(every_two_seconds("222"))
    _, changes = watch([sample(6 + 2 * n, "2") for n in range(9)], muted, state)
    assert [(type(change), change.why) for change in changes if isinstance(change, Closed)] == [
        (Closed, "not_observed")
    ]
    assert len(changes) == 1


def test_a_permitted_reader_is_not_flagged_and_a_third_person_is() -> None:
    with_reader = Settings(detectors=BOTH.detectors, people=2)
    assert watch(every_two_seconds("2222"), with_reader)[1] == []
    three = [
        Observation(session="s", at=START + timedelta(seconds=2 * n), persons=(box(0.9), box(0.8), box(0.7)))
        for n in range(3)
    ]
    assert [change.kind for change in watch(three, with_reader)[1]] == ["several_people"]


def test_the_policy_sets_the_threshold() -> None:
    strict = Settings(detectors=(DetectorSetting(kind="several_people", threshold=0.8),))
    assert watch([sample(2 * n, "2", 0.7) for n in range(4)], strict)[1] == []
    opened = watch([sample(2 * n, "2", 0.85) for n in range(4)], strict)[1][0]
    assert isinstance(opened, Opened)
    assert (opened.threshold, opened.raw_score) == (0.8, 0.85)


THINGS = Settings(
    detectors=tuple(DetectorSetting(kind=kind) for kind in get_args(Thing)),
)


def desk(second: float, kind: Thing, score: float, *, height: float = 0.8) -> Observation:
    """Somebody so tall in the picture, with something in view; scores of 0 are of things that are not there."""
    things = dict.fromkeys(get_args(Thing), ()) | ({kind: (box(score),)} if score else {})
    person = Box(0.2, 0.9 - height, 0.6, 0.9, 0.9)
    return Observation(session="s", at=START + timedelta(seconds=second), persons=(person,), things=things)


@pytest.mark.parametrize(
    ("kind", "scores", "opens"),
    [
        ("handheld_device", [0.5, 0.0, 0.5], True),
        ("handheld_device", [0.5, 0.0, 0.0, 0.5, 0.0], False),
        ("handheld_device", [0.39] * 9, False),
        ("book", [0.5, 0.5], False),
        ("book", [0.5, 0.5, 0.0, 0.5], True),
        ("second_screen", [0.5, 0.0, 0.5, 0.0, 0.5], True),
        ("second_screen", [0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5], False),
        ("second_screen", [0.44] * 9, False),
    ],
)
def test_a_thing_opens_once_it_was_seen_often_enough(kind: Thing, scores: list[float], opens: bool) -> None:
    _, changes = watch([desk(2.0 * n, kind, score) for n, score in enumerate(scores)], THINGS)
    assert [change.kind for change in changes] == ([kind] if opens else [])


def test_a_telephone_that_stays_in_the_hand_becomes_grave_and_a_book_does_not() -> None:
    for kind, severities in (("handheld_device", ["warn", "high"]), ("book", ["info"])):
        _, changes = watch([desk(2.0 * n, kind, 0.6) for n in range(9)], THINGS)
        assert [change.severity for change in changes] == severities


def test_things_that_cannot_be_seen_are_not_seconds_seen() -> None:
    """Weights that do not know it, or somebody who sits too far away to show what they hold."""
    unknown = Observation(session="s", at=START, persons=(box(0.9),))
    assert unsure(unknown, THINGS) == dict.fromkeys(get_args(Thing), "not_known")
    far = desk(0.0, "book", 0.0, height=0.2)
    assert unsure(far, THINGS) == {"handheld_device": "too_far", "book": "too_far"}
    assert unsure(desk(0.0, "book", 0.6, height=0.2), THINGS) == {"handheld_device": "too_far"}, "found all the same"
    assert unsure(desk(0.0, "book", 0.0), THINGS) == {}


FACES = Settings(detectors=(DetectorSetting(kind="face_not_visible"), DetectorSetting(kind="looking_away")))


def head(second: float, yaw: float, *faces: float, person: float = 0.9, height: float = 0.8) -> Observation:
    """A person with faces of these scores, whose head rests at 10 degrees to the right and 5 up."""
    body = Box(0.2, 0.9 - height, 0.6, 0.9, person)
    return Observation(
        session="s", at=START + timedelta(seconds=second), persons=(body,), faces=tuple(box(face) for face in faces),
        pose=Pose(yaw, -5.0) if faces else None, baseline=Pose(10.0, -5.0),
    )  # fmt: skip


def test_a_person_without_a_face_opens_and_becomes_a_warning() -> None:
    _, changes = watch([head(2.0 * n, 0.0) for n in range(16)], FACES)
    assert [(type(change), change.kind, change.severity) for change in changes] == [
        (Opened, "face_not_visible", "info"), (Peak, "face_not_visible", "warn"),
    ]  # fmt: skip


def test_a_trace_of_a_face_or_no_person_is_not_a_hidden_face() -> None:
    assert watch([head(2.0 * n, 10.0, 0.65) for n in range(16)], FACES)[1] == []
    assert watch([head(2.0 * n, 0.0, person=0.45) for n in range(16)], FACES)[1] == []
    nobody = [Observation(session="s", at=START + timedelta(seconds=2 * n)) for n in range(16)]
    assert watch(nobody, FACES)[1] == []


def test_who_sits_too_far_away_to_show_a_face_hides_none() -> None:
    far = head(0.0, 0.0, height=0.2)
    assert unsure(far, FACES) == {"face_not_visible": "too_far", "looking_away": "no_face"}


@pytest.mark.parametrize(("yaw", "opens"), [(39.0, False), (-19.0, False), (41.0, True), (-21.0, True)])
def test_looking_away_is_held_against_the_own_baseline(yaw: float, opens: bool) -> None:
    _, changes = watch([head(2.0 * n, yaw, 0.95) for n in range(8)], FACES)
    assert [change.kind for change in changes] == (["looking_away"] if opens else [])


@pytest.mark.parametrize(("yaws", "opens"), [("-+--+-", False), ("-+---+--", False), ("-++--", True), ("+-+", True)])
def test_a_glance_in_one_sample_alone_is_nothing(yaws: str, opens: bool) -> None:
    samples = [head(2.0 * n, 60.0 if one == "+" else 10.0, 0.95) for n, one in enumerate(yaws)]
    assert [change.kind for change in watch(samples, FACES)[1]] == (["looking_away"] if opens else [])


def test_without_a_baseline_or_with_another_face_nobody_looks_away() -> None:
    one = head(0.0, 90.0, 0.95)
    assert unsure(replace(one, baseline=None), FACES) == {"looking_away": "no_baseline"}
    assert unsure(head(0.0, 90.0, 0.95, 0.9), FACES) == {"looking_away": "several_faces"}
    assert unsure(replace(one, persons=(*one.persons, Box(0.7, 0.1, 1.0, 1.0, 0.5))), FACES) == {
        "looking_away": "several_faces"
    }
    assert unsure(replace(one, persons=()), FACES) == {"looking_away": "no_face"}, "a face where nobody sits is none"
    small = Box(0.4, 0.4, 0.43, 0.44, 0.95)
    assert unsure(replace(one, faces=(small,)), FACES) == {"looking_away": "too_far"}
    assert unsure(one, FACES) == {}


def test_a_kind_that_cannot_be_told_neither_opens_nor_closes() -> None:
    state, changes = watch([desk(2.0 * n, "book", 0.6) for n in range(4)], THINGS)
    assert [type(change) for change in changes] == [Opened]
    _, changes = watch([desk(8 + 2.0 * n, "book", 0.0, height=0.2) for n in range(20)], THINGS, state)
    assert changes == []


def test_a_worker_that_starts_again_goes_on_with_what_was_open() -> None:
    _, changes = watch(every_two_seconds("222"))
    before = changes[0]
    assert isinstance(before, Opened)
    left = StillOpen(
        incident=before.incident, kind=before.kind, started_at=before.started_at, seen_at=before.at,
        severity=before.severity,
    )  # fmt: skip
    again = rules.begin("s", (left,))
    _, changes = watch([sample(20 + 2 * n, "2" if n < 3 else "1") for n in range(8)], state=again)
    assert {change.incident for change in changes} == {before.incident}
    assert not any(isinstance(change, Opened) for change in changes)
    assert isinstance(changes[-1], Closed)


def test_what_has_cleared_while_no_worker_looked_ended_when_it_was_last_told() -> None:
    last = START + timedelta(minutes=20)
    left = StillOpen(incident="n1", kind="out_of_view", started_at=START, seen_at=last, severity="high")
    _, changes = watch([sample(1260 + 2 * n, "1") for n in range(5)], state=rules.begin("s", (left,)))
    (closed,) = changes
    assert isinstance(closed, Closed)
    assert (closed.ended_at, closed.severity) == (last, "high")


def test_that_an_incident_goes_on_is_said_each_half_minute() -> None:
    """So that another who has to end it knows how grave it was, and when it was last seen."""
    _, changes = watch(every_two_seconds("1" + "0" * 60))
    assert [type(change) for change in changes] == [Opened, Peak, Still, Still]
    peak = changes[1]
    assert isinstance(peak, Peak)
    assert peak.graver
    assert [change.at - START for change in changes[1:]] == [timedelta(seconds=n) for n in (34, 64, 94)]
    assert {change.severity for change in changes[1:]} == {"high"}


def test_the_same_samples_give_the_same_incident() -> None:
    assert watch(every_two_seconds("222"))[1] == watch(every_two_seconds("222"))[1]
    assert incident_id("s", "several_people", START) != incident_id("s", "out_of_view", START)


# Whatever comes: irregular times, gaps, samples that cannot tell.

seen = st.sampled_from(["0", "1", "2", "?"])
gaps = st.floats(0.1, 40.0, allow_nan=False)
courses = st.lists(st.tuples(gaps, seen), max_size=60)


def course(steps: list[tuple[float, str]]) -> list[Observation]:
    second, samples = 0.0, []
    for gap, what in steps:
        second += gap
        samples.append(sample(second, what))
    return samples


def by_kind(changes: list[Change], kind: DetectorKind) -> list[Change]:
    return [change for change in changes if change.kind == kind]


@given(courses)
def test_never_two_open_of_a_kind_and_each_closes_the_one_that_opened(steps: list[tuple[float, str]]) -> None:
    state, changes = watch(course(steps))
    _, last = rules.finish(state, START + timedelta(days=1), "session_over")
    for kind in KINDS:
        marks = [change for change in by_kind([*changes, *last], kind) if not isinstance(change, Peak | Still)]
        assert len(marks) % 2 == 0
        for opened, closed in zip(marks[::2], marks[1::2], strict=True):
            assert isinstance(opened, Opened)
            assert isinstance(closed, Closed)
            assert opened.incident == closed.incident
    identities = [change.incident for change in changes if isinstance(change, Opened)]
    assert len(identities) == len(set(identities))


@given(courses)
def test_time_only_goes_forward(steps: list[tuple[float, str]]) -> None:
    samples = course(steps)
    _, changes = watch(samples)
    assert all(one.at <= other.at for one, other in pairwise(changes))
    times = {one.at for one in samples}
    begun: dict[str, Opened] = {}
    for change in changes:
        assert change.at in times
        match change:
            case Opened():
                begun[change.incident] = change
                assert change.started_at in times
                assert change.started_at < change.at
            case Closed():
                assert begun[change.incident].at <= change.ended_at < change.at


@given(courses)
def test_what_opens_was_shown_often_enough(steps: list[tuple[float, str]]) -> None:
    samples = course(steps)
    _, changes = watch(samples)
    for opened in changes:
        if not isinstance(opened, Opened):
            continue
        kind = KINDS[opened.kind]
        between = [one for one in samples if opened.started_at <= one.at <= opened.at and one.cannot_tell is None]
        shown = sum(kind.read(one, BOTH).positive for one in between)
        assert shown >= kind.needed
        assert shown * kind.of >= kind.needed * len(between)
        assert kind.span_s <= (opened.at - opened.started_at).total_seconds() <= kind.window_s


@given(st.sampled_from(["0", "2"]), st.lists(st.floats(1.0, GAP_S - 0.01), min_size=9, max_size=20))
def test_however_unevenly_samples_come_what_they_all_show_opens(seen: str, gaps: list[float]) -> None:
    _, changes = watch(course([(gap, seen) for gap in gaps]))
    assert isinstance(changes[0], Opened)


@given(st.lists(st.tuples(st.floats(0.5, 5.0), st.sampled_from(["0", "2"])), max_size=20))
def test_a_flicker_never_opens(flickers: list[tuple[float, str]]) -> None:
    """Each sample that shows something stands between two that don't."""
    steps = [("1", gap) for gap, _ in flickers[:1]]
    for gap, what in flickers:
        steps += [(what, gap), ("1", gap), ("1", gap)]
    assert watch(course([(gap, what) for what, gap in steps]))[1] == []


@given(courses, st.lists(st.floats(0.1, 100.0), min_size=1, max_size=10))
def test_not_knowing_changes_nothing(steps: list[tuple[float, str]], unknown: list[float]) -> None:
    samples = course(steps)
    state, _ = watch(samples)
    second = (samples[-1].at - START).total_seconds() if samples else 0.0
    reasons: list[CannotTell] = ["unreadable", "too_dark", "no_detail", "detector_failed"]
    for number, gap in enumerate(unknown):
        second += gap
        blank = Observation(
            session="s", at=START + timedelta(seconds=second), cannot_tell=reasons[number % len(reasons)]
        )
        after, changes = rules.step(state, BOTH, blank)
        assert changes == ()
        met = dict.fromkeys((kind.name for kind in kinds_of("camera")), rules.Watch())
        assert after.watches == {**met, **state.watches}
        state = after


@given(courses, st.floats(7.0, 5000.0))
def test_one_sample_after_a_gap_neither_opens_nor_closes(steps: list[tuple[float, str]], gap: float) -> None:
    samples = course(steps)
    state, _ = watch(samples)
    last = (samples[-1].at - START).total_seconds() if samples else 0.0
    for what in ("0", "1", "2"):
        _, changes = rules.step(state, BOTH, sample(last + gap, what))
        assert not any(isinstance(change, Opened | Closed) for change in changes)


@given(courses, courses)
def test_old_samples_are_ignored(steps: list[tuple[float, str]], late: list[tuple[float, str]]) -> None:
    samples = course(steps)
    state, _ = watch(samples)
    for one in course(late):
        if samples and one.at <= samples[-1].at:
            assert rules.step(state, BOTH, one) == (state, ())
