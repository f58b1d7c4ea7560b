"""An intervention: what an invigilator asks of one session, followed until it took effect or failed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused

Kind = Literal["warn", "pause", "resume", "extra_time", "terminate"]
Where = Literal["page", "platform"]
Stage = Literal["none", "requested", "delivered", "acknowledged", "applied", "failed"]

# Events. Tags and field names are on disk for ever.


class Requested(Event, frozen=True, kw_only=True, tag="intervention.requested"):
    session: str
    kind: Kind
    reason_code: str
    text: Private | None
    minutes: float | None
    by: str
    at: datetime
    move_end: bool = False


class Delivered(Event, frozen=True, kw_only=True, tag="intervention.delivered"):
    at: datetime


class Acknowledged(Event, frozen=True, kw_only=True, tag="intervention.acknowledged"):
    at: datetime


class Applied(Event, frozen=True, kw_only=True, tag="intervention.applied"):
    at: datetime
    where: Where


class Failed(Event, frozen=True, kw_only=True, tag="intervention.failed"):
    """It was not shown in time. What it changed of the session holds all the same, and the page may show it later."""

    at: datetime
    why: str


InterventionEvent = Requested | Delivered | Acknowledged | Applied | Failed

# Commands.


class Request(Command, frozen=True, kw_only=True):
    session: str
    kind: Kind
    reason_code: str
    text: Private | None
    minutes: float | None
    by: str
    at: datetime
    move_end: bool = False


class Advance(Command, frozen=True, kw_only=True):
    """The candidate's page tells how far it came; a later stage includes the ones before it."""

    session: str
    stage: Literal["delivered", "acknowledged", "applied"]
    where: Where = "page"
    at: datetime


class Fail(Command, frozen=True, kw_only=True):
    at: datetime
    why: str


InterventionCommand = Request | Advance | Fail

# State.


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """How far an intervention came, and for which session. `reached` is the last stage that its page told of."""

    stage: Stage = "none"
    reached: Stage = "none"
    session: str = ""
    kind: Kind = "warn"


def evolve(state: Intervention, event: InterventionEvent) -> Intervention:
    match event:
        case Requested(session=session, kind=kind):
            return replace(state, stage="requested", reached="requested", session=session, kind=kind)
        case Delivered():
            return replace(state, stage="delivered", reached="delivered")
        case Acknowledged():
            return replace(state, stage="acknowledged", reached="acknowledged")
        case Applied():
            return replace(state, stage="applied", reached="applied")
        case Failed():
            return replace(state, stage="failed")
        case _:
            assert_never(event)


_ORDER: tuple[Stage, ...] = ("requested", "delivered", "acknowledged", "applied")


def decide(command: InterventionCommand, state: Intervention) -> tuple[InterventionEvent, ...]:
    match command:
        case Request():
            return _request(command, state)
        case Advance(session=session, stage=stage, where=where, at=at):
            if state.stage == "none" or state.session != session:
                raise Refused("there is no such intervention", kind="not_found")
            reached = _ORDER.index(state.reached) if state.reached in _ORDER else 0
            missing = _ORDER[reached + 1 : _ORDER.index(stage) + 1]
            made: dict[Stage, InterventionEvent] = {
                "delivered": Delivered(at=at),
                "acknowledged": Acknowledged(at=at),
                "applied": Applied(at=at, where=where),
            }
            return tuple(made[s] for s in missing)
        case Fail(at=at, why=why):
            return (Failed(at=at, why=why),) if state.stage in ("requested", "delivered") else ()
        case _:
            assert_never(command)


def _request(command: Request, state: Intervention) -> tuple[InterventionEvent, ...]:
    if state.stage != "none":
        return ()
    if command.kind == "extra_time" and not command.minutes:
        raise Refused("say how many minutes are added", field="minutes", kind="invalid")
    if command.minutes is not None and not 0 < command.minutes <= 600:
        raise Refused("between 0 and 600 minutes can be added", field="minutes", kind="invalid")
    if command.kind == "warn" and not (command.text and (command.text.text or "").strip()):
        raise Refused("a warning says what was seen and what to do", field="text", kind="invalid")
    if command.kind == "terminate" and not (command.text and (command.text.text or "").strip()):
        raise Refused("ending somebody's exam needs a reason in words", field="text", kind="invalid")
    return (
        Requested(
            session=command.session, kind=command.kind, reason_code=command.reason_code, text=command.text,
            minutes=command.minutes, by=command.by, at=command.at, move_end=command.move_end,
        ),
    )  # fmt: skip


DECIDER: Decider[Intervention, InterventionCommand, InterventionEvent] = Decider(
    "intervention", Intervention(), evolve, decide, InterventionEvent
)
