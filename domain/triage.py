"""Who looks after an incident on the wall: taken, released, set aside, escalated to the lead. None is a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused

Away = Literal["disconnected", "off_duty"]  # why somebody keeps nothing that they have taken

# Events of a session's incidents. Tags and field names are on disk for ever.


class Taken(Event, frozen=True, kw_only=True, tag="incidents.taken"):
    incident: str
    at: datetime
    by: str


class Released(Event, frozen=True, kw_only=True, tag="incidents.released"):
    """Nobody has it any more. A lead who gives back what was escalated (`released`) takes it off their list."""

    incident: str
    at: datetime
    by: str
    why: Literal["released", "disconnected", "off_duty"]


class SetAside(Event, frozen=True, kw_only=True, tag="incidents.set_aside"):
    """It needs nobody now. It comes back by itself when it becomes graver, or when somebody takes it."""

    incident: str
    at: datetime
    by: str
    note: Private | None = None


class Escalated(Event, frozen=True, kw_only=True, tag="incidents.escalated"):
    incident: str
    at: datetime
    by: str
    note: Private | None = None


TriageEvent = Taken | Released | SetAside | Escalated

# Commands. `lead` says that `by` is a lead invigilator.


class Take(Command, frozen=True, kw_only=True):
    incident: str
    at: datetime
    by: str
    lead: bool = False


class PassOn(Command, frozen=True, kw_only=True):
    """With a hand-over: what `user` has taken, `to` has from now on."""

    incident: str
    at: datetime
    user: str
    to: str


class Release(Command, frozen=True, kw_only=True):
    incident: str
    at: datetime
    by: str
    lead: bool = False


class LetGo(Command, frozen=True, kw_only=True):
    """Releases what `user` has taken because they are away."""

    incident: str
    at: datetime
    user: str
    by: str
    why: Away


class PutAside(Command, frozen=True, kw_only=True):
    incident: str
    at: datetime
    by: str
    note: Private | None = None
    lead: bool = False


class Escalate(Command, frozen=True, kw_only=True):
    incident: str
    at: datetime
    by: str
    note: Private | None = None
    lead: bool = False


TriageCommand = Take | PassOn | Release | LetGo | PutAside | Escalate

# State.


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: who has it, who escalated it and waits for a lead, who set it aside; and since when."""

    taken_by: str | None = None
    taken_at: datetime | None = None
    escalated_by: str | None = None
    escalated_at: datetime | None = None
    set_aside_by: str | None = None
    set_aside_at: datetime | None = None


UNTOUCHED = Triage()
T = TypeVar("T", bound=Triage)  # a row that has these fields among others is folded alike


def evolve(state: T, event: TriageEvent) -> T:
    match event:
        case Taken(at=at, by=by):
            return replace(state, taken_by=by, taken_at=at, set_aside_by=None, set_aside_at=None)
        case Released(why="released"):
            return _untouched(state)
        case Released():
            return replace(state, taken_by=None, taken_at=None)
        case SetAside(at=at, by=by):
            return replace(_untouched(state), set_aside_by=by, set_aside_at=at)
        case Escalated(at=at, by=by):
            return replace(_untouched(state), escalated_by=by, escalated_at=at)
        case _:
            assert_never(event)


def surfaced(state: T) -> T:
    """Once it has become graver: nobody has set that aside."""
    return replace(state, set_aside_by=None, set_aside_at=None)


def judged(state: T) -> T:
    """Once somebody has given a verdict: nobody needs to look after it."""
    return replace(state, taken_by=None, taken_at=None, escalated_by=None, escalated_at=None)


def tended(
    triage: dict[str, Triage], incident: str, step: TriageEvent | Callable[[Triage], Triage]
) -> dict[str, Triage]:
    """The triage of all incidents after a step of one; who needs nobody to look after them is not in it."""
    state = triage.get(incident, UNTOUCHED)
    after = step(state) if callable(step) else evolve(state, step)
    others = {name: one for name, one in triage.items() if name != incident}
    return others if after == UNTOUCHED else others | {incident: after}


def _untouched(state: T) -> T:
    return replace(state, **msgspec.structs.asdict(UNTOUCHED))


def decide(command: TriageCommand, known: frozenset[str], triage: Mapping[str, Triage]) -> tuple[TriageEvent, ...]:
    """`known` are the incidents of the session."""
    incident, at = command.incident, command.at
    if incident not in known:
        raise Refused("there is no such incident", field="incident", kind="not_found")
    state = triage.get(incident, UNTOUCHED)
    match command:
        case Take(by=by, lead=lead):
            if state.taken_by == by:
                return ()
            _free(state, by, lead=False)
            _not_the_leads(state, lead=lead)
            return (Taken(incident=incident, at=at, by=by),)
        case PassOn(user=user, to=to):
            return (Taken(incident=incident, at=at, by=to),) if state.taken_by == user != to else ()
        case Release(by=by, lead=lead):
            if state.taken_by is None and not (lead and state.escalated_by):
                return ()
            _free(state, by, lead=lead)
            return (Released(incident=incident, at=at, by=by, why="released"),)
        case LetGo(user=user, by=by, why=why):
            return (Released(incident=incident, at=at, by=by, why=why),) if state.taken_by == user else ()
        case PutAside(by=by, note=note, lead=lead):
            if state.set_aside_by is not None:
                return ()
            _free(state, by, lead=lead)
            _not_the_leads(state, lead=lead)
            return (SetAside(incident=incident, at=at, by=by, note=note),)
        case Escalate(by=by, note=note, lead=lead):
            if state.escalated_by is not None:
                return ()
            _free(state, by, lead=lead)
            return (Escalated(incident=incident, at=at, by=by, note=note),)
        case _:
            assert_never(command)


def _free(state: Triage, by: str, *, lead: bool) -> None:
    if state.taken_by not in (None, by) and not lead:
        raise Refused("somebody else has taken this incident", field="taken_by")


def _not_the_leads(state: Triage, *, lead: bool) -> None:
    if state.escalated_by is not None and not lead:
        raise Refused("this incident has been escalated; a lead invigilator decides", field="escalated_by")
