"""What a candidate's page sends late fills gaps, and only gaps; the gaps themselves stay facts."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.gaps import SHORTEST_GAP, GapRecorded
from domain.late import (
    MOST_FILMS,
    LateSegmentStored,
    StillStored,
    StoreLate,
    StoreStill,
    in_order,
    missing,
    settled_until,
    within,
)
from domain.recording import DECIDER, Ended, Finalised, Recording, RecordingEvent, SegmentStored, Start, Started
from domain.segment import OWN_COPY, Segment
from tests.domain.given import given
from tests.domain.hall import at

BEGAN = at("10:00")


def _seconds(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def _segment(connection: int, number: int, start: float, end: float) -> Segment:
    return Segment(
        connection=connection, number=number, started_at=_seconds(start), ended_at=_seconds(end), bytes=30_000,
        frames=90, sha256="aa" * 32, object_key=f"{connection}.{number}", codec="VP8", width=640, height=480,
        complete=True,
    )  # fmt: skip


def _gap(start: float, end: float) -> GapRecorded:
    return GapRecorded(started_at=_seconds(start), ended_at=_seconds(end), why="lost")


def _late(start: float, end: float) -> Segment:
    return _segment(OWN_COPY, round(start * 1000), start, end)


def _sent(*segments: Segment) -> StoreLate:
    return StoreLate(
        segments=segments, sent_sha256="bb" * 32, device_started_at=at("10:00:05"), device_ended_at=at("10:00:11"),
        skew_ms=-1000.0, received_at=at("10:01"),
    )  # fmt: skip


def _kept(segment: Segment) -> LateSegmentStored:
    return LateSegmentStored(
        segment=segment, sent_sha256="bb" * 32, device_started_at=at("10:00:05"), device_ended_at=at("10:00:11"),
        skew_ms=-1000.0, received_at=at("10:01"),
    )  # fmt: skip


TAPE: tuple[RecordingEvent, ...] = (
    Started(connection=1, at=BEGAN, worker="w1"),
    SegmentStored(segment=_segment(1, 1, 0, 6)),
    Started(connection=2, at=_seconds(30), worker="w1"),
    _gap(6, 30),
    SegmentStored(segment=_segment(2, 1, 30, 36)),
)


def test_what_lies_in_a_gap_is_kept_and_the_gap_stays() -> None:
    late = _late(6.5, 12)
    given(DECIDER, *TAPE).when(_sent(late)).then(_kept(late))
    state = given(DECIDER, *TAPE, _kept(late)).state
    assert state.gaps == (_gap(6, 30),)
    assert missing(state) == ((_seconds(6), _seconds(6.5)), (_seconds(12), _seconds(30)))
    assert state.stored == 3


def test_the_same_file_is_kept_once() -> None:
    late = _late(6.5, 12)
    given(DECIDER, *TAPE, _kept(late)).when(_sent(late)).then_nothing()


def test_what_was_recorded_is_never_replaced() -> None:
    given(DECIDER, *TAPE).when(_sent(_late(5, 8))).then_nothing()
    given(DECIDER, *TAPE).when(_sent(_late(31, 35))).then_nothing()


def test_a_recording_in_another_codec_than_a_pages_copy_takes_nothing_late() -> None:
    tape = [replace(e, segment=replace(e.segment, codec="H264")) if isinstance(e, SegmentStored) else e for e in TAPE]
    assert missing(given(DECIDER, *tape).state) == ()
    given(DECIDER, *tape).when(_sent(_late(6.5, 12))).then_nothing()


def test_what_comes_late_is_of_no_connection() -> None:
    given(DECIDER, *TAPE).when(_sent(_segment(1, 2, 7, 12))).refused("no connection", field="connection")


def test_it_is_settled_up_to_the_first_stretch_of_which_nobody_tells() -> None:
    assert settled_until(Recording()) is None
    assert settled_until(given(DECIDER, *TAPE).state) == _seconds(36)
    without_the_gap = [e for e in TAPE if not isinstance(e, GapRecorded)]
    assert settled_until(given(DECIDER, *without_the_gap).state) == _seconds(6)


def test_nothing_is_settled_after_a_connection_of_which_nothing_has_come() -> None:
    """Its media worker may have died with its disk: then the gap is told of only when nobody waits for it any more."""
    second = (
        Started(connection=1, at=BEGAN, worker="w1"),
        Started(connection=2, at=_seconds(20), worker="w2"),
        SegmentStored(segment=_segment(2, 1, 21, 27)),
    )
    assert settled_until(given(DECIDER, *second).state) == BEGAN
    assert settled_until(given(DECIDER, *second, _gap(0, 21)).state) == _seconds(27)
    slow = (Started(connection=1, at=BEGAN, worker="w1"), SegmentStored(segment=_segment(1, 1, 3, 9)))
    assert settled_until(given(DECIDER, *slow).state) == _seconds(9), "it takes a moment to be set up"


def _film(segments: int) -> Finalised:
    return Finalised(object_key="film", bytes=1, sha256="aa" * 32, duration_s=1.0, frames=1, segments=segments)


def test_what_came_late_waits_from_its_first_segment_until_it_is_in_the_film() -> None:
    first, second = _kept(_late(7, 8)), replace(_kept(_late(9, 10)), received_at=at("10:02"))
    assert given(DECIDER, *TAPE, first, second).state.late_since == first.received_at
    assert given(DECIDER, *TAPE, first, _film(3)).state.late_since is None
    assert given(DECIDER, *TAPE, first, _film(3), second).state.late_since == second.received_at
    assert given(DECIDER, *TAPE, first, second, _film(3)).state.late_since == first.received_at


def test_a_recording_is_not_made_anew_without_end() -> None:
    often = [_film(2)] * MOST_FILMS
    assert missing(given(DECIDER, *TAPE, *often[1:]).state)
    assert not missing(given(DECIDER, *TAPE, *often).state)
    given(DECIDER, *TAPE, *often).when(_sent(_late(7, 8))).then_nothing()


def test_no_connection_begins_in_another_codec_than_what_came_late() -> None:
    """It was let in when nothing was recorded yet."""
    tape = (Started(connection=1, at=BEGAN, worker="w1"), Ended(connection=1, at=_seconds(9), why="lost"), _gap(0, 9))
    start = Start(connection=2, at=_seconds(20), worker="w1", codec="H264")
    given(DECIDER, *tape, _kept(_late(1, 2))).when(start).refused("in VP8", field="codec")


def test_what_comes_late_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.late.MOST_LATE", 1)
    given(DECIDER, *TAPE, _kept(_late(7, 8))).when(_sent(_late(9, 10))).refused("more than 1 stretches")


def test_late_segments_are_played_where_they_belong() -> None:
    first, second = _late(6.5, 12), _late(12, 20)
    state = given(DECIDER, *TAPE, _kept(second), _kept(first)).state
    assert [s.started_at for s in in_order(state)] == [_seconds(s) for s in (0, 6.5, 12, 30)]


@st.composite
def tapes(draw: st.DrawFn) -> tuple[RecordingEvent, ...]:
    """Segments of one connection each, with gaps between them that are recorded."""
    now, events = 0.0, []
    for connection in range(1, draw(st.integers(2, 5)) + 1):
        start, now = now, now + draw(st.sampled_from([0.5, 2.0, 9.0, 40.0]))
        events.append(Started(connection=connection, at=_seconds(now), worker="w"))
        if connection > 1:
            events.append(_gap(start, now))
        segment = _segment(connection, 1, now, now + 6)
        events.append(SegmentStored(segment=segment))
        now += 6
    return tuple(events)


PIECES = st.lists(st.tuples(st.floats(0, 150, width=32), st.sampled_from([0.7, 3.0, 6.0])), max_size=30)


@settings(max_examples=200, deadline=None)
@for_all(tapes(), PIECES)
def test_whatever_comes_in_whatever_order_nothing_overlaps_and_gaps_only_shrink(
    tape: tuple[RecordingEvent, ...], pieces: list[tuple[float, float]]
) -> None:
    state = given(DECIDER, *tape).state
    for start, long in pieces:
        before = missing(state)
        parts = within(before, _seconds(start), _seconds(start + long))
        segments = tuple(
            _late((p.started_at - BEGAN).total_seconds(), (p.ended_at - BEGAN).total_seconds()) for p in parts
        )
        for event in DECIDER.decide(_sent(*segments), state):
            state = DECIDER.evolve(state, event)
        assert all(any(b[0] <= m[0] and m[1] <= b[1] for b in before) for m in missing(state))
        assert sum(_long(m) for m in missing(state)) <= sum(_long(b) for b in before)
    played = sorted(in_order(state), key=lambda s: s.started_at)
    assert list(in_order(state)) == played
    for one, following in itertools.pairwise(played):
        assert one.ended_at <= following.started_at
    assert all(ended_at - started_at >= SHORTEST_GAP for started_at, ended_at in missing(state))


def _long(stretch: tuple[datetime, datetime]) -> float:
    return (stretch[1] - stretch[0]).total_seconds()


# Stills.


def _still(at_s: float, sha256: str) -> StoreStill:
    return StoreStill(
        at=_seconds(at_s), device_at=_seconds(at_s + 1), skew_ms=1000.0, received_at=_seconds(at_s + 2),
        object_key=f"still {sha256}", sha256=sha256, width=640, height=480,
    )  # fmt: skip


def _shown(at_s: float, sha256: str) -> StillStored:
    return StillStored(
        at=_seconds(at_s), device_at=_seconds(at_s + 1), skew_ms=1000.0, received_at=_seconds(at_s + 2),
        object_key=f"still {sha256}", sha256=sha256, width=640, height=480,
    )  # fmt: skip


def test_a_still_is_kept_once() -> None:
    given(DECIDER, *TAPE).when(_still(10, "cc")).then(_shown(10, "cc"))
    given(DECIDER, *TAPE, _shown(10, "cc")).when(_still(10, "cc")).then_nothing()


def test_a_screen_that_does_not_change_has_a_still_each_time() -> None:
    given(DECIDER, *TAPE, _shown(10, "cc")).when(_still(20, "cc")).then(_shown(20, "cc"))


def test_stills_keep_a_distance_and_their_order() -> None:
    given(DECIDER, *TAPE, _shown(10, "cc")).when(_still(13, "dd")).refused("each 5 seconds", field="taken_at")
    state = given(DECIDER, *TAPE, _shown(20, "cc"), _shown(10, "dd")).state
    assert [s.sha256 for s in state.stills] == ["dd", "cc"]
