"""An intervention: what an invigilator asks of one session, followed until it took effect or failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused
from domain.stops import BreakKind

Asked = Literal[
    "warn", "pause", "resume", "lock", "unlock", "extra_time", "break", "identity_check", "room_scan", "terminate"
]
Kind = Literal[Asked, "return_look"]  # who comes back from a break looks at the camera first; nobody asks for that
Where = Literal["page", "platform"]
Stage = Literal["none", "requested", "delivered", "acknowledged", "applied", "failed"]
Result = Literal["passed", "not_passed"]

LOOKS: frozenset[str] = frozenset({"identity_check", "room_scan", "return_look"})  # the candidate shows something
ON_PLATFORM: frozenset[str] = frozenset({"pause", "resume", "lock", "unlock", "extra_time", "break", "terminate"})
LONGEST_BREAK_MIN = 120
SHOWN_WITHIN = timedelta(seconds=30)
ANSWERED_WITHIN: dict[str, timedelta] = {
    "identity_check": timedelta(minutes=3), "room_scan": timedelta(minutes=5), "return_look": timedelta(minutes=2),
}  # fmt: skip


def fails_after(kind: Kind) -> timedelta:
    """How long one is waited for: to be shown, or answered where the candidate has something to show."""
    return ANSWERED_WITHIN.get(kind, SHOWN_WITHIN)


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
    break_kind: BreakKind | None = None


class Delivered(Event, frozen=True, kw_only=True, tag="intervention.delivered"):
    at: datetime


class Acknowledged(Event, frozen=True, kw_only=True, tag="intervention.acknowledged"):
    at: datetime


class Applied(Event, frozen=True, kw_only=True, tag="intervention.applied"):
    at: datetime
    where: Where


class Marked(Event, frozen=True, kw_only=True, tag="intervention.marked"):
    """What an invigilator saw of a look that they asked for: a result, never a verdict on anybody."""

    at: datetime
    by: str
    result: Result
    note: Private | None = None


class Failed(Event, frozen=True, kw_only=True, tag="intervention.failed"):
    """It was not shown or answered in time. What it changed of the session holds all the same; it may come later."""

    at: datetime
    why: str


InterventionEvent = Requested | Delivered | Acknowledged | Applied | Marked | Failed

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
    break_kind: BreakKind | None = None


class Advance(Command, frozen=True, kw_only=True):
    """The candidate's page tells how far it came, where a later stage includes the ones before it.

    A connected exam platform tells only that it has applied it too.
    """

    session: str
    stage: Literal["delivered", "acknowledged", "applied"]
    where: Where = "page"
    at: datetime


class Mark(Command, frozen=True, kw_only=True):
    session: str
    at: datetime
    by: str
    result: Result
    note: Private | None = None


class Fail(Command, frozen=True, kw_only=True):
    at: datetime
    why: str


InterventionCommand = Request | Advance | Mark | Fail

# State.


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """How far an intervention came, and for which session. `reached` is the last stage that its page told of.

    `platform` is whether a connected exam platform has applied it too.
    """

    stage: Stage = "none"
    reached: Stage = "none"
    platform: bool = False
    session: str = ""
    kind: Kind = "warn"
    marked: Result | None = None

    @property
    def unanswered(self) -> bool:
        """Whether a look is waited for. Who asks for the same meanwhile gets the same look."""
        return self.stage in ("requested", "delivered")


def evolve(state: Intervention, event: InterventionEvent) -> Intervention:
    match event:
        case Requested(session=session, kind=kind):
            return replace(state, stage="requested", reached="requested", session=session, kind=kind)
        case Delivered():
            return replace(state, stage=_further(state, "delivered"), reached="delivered")
        case Acknowledged():
            return replace(state, stage=_further(state, "acknowledged"), reached="acknowledged")
        case Applied(where="platform"):
            return replace(state, stage="applied", platform=True)
        case Applied():
            return replace(state, stage="applied", reached="applied")
        case Marked(result=result):
            return replace(state, stage="applied", marked=result)
        case Failed():
            return replace(state, stage="failed")
        case _:
            assert_never(event)


_ORDER: tuple[Stage, ...] = ("requested", "delivered", "acknowledged", "applied")


def decide(command: InterventionCommand, state: Intervention) -> tuple[InterventionEvent, ...]:
    if isinstance(command, Advance | Mark) and (state.stage == "none" or state.session != command.session):
        raise Refused("there is no such intervention", kind="not_found")
    match command:
        case Request():
            return _request(command, state)
        case Advance(where="platform"):
            return _on_platform(command, state)
        case Advance():
            return _on_page(command, state)
        case Mark(at=at, by=by, result=result, note=note):
            if state.kind not in LOOKS:
                raise Refused("only what a candidate was asked to show is passed or not", field="result")
            if state.marked and state.marked != result:
                words = state.marked.replace("_", " ")
                raise Refused(f"somebody has marked it as {words} already", field="result")
            return () if state.marked else (Marked(at=at, by=by, result=result, note=note),)
        case Fail(at=at, why=why):
            return (Failed(at=at, why=why),) if state.stage in ("requested", "delivered") else ()
        case _:
            assert_never(command)


def _on_page(command: Advance, state: Intervention) -> tuple[InterventionEvent, ...]:
    if command.stage == "applied" and state.kind in ("identity_check", "room_scan"):
        raise Refused("the candidate shows it, and an invigilator marks it", field="stage")
    reached = _ORDER.index(state.reached) if state.reached in _ORDER else 0
    missing = _ORDER[reached + 1 : _ORDER.index(command.stage) + 1]
    made: dict[Stage, InterventionEvent] = {
        "delivered": Delivered(at=command.at),
        "acknowledged": Acknowledged(at=command.at),
        "applied": Applied(at=command.at, where="page"),
    }
    return tuple(made[stage] for stage in missing)


def _on_platform(command: Advance, state: Intervention) -> tuple[InterventionEvent, ...]:
    if state.kind not in ON_PLATFORM:
        raise Refused(f"an exam platform has no part in a {state.kind.replace('_', ' ')}", field="where")
    if command.stage != "applied":
        raise Refused("an exam platform tells what it has applied", field="stage", kind="invalid")
    return () if state.platform else (Applied(at=command.at, where="platform"),)


def _further(state: Intervention, stage: Stage) -> Stage:
    """A page that comes after the exam platform takes nothing back."""
    return state.stage if state.stage == "applied" else stage


def _request(command: Request, state: Intervention) -> tuple[InterventionEvent, ...]:
    if state.stage != "none":
        if command.kind in LOOKS and _words(command.text):  # nobody would read them
            what = command.kind.replace("_", " ")
            raise Refused(f"somebody has asked for this {what} already; wait until it is answered", field="kind")
        return ()
    if command.kind in ("extra_time", "break") and not command.minutes:
        what = "are added" if command.kind == "extra_time" else "the break may take"
        raise Refused(f"say how many minutes {what}", field="minutes", kind="invalid")
    if command.minutes is not None and not 0 < command.minutes <= 600:
        raise Refused("between 0 and 600 minutes can be added", field="minutes", kind="invalid")
    if command.kind == "break" and command.minutes and command.minutes > LONGEST_BREAK_MIN:
        raise Refused(f"a break takes at most {LONGEST_BREAK_MIN} minutes", field="minutes", kind="invalid")
    if command.kind == "warn" and not _words(command.text):
        raise Refused("a warning says what was seen and what to do", field="text", kind="invalid")
    if command.kind == "terminate" and not _words(command.text):
        raise Refused("ending somebody's exam needs a reason in words", field="text", kind="invalid")
    return (Requested(**msgspec.structs.asdict(command)),)


def _words(text: Private | None) -> str:
    return (text.text or "").strip() if text else ""


DECIDER: Decider[Intervention, InterventionCommand, InterventionEvent] = Decider(
    "intervention", Intervention(), evolve, decide, InterventionEvent
)
