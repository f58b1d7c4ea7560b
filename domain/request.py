"""A person's request about their data (GDPR, chapter III): received, decided, executed, answered, in a month."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused
from domain.grounds import Ground
from domain.release import Release, Released, must_fit, released

Kind = Literal["access", "rectification", "erasure", "restriction", "objection"]
Channel = Literal["letter", "email", "in_person", "phone", "form"]
Proof = Literal["document", "account", "known", "link"]
Standing = Literal["none", "received", "checked", "granted", "refused", "executed", "answered"]

# Events. Tags and field names are on disk for ever.


class Received(Event, frozen=True, kw_only=True, tag="request.received"):
    """`subject` is whose data it is about; `session` is "" where it is about all of them."""

    at: datetime
    by: str
    kind: Kind
    subject: str
    channel: Channel
    due_at: datetime
    session: str = ""
    text: Private | None = None


class IdentityChecked(Event, frozen=True, kw_only=True, tag="request.identity_checked"):
    at: datetime
    by: str
    proof: Proof


class Granted(Event, frozen=True, kw_only=True, tag="request.granted"):
    at: datetime
    by: str


class GrantedInPart(Event, frozen=True, kw_only=True, tag="request.granted_in_part"):
    at: datetime
    by: str
    ground: Ground


class RequestRefused(Event, frozen=True, kw_only=True, tag="request.refused"):
    at: datetime
    by: str
    ground: Ground


class ExecutionAsked(Event, frozen=True, kw_only=True, tag="request.execution_asked"):
    """The first of two people says so. `officer`: this one is the data-protection officer."""

    at: datetime
    by: str
    officer: bool


class Executed(Event, frozen=True, kw_only=True, tag="request.executed"):
    """`sessions` are those that it took hold of."""

    at: datetime
    by: tuple[str, ...]
    sessions: tuple[str, ...]


class Answered(Event, frozen=True, kw_only=True, tag="request.answered"):
    at: datetime
    by: str
    text: Private


RequestEvent = (
    Received | IdentityChecked | Granted | GrantedInPart | RequestRefused | ExecutionAsked | Executed | Released
    | Answered
)  # fmt: skip

# Commands.


class Receive(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    kind: Kind
    subject: str
    channel: Channel
    session: str = ""
    text: Private | None = None


class CheckIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    proof: Proof


class Grant(Command, frozen=True, kw_only=True):
    """In part, where a ground is given."""

    at: datetime
    by: str
    ground: Ground | None = None


class Refuse(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    ground: Ground


class Execute(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    officer: bool
    sessions: tuple[str, ...]


class Answer(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    text: Private


RequestCommand = Receive | CheckIdentity | Grant | Refuse | Execute | Release | Answer

# State.


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`decided` is None until it is; its second part is the ground of what was not granted. `asked` is who first said
    that it be executed, and whether they are the officer. `released` are the exports that were made for the person.
    """

    standing: Standing = "none"
    kind: Kind = "access"
    subject: str = ""
    session: str = ""
    decided: tuple[bool, Ground | None] | None = None
    asked: tuple[str, bool] | None = None
    released: frozenset[str] = frozenset()
    text: Private | None = None
    answer: Private | None = None


def evolve(state: Request, event: RequestEvent) -> Request:
    match event:
        case Received(kind=kind, subject=subject, session=session, text=text):
            return replace(state, standing="received", kind=kind, subject=subject, session=session, text=text)
        case IdentityChecked():
            return replace(state, standing="checked")
        case Granted():
            return replace(state, standing="granted", decided=(True, None))
        case GrantedInPart(ground=ground):
            return replace(state, standing="granted", decided=(True, ground))
        case RequestRefused(ground=ground):
            return replace(state, standing="refused", decided=(False, ground))
        case ExecutionAsked(by=by, officer=officer):
            return replace(state, asked=(by, officer))
        case Executed():
            return replace(state, standing="executed")
        case Released(export=export):
            return replace(state, released=state.released | {export})
        case Answered(text=text):
            return replace(state, standing="answered", answer=text)
        case _:
            assert_never(event)


def decide(command: RequestCommand, state: Request) -> tuple[RequestEvent, ...]:
    if isinstance(command, Receive):
        return _receive(command, state)
    if state.standing == "none":
        raise Refused("there is no such request", field="data_request", kind="not_found")
    match command:
        case CheckIdentity(at=at, by=by, proof=proof):
            return (IdentityChecked(at=at, by=by, proof=proof),) if state.standing == "received" else ()
        case Grant(at=at, by=by, ground=ground):
            if _decided(state, (True, ground)):
                return ()
            if state.standing != "checked":
                raise Refused("check first that it is this person who asks")
            return (Granted(at=at, by=by),) if ground is None else (GrantedInPart(at=at, by=by, ground=ground),)
        case Refuse(at=at, by=by, ground=ground):
            return () if _decided(state, (False, ground)) else (RequestRefused(at=at, by=by, ground=ground),)
        case Execute():
            return _execute(command, state)
        case Release():
            return _release(command, state)
        case Answer(at=at, by=by, text=text):
            return _answer(at, by, text, state)
        case _:
            assert_never(command)


def _receive(command: Receive, state: Request) -> tuple[RequestEvent, ...]:
    if state.standing != "none":
        return ()
    return (
        Received(
            at=command.at, by=command.by, kind=command.kind, subject=command.subject, channel=command.channel,
            due_at=a_month_after(command.at), session=command.session, text=command.text,
        ),
    )  # fmt: skip


def _decided(state: Request, wanted: tuple[bool, Ground | None]) -> bool:
    """Whether just this was decided before. Raises `Refused` when it was another thing."""
    if state.decided not in (None, wanted):
        raise Refused("this request has been decided otherwise")
    return state.decided == wanted


def _execute(command: Execute, state: Request) -> tuple[RequestEvent, ...]:
    if state.standing in ("executed", "answered") and state.decided and state.decided[0]:
        return ()
    if state.standing != "granted":
        raise Refused("only what was granted is executed")
    if state.kind != "erasure":
        if not command.officer:
            raise Refused("the data-protection officer executes this")
        return (Executed(at=command.at, by=(command.by,), sessions=command.sessions),)
    if state.asked is None:
        return (ExecutionAsked(at=command.at, by=command.by, officer=command.officer),)
    first, officer = state.asked
    if command.by == first:
        return ()  # the other person is waited for
    if not (officer or command.officer):
        raise Refused("one of the two who erase is the data-protection officer")
    return (Executed(at=command.at, by=(first, command.by), sessions=command.sessions),)


def _release(command: Release, state: Request) -> tuple[RequestEvent, ...]:
    """The first copy executes the request; another may follow, as when less or more has to be withheld."""
    if command.export in state.released:
        return ()
    if state.kind != "access":
        raise Refused("only a request for access leads to a copy of what is held", field="request")
    if state.standing not in ("granted", "executed"):
        raise Refused("only what was granted and is not answered yet is released", field="request")
    must_fit(command.withheld)
    first = Executed(at=command.at, by=(command.by,), sessions=command.sessions)
    return (released(command),) if state.standing == "executed" else (first, released(command))


def _answer(at: datetime, by: str, text: Private, state: Request) -> tuple[RequestEvent, ...]:
    if not (text.text or "").strip():
        raise Refused("an answer says something", field="text", kind="invalid")
    if state.standing == "answered":
        if state.answer and state.answer.text == text.text:
            return ()
        raise Refused("this request has been answered")
    if state.standing not in ("executed", "refused"):
        raise Refused("execute or refuse the request first")
    return (Answered(at=at, by=by, text=text),)


def a_month_after(at: datetime) -> datetime:
    """The same day of the next month, or its last (art. 12(3))."""
    year, month = (at.year + 1, 1) if at.month == 12 else (at.year, at.month + 1)
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))


DECIDER: Decider[Request, RequestCommand, RequestEvent] = Decider("request", Request(), evolve, decide, RequestEvent)
