"""Help: a candidate asks, one request at a time; an invigilator takes it from the queue and answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused
from domain.phase import OVER, said

if TYPE_CHECKING:
    from domain.session import Session

Topic = Literal["technical", "break", "question", "other"]
LONGEST = 500  # characters
FINAL = OVER - {"no_show", "ended_in_fault"}  # who did not come or was cut off may still be let in, so may ask

# Events of a session. Tags and field names are on disk for ever.


class HelpRequested(Event, frozen=True, kw_only=True, tag="session.help_requested"):
    help: str
    at: datetime
    topic: Topic
    text: Private | None = None


class HelpTaken(Event, frozen=True, kw_only=True, tag="session.help_taken"):
    help: str
    at: datetime
    by: str


class HelpReleased(Event, frozen=True, kw_only=True, tag="session.help_released"):
    """It waits for somebody again."""

    help: str
    at: datetime
    by: str


class HelpAnswered(Event, frozen=True, kw_only=True, tag="session.help_answered"):
    """Closed; `text` is for the candidate, where there is something to say."""

    help: str
    at: datetime
    by: str
    text: Private | None = None


class HelpWithdrawn(Event, frozen=True, kw_only=True, tag="session.help_withdrawn"):
    help: str
    at: datetime


HelpEvent = HelpRequested | HelpTaken | HelpReleased | HelpAnswered | HelpWithdrawn

# Commands.


class RequestHelp(Command, frozen=True, kw_only=True):
    help: str
    at: datetime
    topic: Topic
    text: Private | None = None


class TakeHelp(Command, frozen=True, kw_only=True):
    help: str
    at: datetime
    by: str


class ReleaseHelp(Command, frozen=True, kw_only=True):
    """`lead` may release what somebody else has taken."""

    help: str
    at: datetime
    by: str
    lead: bool


class AnswerHelp(Command, frozen=True, kw_only=True):
    help: str
    at: datetime
    by: str
    text: Private | None = None


class WithdrawHelp(Command, frozen=True, kw_only=True):
    at: datetime


HelpCommand = RequestHelp | TakeHelp | ReleaseHelp | AnswerHelp | WithdrawHelp

# State.


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits, or that `taken_by` deals with."""

    help: str
    topic: Topic
    at: datetime
    taken_by: str = ""


class Help(msgspec.Struct, frozen=True, kw_only=True):
    """The request that is open, and by whom each earlier one was answered ("": it was withdrawn)."""

    open: Open | None = None
    done: dict[str, str] = {}


def evolve(state: Help, event: HelpEvent) -> Help:
    match event:
        case HelpRequested(help=name, topic=topic, at=at):
            return replace(state, open=Open(help=name, topic=topic, at=at))
        case HelpAnswered(help=name, by=by):
            return Help(done=state.done | {name: by})
        case HelpWithdrawn(help=name):
            return Help(done=state.done | {name: ""})
        case HelpTaken(by=by):
            return replace(state, open=replace(state.open, taken_by=by) if state.open else None)
        case HelpReleased():
            return replace(state, open=replace(state.open, taken_by="") if state.open else None)
        case _:
            assert_never(event)


def decide(command: HelpCommand, state: Session) -> tuple[HelpEvent, ...]:
    known = state.help
    match command:
        case RequestHelp():
            return _requested(command, state)
        case WithdrawHelp(at=at):
            return (HelpWithdrawn(help=known.open.help, at=at),) if known.open else ()
        case AnswerHelp(help=name, by=by) if known.done.get(name) == by:
            return ()
    asked = _open(command.help, known)
    if asked.taken_by not in ("", command.by) and not (isinstance(command, ReleaseHelp) and command.lead):
        raise Refused("somebody else deals with this request", field="taken_by")
    match command:
        case TakeHelp(help=name, at=at, by=by):
            return () if asked.taken_by == by else (HelpTaken(help=name, at=at, by=by),)
        case ReleaseHelp(help=name, at=at, by=by):
            return (HelpReleased(help=name, at=at, by=by),) if asked.taken_by else ()
        case AnswerHelp(help=name, at=at, by=by, text=text):
            _fits(text)
            return (HelpAnswered(help=name, at=at, by=by, text=text),)
        case _:
            assert_never(command)


def _requested(command: RequestHelp, state: Session) -> tuple[HelpEvent, ...]:
    if command.help in state.help.done:
        return ()
    if state.phase in FINAL:
        raise Refused(f"a session that is {said(state.phase)} has no queue for help any more; write in the chat")
    if state.help.open:
        return ()
    _fits(command.text)
    return (HelpRequested(help=command.help, at=command.at, topic=command.topic, text=command.text),)


def _open(name: str, known: Help) -> Open:
    if known.open and known.open.help == name:
        return known.open
    if name not in known.done:
        raise Refused("there is no such request for help", kind="not_found", field="help")
    how = "answered" if known.done[name] else "withdrawn"
    raise Refused(f"this request for help was {how} already", field="help")


def _fits(text: Private | None) -> None:
    if text and len(text.text or "") > LONGEST:
        raise Refused(f"at most {LONGEST} characters", field="text", kind="invalid")
