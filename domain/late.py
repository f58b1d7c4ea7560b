"""What the candidate's page kept of its own and sent late: media for the gaps, and stills while no video could hold.

A gap stays a fact: what fills it later stands beside it, marked as late, with the clocks of both sides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Refused
from domain.gaps import SHORTEST_GAP
from domain.segment import OWN_COPY, Segment, place_of

if TYPE_CHECKING:
    from domain.recording import Recording

COPY_CODEC = "VP8"  # of what pages keep
TAKEN_FOR = timedelta(hours=24)  # after the end of the session
STILL_EVERY = timedelta(seconds=5)  # pages send one each ten seconds
SHORTEST_PART = timedelta(milliseconds=100)
MOST_LATE = 10_000  # segments of one track: more than half a day, all of it in pieces of six seconds
MOST_FILMS = 20  # of one recording: each is all of it, made anew for what came after the one before
MOST_STILLS = 5000  # of one track: a whole day of nothing else

# Events of a recording. Tags and field names are on disk for ever.


class LateSegmentStored(Event, frozen=True, kw_only=True, tag="recording.late_segment_stored"):
    """A stretch of a gap, out of the page's own copy. Nobody saw it live, and it was in the candidate's hands.

    `segment` is by the server's clock; `device_started_at` and `device_ended_at` are of the file that the page sent, by
    its device's clock, which was `skew_ms` ahead of ours. `sent_sha256` is of that file.
    """

    segment: Segment
    sent_sha256: str
    device_started_at: datetime
    device_ended_at: datetime
    skew_ms: float
    received_at: datetime


class StillStored(Event, frozen=True, kw_only=True, tag="recording.still_stored"):
    """One picture in place of video that could not hold: a JPEG of `width` x `height`; `sha256` is of the stored bytes.

    `at` is by the server's clock, `device_at` by that of the candidate's device.
    """

    at: datetime
    device_at: datetime
    skew_ms: float
    received_at: datetime
    object_key: str
    sha256: str
    width: int
    height: int


LateEvent = LateSegmentStored | StillStored

# Commands.


class StoreLate(Command, frozen=True, kw_only=True):
    """The parts of one file that lie in gaps, as segments."""

    segments: tuple[Segment, ...]
    sent_sha256: str
    device_started_at: datetime
    device_ended_at: datetime
    skew_ms: float
    received_at: datetime


class StoreStill(Command, frozen=True, kw_only=True):
    at: datetime
    device_at: datetime
    skew_ms: float
    received_at: datetime
    object_key: str
    sha256: str
    width: int
    height: int


LateCommand = StoreLate | StoreStill


class Stretch(NamedTuple):
    started_at: datetime
    ended_at: datetime


def evolve(state: Recording, event: LateEvent) -> Recording:
    match event:
        case LateSegmentStored(segment=segment):
            place = bisect_left(state.late, segment.started_at, key=attrgetter("segment.started_at"))
            since = state.late_since or event.received_at
            return replace(state, late=(*state.late[:place], event, *state.late[place:]), late_since=since)
        case StillStored():
            place = bisect_left(state.stills, event.at, key=attrgetter("at"))
            return replace(state, stills=(*state.stills[:place], event, *state.stills[place:]))
        case _:
            assert_never(event)


def decide(command: LateCommand, state: Recording) -> tuple[LateEvent, ...]:
    match command:
        case StoreLate(segments=segments):
            left = missing(state)
            filling = tuple(_late(command, s) for s in segments if _fills(s, left))
            if len(state.late) + len(filling) > MOST_LATE:
                raise Refused(f"more than {MOST_LATE} stretches of this track have come late")
            return filling
        case StoreStill():
            return _still(command, state)
        case _:
            assert_never(command)


def missing(state: Recording) -> tuple[Stretch, ...]:
    """The parts of recorded gaps that nothing has filled, in order of time.

    Of a recording in another codec than a page's copy none are: it is one file in the end. Nor of one whose film was
    made too often.
    """
    if state.codec not in (None, COPY_CODEC) or state.films >= MOST_FILMS:
        return ()
    found: list[Stretch] = []
    at = 0  # both are in order of time, and none overlaps with another
    for gap in state.gaps:
        start = gap.started_at
        while at < len(state.late) and state.late[at].segment.started_at < gap.ended_at:
            late, at = state.late[at].segment, at + 1
            if late.started_at - start >= SHORTEST_GAP:
                found.append(Stretch(start, late.started_at))
            start = max(start, late.ended_at)
        if gap.ended_at - start >= SHORTEST_GAP:
            found.append(Stretch(start, gap.ended_at))
    return tuple(found)


def within(stretches: Iterable[Stretch], start: datetime, end: datetime) -> Iterator[Stretch]:
    """The parts of `stretches` between two moments that are worth a segment."""
    for stretch in stretches:
        part = Stretch(max(start, stretch.started_at), min(end, stretch.ended_at))
        if part.ended_at - part.started_at >= SHORTEST_PART:
            yield part


def settled_until(state: Recording) -> datetime | None:
    """Up to when each moment is in a stored segment or in a recorded gap; None when that is known of none.

    It counts from the start of the recording; of the first connection from its first segment, where that is stored.
    """
    known = sorted(
        [Stretch(s.started_at, s.ended_at) for s in state.segments]
        + [Stretch(g.started_at, g.ended_at) for g in state.gaps]
    )
    if not known or state.started_at is None:
        return None
    set_up = place_of(state.segments[0]) == (1, 1) if state.segments else False
    reached = known[0][0] if set_up else state.started_at
    for start, end in known:
        if start - reached >= SHORTEST_GAP:
            break
        reached = max(reached, end)
    return reached


def in_order(state: Recording) -> tuple[Segment, ...]:
    """All segments as they are played: those of the connections by their place, and between them what fills gaps."""
    ordered = list(state.segments)
    at = 0
    for late in state.late:
        while at < len(ordered) and ordered[at].started_at < late.segment.started_at:
            at += 1
        ordered.insert(at, late.segment)
    return tuple(ordered)


def _late(command: StoreLate, segment: Segment) -> LateSegmentStored:
    return LateSegmentStored(
        segment=segment, sent_sha256=command.sent_sha256, device_started_at=command.device_started_at,
        device_ended_at=command.device_ended_at, skew_ms=command.skew_ms, received_at=command.received_at,
    )  # fmt: skip


def _fills(segment: Segment, left: Iterable[Stretch]) -> bool:
    if segment.connection != OWN_COPY:
        raise Refused("what comes late is of no connection", field="connection")
    return any(s.started_at <= segment.started_at and segment.ended_at <= s.ended_at for s in left)


def _still(command: StoreStill, state: Recording) -> tuple[StillStored, ...]:
    """When a picture was taken says which it is: of a screen that does not change all are the same."""
    place = bisect_left(state.stills, command.at, key=attrgetter("at"))
    beside = state.stills[max(0, place - 1) : place + 1]
    if any(still.device_at == command.device_at for still in beside):
        return ()
    if any(abs(still.at - command.at) < STILL_EVERY for still in beside):
        raise Refused(f"a still comes at most each {STILL_EVERY.seconds} seconds", field="taken_at")
    if len(state.stills) >= MOST_STILLS:
        raise Refused(f"there are {MOST_STILLS} stills of this track already")
    return (msgspec.convert(command, StillStored, from_attributes=True),)
