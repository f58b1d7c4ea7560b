"""The verifier asks for a word on each stretch without media, and only where nothing can come any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from domain.gaps import GapRecorded
from domain.recording import (
    DECIDER,
    End,
    Finalise,
    Recording,
    RecordingCommand,
    RecordingEvent,
    SegmentStored,
    Start,
    StoreSegment,
)
from domain.segment import Segment
from tests.vigil.export.sitting import at
from vigil.verify import Check, Event

STREAM = "t/recording/s1.camera"
FINALISE = Finalise(object_key="k", bytes=1, sha256="a", duration_s=1, frames=1, segments=3)


def store(connection: int, number: int, began: float, ended: float) -> StoreSegment:
    return StoreSegment(
        segment=Segment(
            connection=connection, number=number, started_at=at(began), ended_at=at(ended), bytes=1, frames=1,
            sha256="aa", object_key=f"{connection}.{number}", codec="VP8", width=640, height=480, complete=True,
        )
    )  # fmt: skip


FINISHED = (
    Start(connection=1, at=at(0), worker="w"), store(1, 1, 0, 6), store(1, 2, 6, 12), store(1, 3, 30, 36),
    End(connection=1, at=at(36), why="lost"), FINALISE,
)  # fmt: skip
REOPENED = (Start(connection=2, at=at(600), worker="w"), store(2, 1, 600, 606), store(2, 3, 612, 618))


def said(commands: Iterable[RecordingCommand]) -> list[RecordingEvent]:
    """The events of a recording that was told of in this order."""
    state, events = Recording(), list[RecordingEvent]()
    for command in commands:
        for event in DECIDER.decide(command, state):
            state = DECIDER.evolve(state, event)
            events.append(event)
    return events


def failures(events: Iterable[RecordingEvent]) -> list[str]:
    check = Check(Path())
    for n, event in enumerate(events, 1):
        body = msgspec.json.decode(msgspec.json.encode(event))
        check.whole.append(Event(n, n, n, STREAM, n, body["type"], at(n), b"", body))
    check._gaps()
    return check.failures


def test_a_session_that_was_reopened_and_is_recorded_has_no_gap_where_a_segment_may_still_come() -> None:
    events = said((*FINISHED, *REOPENED))
    assert isinstance(events[-1], SegmentStored), "that number 2 is missing is not certain yet"
    assert failures(events) == []


def test_when_it_is_finished_again_all_of_it_is_looked_at() -> None:
    again = (End(connection=2, at=at(618), why="stopped"), msgspec.structs.replace(FINALISE, segments=5))
    events = said((*FINISHED, *REOPENED, *again))
    assert failures(events) == []
    gaps = [event for event in events if isinstance(event, GapRecorded)]
    assert [(gap.started_at, gap.ended_at) for gap in gaps] == [
        (at(12), at(30)), (at(36), at(600)), (at(606), at(612)),
    ]  # fmt: skip
    for gap in gaps:
        (failure,) = failures(event for event in events if event != gap)
        assert f"no media from {gap.started_at} to {gap.ended_at}, and no event says why" in failure


@pytest.mark.parametrize(
    ("told", "fails"),
    [
        ([(12, 30)], False),
        ([(12.499, 29.501)], False),
        ([(12.5, 30)], True),
        ([(12, 29.5)], True),
        ([(12.4, 20), (20.4, 29.6)], False),
        ([(12.4, 20), (20.5, 29.6)], True),
        ([(12.1, 12.2), (12.6, 30)], False),
        ([(40, 50)], True),
    ],
)
def test_no_part_of_a_silence_stays_untold_for_half_a_second(told: list[tuple[float, float]], fails: bool) -> None:
    gaps = [GapRecorded(started_at=at(began), ended_at=at(ended), why="lost") for began, ended in told]
    assert bool(failures([*gaps, *(event for event in said(FINISHED) if not isinstance(event, GapRecorded))])) == fails


def test_media_that_stays_away_for_less_is_no_gap() -> None:
    for away in (timedelta(milliseconds=499), timedelta(milliseconds=500)):
        start = 6 + away.total_seconds()
        events = said((FINISHED[0], store(1, 1, 0, 6), store(1, 2, start, 12), *FINISHED[4:]))
        without = [event for event in events if not isinstance(event, GapRecorded) or event.started_at >= at(12)]
        assert bool(failures(without)) == (away == timedelta(milliseconds=500))


def test_a_gap_without_a_reason_tells_nothing() -> None:
    events = [
        msgspec.structs.replace(event, why="") if isinstance(event, GapRecorded) else event for event in said(FINISHED)
    ]
    assert len(failures(events)) == 1
