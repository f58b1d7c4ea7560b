"""What does not work in a session, of ours or of the candidate's: typed, timed, shown, and never counted as conduct."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from domain.event import Command, Event
from domain.phase import RUNNING, Track

if TYPE_CHECKING:
    from domain.session import Session

# Events of a session. Tags and field names are on disk for ever.


class ConnectionLost(Event, frozen=True, kw_only=True, tag="session.connection_lost"):
    at: datetime
    track: Track
    why: str


class ConnectionRestored(Event, frozen=True, kw_only=True, tag="session.connection_restored"):
    at: datetime
    track: Track
    away_s: float


class FaultOpened(Event, frozen=True, kw_only=True, tag="session.fault_opened"):
    """Something of ours or of the candidate's does not work; never counted as conduct."""

    what: str
    why: str


class FaultClosed(Event, frozen=True, kw_only=True, tag="session.fault_closed"):
    what: str


FaultEvent = ConnectionLost | ConnectionRestored | FaultOpened | FaultClosed

# Commands.


class LoseConnection(Command, frozen=True, kw_only=True):
    at: datetime
    track: Track
    why: str


class RestoreConnection(Command, frozen=True, kw_only=True):
    at: datetime
    track: Track


class OpenFault(Command, frozen=True, kw_only=True):
    what: str
    why: str


class CloseFault(Command, frozen=True, kw_only=True):
    what: str


FaultCommand = LoseConnection | RestoreConnection | OpenFault | CloseFault


def evolve(state: Session, event: FaultEvent) -> Session:
    match event:
        case ConnectionLost(at=at, track=track):
            return replace(state, lost=state.lost | {track: at})
        case ConnectionRestored(at=at, track=track):
            lost = {t: since for t, since in state.lost.items() if t != track}
            return replace(state, lost=lost, returned_at=state.returned_at if lost else at)
        case FaultOpened(what=what):
            return replace(state, faults=state.faults | {what})
        case FaultClosed(what=what):
            return replace(state, faults=state.faults - {what})
        case _:
            assert_never(event)


def decide(command: FaultCommand, state: Session) -> tuple[FaultEvent, ...]:
    match command:
        case LoseConnection(at=at, track=track, why=why):
            if track in state.lost or state.phase not in RUNNING:
                return ()
            return (ConnectionLost(at=at, track=track, why=why),)
        case RestoreConnection(at=at, track=track):
            if track not in state.lost:
                return ()
            return (ConnectionRestored(at=at, track=track, away_s=max(0.0, (at - state.lost[track]).total_seconds())),)
        case OpenFault(what=what, why=why):
            return () if what in state.faults else (FaultOpened(what=what, why=why),)
        case CloseFault(what=what):
            return (FaultClosed(what=what),) if what in state.faults else ()
        case _:
            assert_never(command)
