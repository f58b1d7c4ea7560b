"""A recording: one track of one session, kept as segments with hashes and gaps over one or more connections."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Refused

Why = Literal["stopped", "lost", "replaced", "worker_lost", "spool_full", "no_keyframe"]
Place = tuple[int, int]
"""Connection and number of a segment."""
SHORTEST_GAP = timedelta(milliseconds=500)
MOST_CONNECTIONS = 2000  # of one track: a whole day on a network that drops every forty seconds

# Values.


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sealed stretch of media in the object store. Times are wall time; `sha256` is of the stored bytes.

    `number` counts from 1 within its `connection`. `complete` is False when a crash tore the last second off.
    """

    connection: int
    number: int
    started_at: datetime
    ended_at: datetime
    bytes: int
    frames: int
    sha256: str
    object_key: str
    codec: str
    width: int
    height: int
    complete: bool


# Events. Tags and field names are on disk for ever.


class Started(Event, frozen=True, kw_only=True, tag="recording.started"):
    connection: int
    at: datetime
    worker: str


class SegmentStored(Event, frozen=True, kw_only=True, tag="recording.segment_stored"):
    """`gap_why` is the recorder's word on why nothing was recorded before this segment, where it knows."""

    segment: Segment
    gap_why: Why | None = None


class GapRecorded(Event, frozen=True, kw_only=True, tag="recording.gap_recorded"):
    """A stretch without media. A fact with a cause, never a finding."""

    started_at: datetime
    ended_at: datetime
    why: Why


class Ended(Event, frozen=True, kw_only=True, tag="recording.ended"):
    """`gap_why` is the recorder's word on why nothing was recorded just before the end, where it knows."""

    connection: int
    at: datetime
    why: Why
    gap_why: Why | None = None


class Finalised(Event, frozen=True, kw_only=True, tag="recording.finalised"):
    """One seekable file made of all segments, by remux. `sha256` is of the stored bytes, `duration_s` of the media."""

    object_key: str
    bytes: int
    sha256: str
    duration_s: float
    frames: int
    segments: int


RecordingEvent = Started | SegmentStored | GapRecorded | Ended | Finalised

# Commands.


class Start(Command, frozen=True, kw_only=True):
    connection: int
    at: datetime
    worker: str


class StoreSegment(Command, frozen=True, kw_only=True):
    segment: Segment
    gap_why: Why | None = None


class End(Command, frozen=True, kw_only=True):
    connection: int
    at: datetime
    why: Why
    gap_why: Why | None = None


class Finalise(Command, frozen=True, kw_only=True):
    """What is missing up to the end of the session (`session_ended_at`) is a gap, too."""

    object_key: str
    bytes: int
    sha256: str
    duration_s: float
    frames: int
    segments: int
    session_ended_at: datetime | None = None


class Settle(Command, frozen=True, kw_only=True):
    """The session is over, and of a recording of nothing no file is made: what is missing up to the end is a gap."""

    session_ended_at: datetime


RecordingCommand = Start | StoreSegment | End | Finalise | Settle

# State.


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """`ended` maps a connection to why it ended; `segments` are in order of connection and number, `gaps` of time.

    `gap_whys` holds the recorder's word on the gap before a segment, by connection and number, and `last_whys` on the
    gap at a connection's end. `started_at` is the first connection's, `ended_at` the latest of all ends.
    """

    connections: int = 0
    started_at: datetime | None = None
    ended: dict[int, Why] = {}
    ended_at: datetime | None = None
    segments: tuple[Segment, ...] = ()
    gap_whys: dict[Place, Why] = {}
    last_whys: dict[int, Why] = {}
    gaps: tuple[GapRecorded, ...] = ()
    finalised: Finalised | None = None

    @property
    def live(self) -> bool:
        return self.connections > len(self.ended)


def evolve(state: Recording, event: RecordingEvent) -> Recording:
    match event:
        case Started(connection=connection, at=at):
            return replace(state, connections=connection, started_at=state.started_at or at)
        case SegmentStored(segment=segment, gap_why=why):
            place = bisect_left(state.segments, _place(segment), key=_place)
            whys = state.gap_whys | {_place(segment): why} if why else state.gap_whys
            return replace(state, segments=(*state.segments[:place], segment, *state.segments[place:]), gap_whys=whys)
        case GapRecorded():
            place = bisect_left(state.gaps, event.started_at, key=attrgetter("started_at"))
            return replace(state, gaps=(*state.gaps[:place], event, *state.gaps[place:]))
        case Ended(connection=connection, at=at, why=why, gap_why=gap_why):
            last = state.last_whys | {connection: gap_why} if gap_why else state.last_whys
            latest = max(at, state.ended_at or at)
            return replace(state, ended=state.ended | {connection: why}, ended_at=latest, last_whys=last)
        case Finalised():
            return replace(state, finalised=event)
        case _:
            assert_never(event)


def decide(command: RecordingCommand, state: Recording) -> tuple[RecordingEvent, ...]:
    match command:
        case Start(connection=connection, at=at, worker=worker):
            if connection == state.connections:
                return ()
            if connection != state.connections + 1:
                raise Refused("another connection was opened for this track meanwhile; try again")
            if connection > MOST_CONNECTIONS:
                raise Refused(f"this track has been connected {MOST_CONNECTIONS} times; ask an invigilator for help")
            return (Started(connection=connection, at=at, worker=worker),)
        case StoreSegment(segment=segment, gap_why=gap_why):
            return _store(segment, gap_why, state)
        case End(connection=connection, at=at, why=why, gap_why=gap_why):
            if connection in state.ended or connection > state.connections:
                return ()
            ended = Ended(connection=connection, at=at, why=why, gap_why=gap_why)
            place = bisect_left(state.segments, (connection + 1, 0), key=_place)
            return (ended, *_gaps(evolve(state, ended), place, place + 1))
        case Finalise(segments=segments, session_ended_at=until):
            if state.finalised and state.finalised.segments >= segments:  # more may have come after it was given up
                return ()
            made = msgspec.convert(command, Finalised, from_attributes=True)
            return (*_gaps(state, 0, len(state.segments), settled=True, until=until), made)
        case Settle(session_ended_at=until):
            return () if state.segments else _gaps(state, 0, 0, settled=True, until=until)
        case _:
            assert_never(command)


def _store(segment: Segment, gap_why: Why | None, state: Recording) -> tuple[RecordingEvent, ...]:
    place = bisect_left(state.segments, _place(segment), key=_place)
    if _place(segment) in map(_place, state.segments[place : place + 1]):
        return ()
    if segment.connection > state.connections:
        raise Refused("this connection was never started", field="connection")
    stored = SegmentStored(segment=segment, gap_why=gap_why)
    return (*_gaps(evolve(state, stored), place, place + 2), stored)


def _gaps(
    state: Recording, first: int, upto: int, *, settled: bool = False, until: datetime | None = None
) -> tuple[GapRecorded, ...]:
    """The gaps that are certain and not recorded yet. `settled` says that no more segments are expected.

    Segments may come late and out of order, and a gap is a fact: it waits until nothing can come between its ends. So
    what happens to one segment or connection tells only of the stretches beside it: those before the segments from
    `first` up to, without it, `upto`, by their place. Of the others what is certain was recorded when it became so.
    """
    found: list[GapRecorded] = []
    for start, end, why, later in _silences(state, first, upto, settled, until):
        for begin, stop in _bare(start, end, state.gaps):
            gap = GapRecorded(started_at=begin, ended_at=stop, why=why if begin == start else later)
            state = evolve(state, gap)
            found.append(gap)
    return tuple(found)


def _silences(
    state: Recording, first: int, upto: int, settled: bool, until: datetime | None
) -> Iterator[tuple[datetime, datetime, Why, Why]]:
    """Each stretch that is certain to be without media: from when, to when, why, and why where a gap at a connection's
    end was recorded before.

    At the end it goes to where the last connection ended, and on to the end of the session, if that is given (`until`).
    """
    if state.started_at is None:
        return
    earlier = state.segments[:first]
    reached = _reached(earlier, state.started_at)  # connections may overlap
    before = _place(earlier[-1]) if earlier else (1, 0)
    for after in state.segments[first:upto]:
        said, place = state.gap_whys.get(_place(after)), _place(after)
        opens = place == (1, 1) and not said  # the moment that a connection takes to be set up is no gap
        if not opens and after.started_at - reached >= SHORTEST_GAP and (settled or _next(before, place, state)):
            why, later = _whys(state, before[0])
            if before[0] == place[0]:
                why = later = "lost"
            yield reached, after.started_at, said or why, said or later
        reached = max(reached, after.ended_at) if before[1] else after.ended_at
        before = place
    if not state.live and state.ended_at:
        reached = _reached(state.segments, state.started_at)
        for end in (state.ended_at, *([until] if until else [])):
            yield reached, end, *_whys(state, state.connections)


def _reached(segments: Iterable[Segment], started_at: datetime) -> datetime:
    """How far these segments go: to where the recording started, when there is none."""
    return max((segment.ended_at for segment in segments), default=started_at)


def _bare(start: datetime, end: datetime, gaps: tuple[GapRecorded, ...]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a stretch that are in no recorded gap and long enough for one."""
    first = bisect_right(gaps, start, key=attrgetter("ended_at"))
    upto = bisect_left(gaps, end, key=attrgetter("started_at"))
    for gap in gaps[first:upto]:
        if gap.started_at - start >= SHORTEST_GAP:
            yield start, gap.started_at
        start = gap.ended_at
    if end - start >= SHORTEST_GAP:
        yield start, end


def _whys(state: Recording, connection: int) -> tuple[Why, Why]:
    """Why nothing was recorded just before a connection's end, and after it."""
    ended = state.ended.get(connection, "lost")
    return state.last_whys.get(connection, ended), ended


def _next(before: Place, after: Place, state: Recording) -> bool:
    """Whether nothing can come between two segments any more. A connection's end is told after all its segments."""
    if before[0] == after[0]:
        return after[1] == before[1] + 1
    return after[1] == 1 and all(c in state.ended for c in range(before[0], after[0]))


def _place(segment: Segment) -> Place:
    return (segment.connection, segment.number)


DECIDER: Decider[Recording, RecordingCommand, RecordingEvent] = Decider(
    "recording", Recording(), evolve, decide, RecordingEvent
)
