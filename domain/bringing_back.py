"""A person brings a session back: who came late, whom a fault has ended, and whom somebody terminated."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

from msgspec.structs import replace

from domain.event import Event, Private

if TYPE_CHECKING:
    from domain.session import Session

# Events of a session. Tags and field names are on disk for ever.


class AdmittedLate(Event, frozen=True, kw_only=True, tag="session.admitted_late"):
    """A person lets somebody in after the last entry, at the `phase` they are in, to start until the window closes."""

    at: datetime
    by: str
    reason: Private
    phase: Literal["expected", "checking", "ready"] = "expected"


class Reopened(Event, frozen=True, kw_only=True, tag="session.reopened"):
    """A session that ended in a fault goes on, as if it had been paused since the fault began.

    `since` is when its clock is taken to have stood from: as much later than the fault's beginning as was given back
    of that time before.
    """

    at: datetime
    by: str
    reason: Private
    since: datetime
    fault_since: datetime | None = None


class Reinstated(Event, frozen=True, kw_only=True, tag="session.reinstated"):
    """A session that was terminated goes on after all, as if it had been paused since then."""

    at: datetime
    by: str
    reason: Private
    since: datetime


BroughtBack = AdmittedLate | Reopened | Reinstated


def evolve(state: Session, event: BroughtBack) -> Session:
    match event:
        case AdmittedLate(phase=came):
            return replace(state, phase=came, admitted=True, ended_at=None)
        case Reopened(since=since, fault_since=began):
            return _goes_on(made_up(state, began, since) if began else state, since)
        case Reinstated(since=since):
            return _goes_on(state, since)
        case _:
            assert_never(event)


def made_up(state: Session, since: datetime, until: datetime) -> Session:
    """The clock ran then, and that is given back by moving it."""
    return replace(state, made_up=(*state.made_up, (since, until)))


def _goes_on(state: Session, since: datetime) -> Session:
    return replace(state, phase="paused", stopped_since=since, ended_at=None, reopened=state.reopened + 1)
