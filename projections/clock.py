"""Where a session stands: its phase and its clock, as the domain's own rules leave them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.phase import Phase
from domain.session import Session, SessionEvent, evolve
from domain.stops import Break, BreakAsked


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` is when the time runs out; None before the start and while the clock stands. Seconds, and UTC.

    On a rest break the clock stands until `on_break.until`, and `due_at` is when it then runs out.
    """

    started_at: datetime | None = None
    duration_s: int = 0
    extra_s: int = 0
    stopped_s: float = 0.0
    stopped_since: datetime | None = None
    end_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    on_break: Break | None = None
    break_asked: BreakAsked | None = None


def tick(phase: Phase, clock: Clock, event: SessionEvent) -> tuple[Phase, Clock]:
    """Phase and clock after an event of the session's own stream."""
    state = evolve(
        Session(
            phase=phase, started_at=clock.started_at, duration_s=clock.duration_s, extra_s=clock.extra_s,
            stopped_s=clock.stopped_s, stopped_since=clock.stopped_since, end_at=clock.end_at, ended_at=clock.ended_at,
            on_break=clock.on_break, break_asked=clock.break_asked,
        ),
        event,
    )  # fmt: skip
    after = Clock(
        started_at=state.started_at, duration_s=state.duration_s, extra_s=state.extra_s, stopped_s=state.stopped_s,
        stopped_since=state.stopped_since, end_at=state.end_at, due_at=state.due_at, ended_at=state.ended_at,
        on_break=state.on_break, break_asked=state.break_asked,
    )  # fmt: skip
    return state.phase, after
