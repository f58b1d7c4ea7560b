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


class LinkRenewed(Event, frozen=True, kw_only=True, tag="schedule.link_renewed"):
    """The join link of a session, and whoever came in by it, is void; the one with this number holds."""

    session: str
    number: int


EnrolmentEvent = CandidateEnrolled | CandidateWithdrawn | LinkRenewed

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


class RenewLink(Command, frozen=True, kw_only=True):
    """The next link has this number."""

    session: str
    number: int


EnrolmentCommand = Enrol | Withdraw | RenewLink


def evolve(state: Schedule, event: EnrolmentEvent) -> Schedule:
    match event:
        case CandidateEnrolled(subject=subject, session=session):
            return replace(state, candidates=state.candidates | {subject: session})
        case CandidateWithdrawn(subject=subject, session=session):
            left = {s: n for s, n in state.candidates.items() if s != subject}
            links = state.links | {session: state.links.get(session, 0) + 1}  # also for who is enrolled again
            return replace(state, candidates=left, links=links)
        case LinkRenewed(session=session, number=number):
            return replace(state, links=state.links | {session: number})
        case _:
            assert_never(event)


def decide(command: EnrolmentCommand, state: Schedule) -> tuple[EnrolmentEvent, ...]:
    match command:
        case Enrol():
            return _enrol(command, state)
        case Withdraw(session=session):
            found = [s for s, n in state.candidates.items() if n == session]
            return tuple(CandidateWithdrawn(subject=s, session=session) for s in found)
        case RenewLink(session=session, number=number):
            if session not in state.candidates.values():
                raise Refused("this candidate is not enrolled", field="session", kind="not_found")
            known = state.links.get(session, 0)
            return (LinkRenewed(session=session, number=number),) if number > known else ()
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
