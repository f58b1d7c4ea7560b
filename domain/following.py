"""A session that runs follows its schedule: to a later close and a longer exam, never to less than was promised."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from domain.accommodation import given
from domain.event import Command, Event

if TYPE_CHECKING:
    from domain.session import Session

# Event of a session. Tag and field names are on disk for ever.


class Rescheduled(Event, frozen=True, kw_only=True, tag="session.rescheduled"):
    """`closes_at` and `scheduled_s` are the schedule's, `end_at` and `duration_s` what they make of this session."""

    at: datetime
    closes_at: datetime
    scheduled_s: int
    end_at: datetime
    duration_s: int


class Follow(Command, frozen=True, kw_only=True):
    """The window closes at `closes_at` and the exam lasts so long, for everybody."""

    at: datetime
    closes_at: datetime
    duration_s: int


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """What the session has followed so far: the latest close and the longest duration of its schedule."""

    closes_at: datetime
    duration_s: int


def begun(state: Session) -> Session:
    """At the start: the window's close is the session's own end without what was granted beforehand."""
    assert state.end_at
    beforehand = timedelta(seconds=state.allowed.extra_s)
    return replace(state, promised=Promised(closes_at=state.end_at - beforehand, duration_s=state.duration_s))


def evolve(state: Session, event: Rescheduled) -> Session:
    return replace(
        state, end_at=event.end_at, duration_s=event.duration_s, allowed=given(state.allowed, event.duration_s),
        promised=Promised(closes_at=event.closes_at, duration_s=event.scheduled_s),
    )  # fmt: skip
