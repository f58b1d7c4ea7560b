"""A recording: one track of one session, kept as segments with hashes and gaps over one or more connections."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain import late
from domain.event import Command, Decider, Event, Refused
from domain.gaps import GapRecorded, new_gaps, with_gap
from domain.late import LateCommand, LateEvent, LateSegmentStored, StillStored
from domain.segment import Place, Segment, Why, place_of

MOST_CONNECTIONS = 2000  # of one track: a whole day on a network that drops every forty seconds

# Events. Tags and field names are on disk for ever.


class Started(Event, frozen=True, kw_only=True, tag="recording.started"):
    """`codec` is what its pictures will be in, where that was told."""

    connection: int
    at: datetime
    worker: str
    codec: str | None = None


class SegmentStored(Event, frozen=True, kw_only=True, tag="recording.segment_stored"):
    """`gap_why` is the recorder's word on why nothing was recorded before this segment, where it knows."""

    segment: Segment
    gap_why: Why | None = None


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


RecordingEvent = Started | SegmentStored | GapRecorded | Ended | Finalised | LateEvent

# Commands.


class Start(Command, frozen=True, kw_only=True):
    connection: int
    at: datetime
    worker: str
    codec: str | None = None


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


RecordingCommand = Start | StoreSegment | End | Finalise | Settle | LateCommand

# State.


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """`ended` maps a connection to why it ended; `segments` are in order of connection and number, `gaps` of time.

    `gap_whys` holds the recorder's word on the gap before a segment, by connection and number, and `last_whys` on the
    gap at a connection's end. `films` is how often it was finished, and `late_since` when the first came of what came
    late after that. `started_at` is the first connection's, `ended_at` the latest of all ends. `codecs` has
    what a connection's pictures are in, where that was told.
    """

    connections: int = 0
    started_at: datetime | None = None
    ended: dict[int, Why] = {}
    ended_at: datetime | None = None
    segments: tuple[Segment, ...] = ()
    gap_whys: dict[Place, Why] = {}
    last_whys: dict[int, Why] = {}
    gaps: tuple[GapRecorded, ...] = ()
    late: tuple[LateSegmentStored, ...] = ()
    stills: tuple[StillStored, ...] = ()
    finalised: Finalised | None = None
    films: int = 0
    late_since: datetime | None = None
    codecs: dict[int, str] = {}

    @property
    def codec(self) -> str | None:
        """What all its pictures are in, for it is one file in the end; None while nothing is recorded or on its way."""
        stored = (*self.segments[:1], *(late.segment for late in self.late[:1]))
        told = (codec for connection, codec in self.codecs.items() if connection not in self.ended)
        return stored[0].codec if stored else next(told, None)

    @property
    def live(self) -> bool:
        return self.connections > len(self.ended)

    @property
    def stored(self) -> int:
        """How many segments there are, of the connections and of what came late."""
        return len(self.segments) + len(self.late)

    @property
    def finished(self) -> bool:
        """Whether the finished file holds all that is stored."""
        return self.finalised is not None and self.finalised.segments == self.stored


def evolve(state: Recording, event: RecordingEvent) -> Recording:
    if isinstance(event, LateEvent):
        return late.evolve(state, event)
    match event:
        case Started(connection=connection, at=at, codec=codec):
            codecs = state.codecs | {connection: codec} if codec else state.codecs
            return replace(state, connections=connection, started_at=state.started_at or at, codecs=codecs)
        case SegmentStored(segment=segment, gap_why=why):
            place = bisect_left(state.segments, place_of(segment), key=place_of)
            whys = state.gap_whys | {place_of(segment): why} if why else state.gap_whys
            return replace(state, segments=(*state.segments[:place], segment, *state.segments[place:]), gap_whys=whys)
        case GapRecorded():
            return with_gap(state, event)
        case Ended(connection=connection, at=at, why=why, gap_why=gap_why):
            last = state.last_whys | {connection: gap_why} if gap_why else state.last_whys
            latest = max(at, state.ended_at or at)
            return replace(state, ended=state.ended | {connection: why}, ended_at=latest, last_whys=last)
        case Finalised():
            made = replace(state, finalised=event, films=state.films + 1)
            return replace(made, late_since=None) if made.finished else made
        case _:
            assert_never(event)


def decide(command: RecordingCommand, state: Recording) -> tuple[RecordingEvent, ...]:
    if isinstance(command, LateCommand):
        return late.decide(command, state)
    match command:
        case Start(connection=connection, at=at, worker=worker, codec=codec):
            if connection == state.connections:
                return ()
            if connection != state.connections + 1:
                raise Refused("another connection was opened for this track meanwhile; try again")
            if connection > MOST_CONNECTIONS:
                raise Refused(f"this track has been connected {MOST_CONNECTIONS} times; ask an invigilator for help")
            if codec and state.codec not in (None, codec):  # what came late meanwhile is in another one
                raise Refused(f"this recording is in {state.codec}", field="codec")
            return (Started(connection=connection, at=at, worker=worker, codec=codec),)
        case StoreSegment(segment=segment, gap_why=gap_why):
            return _store(segment, gap_why, state)
        case End(connection=connection, at=at, why=why, gap_why=gap_why):
            if connection in state.ended or connection > state.connections:
                return ()
            ended = Ended(connection=connection, at=at, why=why, gap_why=gap_why)
            place = bisect_left(state.segments, (connection + 1, 0), key=place_of)
            return (ended, *new_gaps(evolve(state, ended), place, place + 1))
        case Finalise(segments=segments, session_ended_at=until):
            if state.finalised and state.finalised.segments >= segments:  # more may have come after it was given up
                return ()
            made = msgspec.convert(command, Finalised, from_attributes=True)
            return (*new_gaps(state, 0, len(state.segments), settled=True, until=until), made)
        case Settle(session_ended_at=until):
            return () if state.segments else new_gaps(state, 0, 0, settled=True, until=until)
        case _:
            assert_never(command)


def _store(segment: Segment, gap_why: Why | None, state: Recording) -> tuple[RecordingEvent, ...]:
    place = bisect_left(state.segments, place_of(segment), key=place_of)
    if place_of(segment) in map(place_of, state.segments[place : place + 1]):
        return ()
    if segment.connection > state.connections:
        raise Refused("this connection was never started", field="connection")
    stored = SegmentStored(segment=segment, gap_why=gap_why)
    return (*new_gaps(evolve(state, stored), place, place + 2), stored)


DECIDER: Decider[Recording, RecordingCommand, RecordingEvent] = Decider(
    "recording", Recording(), evolve, decide, RecordingEvent
)
