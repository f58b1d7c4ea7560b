"""How a session that runs follows its schedule. Its end moves as the window does, so that what was added stays."""

from __future__ import annotations

from datetime import timedelta

from domain.accommodation import given
from domain.accommodation_rules import NAME
from domain.following import Follow, Rescheduled
from domain.phase import RUNNING
from domain.session import Session, SessionEvent, TimeExtended


def followed(command: Follow, state: Session) -> tuple[SessionEvent, ...]:
    """Nothing where the schedule got shorter: a running session keeps what its candidate was promised."""
    if state.phase not in RUNNING or state.promised is None or state.end_at is None:
        return ()
    known = state.promised
    closes_at, scheduled_s = max(known.closes_at, command.closes_at), max(known.duration_s, command.duration_s)
    if (closes_at, scheduled_s) == (known.closes_at, known.duration_s):
        return ()
    duration_s = state.duration_s + scheduled_s - known.duration_s
    extra_s = given(state.allowed, duration_s).extra_s - state.allowed.extra_s
    moved = Rescheduled(
        at=command.at, closes_at=closes_at, scheduled_s=scheduled_s, duration_s=duration_s,
        end_at=state.end_at + (closes_at - known.closes_at) + timedelta(seconds=extra_s),
    )  # fmt: skip
    return (moved, TimeExtended(seconds=extra_s, intervention=NAME)) if extra_s else (moved,)
