"""A recording: one track of one session, kept as segments with hashes and gaps over one or more connections."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Refused

Why = Literal["stopped", "lost", "replaced", "worker_lost", "spool_full"]
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
    connection: int
    at: datetime
    why: Why


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


class Finalise(Command, frozen=True, kw_only=True):
    object_key: str
    bytes: int
    sha256: str
    duration_s: float
    frames: int
    segments: int


RecordingCommand = Start | StoreSegment | End | Finalise

# State.


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """`ended` maps a connection to why it ended; `segments` are in order of connection and number.

    `gap_whys` holds the recorder's word on the gap before a segment, by connection and number.
    """

    connections: int = 0
    ended: dict[int, Why] = {}
    segments: tuple[Segment, ...] = ()
    gap_whys: dict[tuple[int, int], Why] = {}
    gaps: tuple[GapRecorded, ...] = ()
    finalised: Finalised | None = None

    @property
    def live(self) -> bool:
        return self.connections > len(self.ended)


def evolve(state: Recording, event: RecordingEvent) -> Recording:
    match event:
        case Started(connection=connection):
            return replace(state, connections=connection)
        case SegmentStored(segment=segment, gap_why=why):
            at = bisect_left(state.segments, _place(segment), key=_place)
            whys = state.gap_whys | {_place(segment): why} if why else state.gap_whys
            return replace(state, segments=(*state.segments[:at], segment, *state.segments[at:]), gap_whys=whys)
        case GapRecorded():
            return replace(state, gaps=(*state.gaps, event))
        case Ended(connection=connection, why=why):
            return replace(state, ended=state.ended | {connection: why})
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
        case End(connection=connection, at=at, why=why):
            if connection in state.ended or connection > state.connections:
                return ()
            ended = Ended(connection=connection, at=at, why=why)
            return (ended, *_gaps(evolve(state, ended)))
        case Finalise(segments=segments):
            if state.finalised and state.finalised.segments >= segments:  # more may have come after it was given up
                return ()
            return (*_gaps(state, settled=True), Finalised(**msgspec.structs.asdict(command)))
        case _:
            assert_never(command)


def _store(segment: Segment, gap_why: Why | None, state: Recording) -> tuple[RecordingEvent, ...]:
    if _place(segment) in map(_place, state.segments):
        return ()
    if segment.connection > state.connections:
        raise Refused("this connection was never started", field="connection")
    stored = SegmentStored(segment=segment, gap_why=gap_why)
    return (*_gaps(evolve(state, stored)), stored)


def _gaps(state: Recording, *, settled: bool = False) -> tuple[GapRecorded, ...]:
    """The gaps that are certain and not recorded yet. `settled` says that no more segments are expected.

    Segments may come late and out of order, and a gap is a fact: it waits until nothing can come between its ends.
    """
    found: list[GapRecorded] = []
    for n, after in enumerate(state.segments[1:], 1):
        before = state.segments[n - 1]
        if after.started_at - before.ended_at < SHORTEST_GAP or not (settled or _next(before, after, state)):
            continue
        reached = max(s.ended_at for s in state.segments[:n])  # connections may overlap
        known = any(g.started_at <= reached and after.started_at <= g.ended_at for g in state.gaps)
        if after.started_at - reached >= SHORTEST_GAP and not known:
            ended: Why = "lost" if before.connection == after.connection else state.ended.get(before.connection, "lost")
            why = state.gap_whys.get(_place(after), ended)
            found.append(GapRecorded(started_at=reached, ended_at=after.started_at, why=why))
    return tuple(found)


def _next(before: Segment, after: Segment, state: Recording) -> bool:
    """Whether nothing can come between two segments any more. A connection's end is told after all its segments."""
    if before.connection == after.connection:
        return after.number == before.number + 1
    return after.number == 1 and all(c in state.ended for c in range(before.connection, after.connection))


def _place(segment: Segment) -> tuple[int, int]:
    return (segment.connection, segment.number)


DECIDER: Decider[Recording, RecordingCommand, RecordingEvent] = Decider(
    "recording", Recording(), evolve, decide, RecordingEvent
)
