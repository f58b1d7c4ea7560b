"""The candidates of a schedule: each is enrolled once, with the one session that is theirs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused

if TYPE_CHECKING:
    from domain.schedule import Schedule

# Events of a schedule. Tags and field names are on disk for ever.


class CandidateEnrolled(Event, frozen=True, kw_only=True, tag="schedule.candidate_enrolled"):
    subject: str
    session: str
    name: Private
    number: Private
    email: Private | None = None


class CandidateWithdrawn(Event, frozen=True, kw_only=True, tag="schedule.candidate_withdrawn"):
    subject: str
    session: str


EnrolmentEvent = CandidateEnrolled | CandidateWithdrawn

# Commands.


class Enrol(Command, frozen=True, kw_only=True):
    at: datetime
    subject: str
    session: str
    name: Private
    number: Private
    email: Private | None = None


class Withdraw(Command, frozen=True, kw_only=True):
    session: str


EnrolmentCommand = Enrol | Withdraw


def evolve(state: Schedule, event: EnrolmentEvent) -> Schedule:
    match event:
        case CandidateEnrolled(subject=subject, session=session):
            return replace(state, candidates=state.candidates | {subject: session})
        case CandidateWithdrawn(subject=subject):
            return replace(state, candidates={s: n for s, n in state.candidates.items() if s != subject})
        case _:
            assert_never(event)


def decide(command: EnrolmentCommand, state: Schedule) -> tuple[EnrolmentEvent, ...]:
    match command:
        case Enrol():
            return _enrol(command, state)
        case Withdraw(session=session):
            found = [s for s, n in state.candidates.items() if n == session]
            return tuple(CandidateWithdrawn(subject=s, session=session) for s in found)
        case _:
            assert_never(command)


def _enrol(command: Enrol, state: Schedule) -> tuple[EnrolmentEvent, ...]:
    if command.subject in state.candidates:
        if state.candidates[command.subject] == command.session:
            raise Refused("this candidate is enrolled already", field="number")
        raise Refused("this candidate is enrolled with another session", field="number")
    if state.window and command.at >= state.window.closes_at:
        raise Refused("the window has closed; nobody can be enrolled any more", field="window.closes_at")
    return (
        CandidateEnrolled(
            subject=command.subject, session=command.session, name=command.name, number=command.number,
            email=command.email,
        ),
    )  # fmt: skip
