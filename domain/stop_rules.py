"""What may stop a session and let it go on, in which phase: the table that decides when two people act at once.

A lock wins over a pause and a break, and a pause over a break. The same again is nothing, and what lies below a lock
comes back when it is unlocked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.event import Command, Refused
from domain.phase import RUNNING, Phase, said
from domain.session import Paused, Session, SessionEvent
from domain.session_clock import break_ended, resumed, unlocked
from domain.stops import (
    AskForBreak,
    BreakRequestClosed,
    BreakRequested,
    BreakStarted,
    CloseBreakRequest,
    ComeBack,
    Lock,
    Locked,
    StartBreak,
    StopCommand,
    Unlock,
)


class Pause(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str


class Resume(Command, frozen=True, kw_only=True):
    """Lets a paused session go on, or calls somebody back from their break."""

    at: datetime
    intervention: str


StoppingCommand = Pause | Resume | StopCommand

_LOCKED = "it is locked, and its clock stands; unlock it"
_PAUSED = "it is paused, and its clock stands; resume it"
_BREAK = "the candidate is on a break; resume calls them back"
# What is not allowed, in words. What is nothing new is in `_nothing`; all else happens.
REFUSED: Mapping[type[Command], Mapping[Phase, str]] = {
    Pause: {"locked": _LOCKED},
    Resume: {"locked": _LOCKED},
    Unlock: {"paused": _PAUSED, "on_break": _BREAK},
    StartBreak: {"paused": _PAUSED, "locked": _LOCKED, "on_break": _BREAK},
    AskForBreak: {"paused": "your exam is paused", "locked": "your exam is locked"},
    ComeBack: {},
    Lock: {},
    CloseBreakRequest: {},
}
_VERBS: Mapping[type[Command], str] = {
    Pause: "paused", Resume: "resumed", Lock: "locked", Unlock: "unlocked", StartBreak: "interrupted for a break",
    AskForBreak: "interrupted for a break",
}  # fmt: skip


def stop(command: StoppingCommand, state: Session) -> tuple[SessionEvent, ...]:
    if _nothing(command, state):
        return ()
    if state.phase not in RUNNING:
        raise Refused(f"a session that is {said(state.phase)} cannot be {_VERBS[type(command)]}")
    if rule := REFUSED[type(command)].get(state.phase):
        raise Refused(rule)
    at = command.at
    match command:
        case Pause(intervention=intervention):
            return (*break_ended(state, at, "paused", intervention), Paused(at=at, intervention=intervention))
        case Lock(intervention=intervention):
            return (*break_ended(state, at, "locked", intervention), Locked(at=at, intervention=intervention))
        case Resume(intervention=intervention):
            back = break_ended(state, at, "called_back", intervention)
            return back or resumed(state, at, intervention)
        case Unlock(intervention=intervention):
            return unlocked(state, at, intervention)
        case AskForBreak():
            return _ask(command, state)
        case CloseBreakRequest(by=by, why=why):
            return (BreakRequestClosed(at=at, by=by, why=why),)
        case StartBreak():
            return _start_break(command, state)
        case ComeBack():
            return break_ended(state, at, "back")


def _nothing(command: StoppingCommand, state: Session) -> bool:
    """What holds already, or has no object any more."""
    match command, state.phase:
        case (Pause(), "paused") | (Lock(), "locked") | (Resume() | Unlock(), "in_progress"):
            return True
        case AskForBreak(kind=kind), "in_progress":
            return state.break_asked is not None and state.break_asked.kind == kind
        case AskForBreak(), "on_break":
            return True
        case StartBreak(kind=kind, seconds=seconds), "on_break":
            going = state.on_break
            return going is not None and (going.kind, going.until - going.since) == (kind, timedelta(seconds=seconds))
        case ComeBack(), _:
            return state.on_break is None
        case CloseBreakRequest(), _:
            return state.break_asked is None or state.over
    return False


def rest_left_s(state: Session) -> int:
    """What is left of the rest breaks that were granted beforehand, in whole minutes."""
    return max(0, int(state.allowed.rest_s - state.rested_s) // 60 * 60)


def _ask(command: AskForBreak, state: Session) -> tuple[SessionEvent, ...]:
    """Whoever was granted rest breaks need not ask anybody."""
    at, left_s = command.at, rest_left_s(state)
    if command.kind == "rest" and left_s and not (state.due_at and at >= state.due_at):
        return (BreakStarted(at=at, kind="rest", until=at + timedelta(seconds=left_s)),)
    return (BreakRequested(at=at, kind=command.kind),)


def _start_break(command: StartBreak, state: Session) -> tuple[SessionEvent, ...]:
    at, kind, seconds = command.at, command.kind, command.seconds
    if seconds <= 0:
        raise Refused("say how many minutes the break may take", field="minutes", kind="invalid")
    if state.due_at and at >= state.due_at:
        raise Refused("the time is up; give extra time first")
    until = at + timedelta(seconds=seconds)
    return (BreakStarted(at=at, kind=kind, until=until, intervention=command.intervention),)
