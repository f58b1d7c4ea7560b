"""What does not work in a session, of ours or of the candidate's: typed, timed, shown, and never counted as conduct."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

from msgspec.structs import replace

from domain import sight
from domain.event import Command, Event
from domain.phase import RUNNING, Track

if TYPE_CHECKING:
    from domain.session import Session

Cause = Literal["network", "device", "power", "ours"]
CUTS_OFF = frozenset({"database", "front_door", "page"})  # faults in which the candidate's page does not reach us

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
    """Something of ours or of the candidate's does not work; never counted as conduct.

    `since` is when it began or ended, where that was known and recorded later: a page has told, or there was a grace.
    """

    what: str
    why: str
    cause: Cause = "ours"
    since: datetime | None = None


class FaultClosed(Event, frozen=True, kw_only=True, tag="session.fault_closed"):
    what: str
    since: datetime | None = None


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
    cause: Cause = "ours"
    since: datetime | None = None


class CloseFault(Command, frozen=True, kw_only=True):
    what: str
    since: datetime | None = None


FaultCommand = LoseConnection | RestoreConnection | OpenFault | CloseFault


def evolve(state: Session, event: FaultEvent) -> Session:
    match event:
        case ConnectionLost(at=at, track=track):
            return replace(state, lost=state.lost | {track: at})
        case ConnectionRestored(at=at, track=track):
            lost = {t: since for t, since in state.lost.items() if t != track}
            return returned(state, replace(state, lost=lost), at)
        case FaultOpened(what=what, why=why, since=since):
            unheard = state.unheard | ({what: since} if what in CUTS_OFF and since else {})
            return replace(
                state, faults=state.faults | {what}, unheard=unheard, faults_told=_told(state, event),
                ill_seen=state.ill_seen | ({what: why} if what in sight.FAULTS else {}),
            )  # fmt: skip
        case FaultClosed(what=what, since=since):
            unheard = {name: began for name, began in state.unheard.items() if name != what}
            after = replace(
                state, faults=state.faults - {what}, unheard=unheard, faults_told=_told(state, event),
                ill_seen={name: why for name, why in state.ill_seen.items() if name != what},
            )  # fmt: skip
            return returned(state, after, since) if since else after
        case _:
            assert_never(event)


def decide(command: FaultCommand, state: Session) -> tuple[FaultEvent, ...]:
    match command:
        case LoseConnection(at=at, track=track, why=why):
            if track in state.lost or track in state.waived or state.phase not in RUNNING:
                return ()
            return (ConnectionLost(at=at, track=track, why=why),)
        case RestoreConnection(at=at, track=track):
            if track not in state.lost:
                return ()
            return (ConnectionRestored(at=at, track=track, away_s=max(0.0, (at - state.lost[track]).total_seconds())),)
        case OpenFault(what=what, why=why, cause=cause, since=since):
            known = what in state.faults or _overtaken(state, command)
            return () if known else (FaultOpened(what=what, why=why, cause=cause, since=since),)
        case CloseFault(what=what, since=since):
            known = what not in state.faults or _overtaken(state, command)
            return () if known else (FaultClosed(what=what, since=since),)
        case _:
            assert_never(command)


def returned(before: Session, after: Session, at: datetime) -> Session:
    """Notes when the last thing that cut the candidate off was over."""
    return replace(after, returned_at=at) if before.cut_off and not after.cut_off else after


def _told(state: Session, event: FaultOpened | FaultClosed) -> dict[str, datetime]:
    return state.faults_told | {event.what: event.since} if event.since else state.faults_told


def _overtaken(state: Session, command: OpenFault | CloseFault) -> bool:
    """Whether what a page tells is older than what is known: its batches may come in any order."""
    known = state.faults_told.get(command.what)
    return known is not None and command.since is not None and command.since <= known
