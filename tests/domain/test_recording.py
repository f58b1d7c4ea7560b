"""A recording: connections come and go, segments arrive late, and every gap is a fact."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.gaps import GapRecorded
from domain.recording import (
    DECIDER,
    MOST_CONNECTIONS,
    End,
    Ended,
    Finalise,
    Finalised,
    SegmentStored,
    Settle,
    Start,
    Started,
    StoreSegment,
)
from domain.segment import Segment, Why
from tests.domain.given import given
from tests.domain.hall import at

STARTED, AGAIN = (Started(connection=c, at=at("10:00"), worker="w1") for c in (1, 2))
STOPPED = Ended(connection=1, at=at("10:00:12"), why="stopped")
FINALISE = Finalise(object_key="whole", bytes=90_000, sha256="ee" * 32, duration_s=18.0, frames=540, segments=3)
FINALISED = Finalised(object_key="whole", bytes=90_000, sha256="ee" * 32, duration_s=18.0, frames=540, segments=3)


def _segment(connection: int, number: int, start: str, end: str, *, complete: bool = True) -> Segment:
    return Segment(
        connection=connection, number=number, started_at=at(start), ended_at=at(end), bytes=30_000, frames=180,
        sha256="aa" * 32, object_key=f"segments/{connection}.{number}", codec="VP8", width=640, height=480,
        complete=complete,
    )  # fmt: skip


FIRST = _segment(1, 1, "10:00:00", "10:00:06")
SECOND = _segment(1, 2, "10:00:06", "10:00:12")
THIRD = _segment(1, 3, "10:00:12", "10:00:18")
BACK = _segment(2, 1, "10:00:30", "10:00:36")


def _stored(*segments: Segment) -> tuple[SegmentStored, ...]:
    return tuple(SegmentStored(segment=segment) for segment in segments)


def _gap(start: str, end: str, why: Why) -> GapRecorded:
    return GapRecorded(started_at=at(start), ended_at=at(end), why=why)


# Connections.


def test_a_recording_has_one_codec_from_what_is_recorded_or_on_its_way() -> None:
    start = Start(connection=1, at=at("10:00"), worker="w1", codec="H264")
    started = Started(connection=1, at=at("10:00"), worker="w1", codec="H264")
    given(DECIDER).when(start).then(started)
    assert given(DECIDER).state.codec is None
    assert given(DECIDER, started).state.codec == "H264"
    assert given(DECIDER, started, STOPPED).state.codec is None, "nothing was recorded"
    stored = SegmentStored(segment=replace(FIRST, codec="H264"))
    assert given(DECIDER, started, stored, STOPPED).state.codec == "H264"
    assert given(DECIDER, STARTED, *_stored(FIRST)).state.codec == "VP8", "as it was before codecs were told"


def test_nobody_connects_without_end() -> None:
    last = Started(connection=MOST_CONNECTIONS, at=at("10:00"), worker="w1")
    start = Start(connection=MOST_CONNECTIONS + 1, at=at("10:00"), worker="w1")
    given(DECIDER, last).when(start).refused("times")


def test_a_worker_takes_a_connection_once() -> None:
    start = Start(connection=1, at=at("10:00"), worker="w1")
    given(DECIDER).when(start).then(STARTED)
    given(DECIDER, STARTED).when(start).then_nothing()
    given(DECIDER, STARTED).when(replace(start, connection=2)).then(AGAIN)


@pytest.mark.parametrize("connection", [1, 4])
def test_connections_are_counted_without_a_hole(connection: int) -> None:
    late = Start(connection=connection, at=at("10:00"), worker="w1")
    given(DECIDER, STARTED, AGAIN).when(late).refused("another connection was opened")


def test_a_connection_ends_once_and_only_if_it_began() -> None:
    end = End(connection=1, at=at("10:00:12"), why="stopped")
    given(DECIDER, STARTED, *_stored(FIRST, SECOND)).when(end).then(STOPPED)
    given(DECIDER, STARTED, STOPPED).when(end).then_nothing()
    given(DECIDER).when(end).then_nothing()


def test_a_recording_is_live_while_one_of_its_connections_is() -> None:
    assert not given(DECIDER).state.live
    assert given(DECIDER, STARTED).state.live
    assert not given(DECIDER, STARTED, STOPPED).state.live
    assert given(DECIDER, STARTED, STOPPED, AGAIN).state.live


# Segments.


def test_a_segment_is_stored_once() -> None:
    given(DECIDER, STARTED).when(StoreSegment(segment=FIRST)).then(*_stored(FIRST))
    given(DECIDER, STARTED, *_stored(FIRST)).when(StoreSegment(segment=FIRST)).then_nothing()
    given(DECIDER, STARTED, *_stored(FIRST)).when(StoreSegment(segment=SECOND)).then(*_stored(SECOND))


def test_a_segment_belongs_to_a_connection_that_began() -> None:
    given(DECIDER, STARTED).when(StoreSegment(segment=BACK)).refused("never started", field="connection")


def test_segments_are_kept_in_the_order_in_which_they_were_made() -> None:
    state = given(DECIDER, STARTED, AGAIN, *_stored(BACK, SECOND, FIRST)).state
    assert state.segments == (FIRST, SECOND, BACK)


# Gaps.


def test_media_that_stopped_for_a_while_leaves_a_gap() -> None:
    later = _segment(1, 2, "10:00:09", "10:00:15")
    gap = _gap("10:00:06", "10:00:09", "lost")
    given(DECIDER, STARTED, *_stored(FIRST)).when(StoreSegment(segment=later)).then(gap, *_stored(later))


def test_a_blink_is_no_gap() -> None:
    blink = replace(SECOND, started_at=SECOND.started_at.replace(microsecond=499_000))
    given(DECIDER, STARTED, *_stored(FIRST)).when(StoreSegment(segment=blink)).then(*_stored(blink))


def test_a_segment_on_its_way_is_no_gap() -> None:
    before = (STARTED, *_stored(FIRST))
    given(DECIDER, *before).when(StoreSegment(segment=THIRD)).then(*_stored(THIRD))
    given(DECIDER, *before, *_stored(THIRD)).when(StoreSegment(segment=SECOND)).then(*_stored(SECOND))


def test_a_late_segment_shows_the_gaps_on_both_its_sides() -> None:
    short = _segment(1, 2, "10:00:08", "10:00:10")
    gaps = _gap("10:00:06", "10:00:08", "lost"), _gap("10:00:10", "10:00:12", "lost")
    before = (STARTED, *_stored(FIRST, THIRD))
    given(DECIDER, *before).when(StoreSegment(segment=short)).then(*gaps, *_stored(short))


def test_the_gap_between_two_connections_says_why_the_first_one_ended() -> None:
    before = (STARTED, *_stored(FIRST, SECOND), STOPPED, AGAIN)
    gap = _gap("10:00:12", "10:00:30", "stopped")
    given(DECIDER, *before).when(StoreSegment(segment=BACK)).then(gap, *_stored(BACK))


def test_the_gap_is_recorded_when_the_end_of_the_first_connection_is_known_later() -> None:
    before = (STARTED, *_stored(FIRST, SECOND), AGAIN, *_stored(BACK))
    end = End(connection=1, at=at("10:00:12"), why="stopped")
    given(DECIDER, *before).when(end).then(STOPPED, _gap("10:00:12", "10:00:30", "stopped"))


def test_the_recorder_itself_knows_best_why_nothing_was_recorded() -> None:
    later = _segment(1, 2, "10:00:09", "10:00:15")
    told = StoreSegment(segment=later, gap_why="spool_full")
    stored = SegmentStored(segment=later, gap_why="spool_full")
    given(DECIDER, STARTED, *_stored(FIRST)).when(told).then(_gap("10:00:06", "10:00:09", "spool_full"), stored)
    third = _segment(1, 3, "10:00:20", "10:00:26")
    late = (STARTED, *_stored(FIRST), SegmentStored(segment=third, gap_why="spool_full"))
    gap = _gap("10:00:12", "10:00:20", "spool_full")
    given(DECIDER, *late).when(StoreSegment(segment=SECOND)).then(gap, *_stored(SECOND))


def test_connections_that_overlap_leave_no_gap() -> None:
    replaced = replace(STOPPED, why="replaced")
    soon = _segment(2, 1, "10:00:10", "10:00:16")
    before = (STARTED, *_stored(FIRST, SECOND), replaced, AGAIN)
    given(DECIDER, *before).when(StoreSegment(segment=soon)).then(*_stored(soon))


def test_what_a_lost_worker_left_behind_is_waited_for() -> None:
    before = (STARTED, *_stored(FIRST), AGAIN)
    given(DECIDER, *before).when(StoreSegment(segment=BACK)).then(*_stored(BACK))
    torn = replace(SECOND, complete=False)
    given(DECIDER, *before, *_stored(BACK)).when(StoreSegment(segment=torn)).then(*_stored(torn))
    lost = End(connection=1, at=at("10:00:12"), why="worker_lost")
    gap = _gap("10:00:12", "10:00:30", "worker_lost")
    given(DECIDER, *before, *_stored(BACK, torn)).when(lost).then(replace(STOPPED, why="worker_lost"), gap)


def test_a_gap_is_recorded_once() -> None:
    gap = _gap("10:00:12", "10:00:30", "stopped")
    before = (STARTED, *_stored(FIRST, SECOND), STOPPED, AGAIN, gap, *_stored(BACK))
    more = _segment(2, 2, "10:00:36", "10:00:42")
    given(DECIDER, *before).when(StoreSegment(segment=more)).then(*_stored(more))
    given(DECIDER, *before).when(StoreSegment(segment=THIRD)).then(*_stored(THIRD))


def test_gaps_are_kept_in_the_order_of_time() -> None:
    early, late = _gap("10:00:06", "10:00:12", "lost"), _gap("10:00:18", "10:00:30", "lost")
    assert given(DECIDER, STARTED, late, early).state.gaps == (early, late)


# The end.


def test_a_recording_is_finalised_once() -> None:
    before = (STARTED, *_stored(FIRST, SECOND), STOPPED)
    given(DECIDER, *before).when(FINALISE).then(FINALISED)
    given(DECIDER, *before, FINALISED).when(FINALISE).then_nothing()


def test_what_never_came_is_a_gap_when_the_recording_is_finalised() -> None:
    before = (STARTED, *_stored(FIRST, THIRD), AGAIN, *_stored(BACK))
    gaps = _gap("10:00:06", "10:00:12", "lost"), _gap("10:00:18", "10:00:30", "lost")
    given(DECIDER, *before).when(FINALISE).then(*gaps, FINALISED)


def test_a_recording_is_finished_again_when_more_of_it_has_come() -> None:
    given(DECIDER, STARTED, *_stored(FIRST), FINALISED).when(replace(FINALISE, segments=2)).then_nothing()
    more = {"object_key": "longer", "segments": 4}
    given(DECIDER, STARTED, *_stored(FIRST), FINALISED).when(replace(FINALISE, **more)).then(replace(FINALISED, **more))


# What is missing at the end.

END = End(connection=1, at=at("10:05"), why="lost")
LOST = Ended(connection=1, at=at("10:05"), why="lost")


def test_what_is_missing_when_a_connection_ends_is_a_gap() -> None:
    before = (STARTED, *_stored(FIRST))
    given(DECIDER, *before).when(END).then(LOST, _gap("10:00:06", "10:05", "lost"))
    full, said = replace(END, gap_why="spool_full"), replace(LOST, gap_why="spool_full")
    given(DECIDER, *before).when(full).then(said, _gap("10:00:06", "10:05", "spool_full"))
    blink = at("10:00:06").replace(microsecond=499_000)
    given(DECIDER, *before).when(replace(END, at=blink)).then(replace(LOST, at=blink))


def test_a_connection_that_gave_nothing_is_a_gap_from_its_start() -> None:
    given(DECIDER, STARTED).when(END).then(LOST, _gap("10:00", "10:05", "lost"))


def test_after_the_gap_at_the_end_of_a_connection_comes_the_one_to_the_next() -> None:
    tail = _gap("10:00:06", "10:05", "spool_full")
    back = _segment(2, 1, "10:06", "10:06:06")
    before = (STARTED, *_stored(FIRST), replace(LOST, gap_why="spool_full"), tail, AGAIN)
    given(DECIDER, *before).when(StoreSegment(segment=back)).then(_gap("10:05", "10:06", "lost"), *_stored(back))
    soon = _segment(2, 1, "10:05", "10:05:06")
    given(DECIDER, *before).when(StoreSegment(segment=soon)).then(*_stored(soon))


def test_while_a_later_connection_lives_nothing_is_said_of_what_is_missing_before_it() -> None:
    before = (STARTED, *_stored(FIRST), AGAIN)
    full, said = replace(END, gap_why="spool_full"), replace(LOST, gap_why="spool_full")
    given(DECIDER, *before).when(full).then(said)
    gap = _gap("10:00:06", "10:00:30", "spool_full")
    given(DECIDER, *before, said).when(StoreSegment(segment=BACK)).then(gap, *_stored(BACK))


def test_a_connection_that_gave_nothing_before_one_that_did_is_a_gap() -> None:
    tail = _gap("10:00", "10:05", "lost")
    back = _segment(2, 1, "10:06", "10:06:06")
    rest = _gap("10:05", "10:06", "lost")
    given(DECIDER, STARTED, LOST, tail, AGAIN).when(StoreSegment(segment=back)).then(rest, *_stored(back))
    whole = _gap("10:00", "10:06", "lost")
    given(DECIDER, STARTED, AGAIN, *_stored(back)).when(END).then(LOST, whole)


def test_the_moment_that_a_connection_takes_is_no_gap_but_a_full_spool_is() -> None:
    late = _segment(1, 1, "10:00:03", "10:00:09")
    given(DECIDER, STARTED).when(StoreSegment(segment=late)).then(*_stored(late))
    told = StoreSegment(segment=late, gap_why="spool_full")
    stored = SegmentStored(segment=late, gap_why="spool_full")
    given(DECIDER, STARTED).when(told).then(_gap("10:00", "10:00:03", "spool_full"), stored)


def test_who_never_came_back_is_missing_up_to_the_end_of_the_session() -> None:
    tail = _gap("10:00:06", "10:05", "spool_full")
    finalise = replace(FINALISE, session_ended_at=at("11:00"))
    before = (STARTED, *_stored(FIRST), replace(LOST, gap_why="spool_full"))
    given(DECIDER, *before, tail).when(finalise).then(_gap("10:05", "11:00", "lost"), FINALISED)
    given(DECIDER, *before, tail).when(replace(finalise, session_ended_at=at("10:04"))).then(FINALISED)
    # As an earlier version left it, which did not look at the end.
    given(DECIDER, *before).when(finalise).then(tail, _gap("10:05", "11:00", "lost"), FINALISED)


def test_a_recording_of_nothing_is_missing_up_to_the_end_of_the_session() -> None:
    settle = Settle(session_ended_at=at("11:00"))
    before = (STARTED, LOST, _gap("10:00", "10:05", "lost"))
    given(DECIDER, *before).when(settle).then(_gap("10:05", "11:00", "lost"))
    given(DECIDER, *before).when(replace(settle, session_ended_at=at("10:05"))).then_nothing()
    given(DECIDER, STARTED).when(settle).then_nothing()
    given(DECIDER).when(settle).then_nothing()
    given(DECIDER, STARTED, *_stored(FIRST), LOST).when(settle).then_nothing()


def test_a_recording_that_goes_to_the_end_of_the_session_is_whole() -> None:
    before = (STARTED, *_stored(FIRST, SECOND), STOPPED)
    given(DECIDER, *before).when(replace(FINALISE, session_ended_at=at("10:00:12"))).then(FINALISED)
