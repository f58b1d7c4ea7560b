"""The rules of a session's clock: what was left when it stopped is left when it goes on, and all that is given fits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from domain.event import Refused
from domain.phase import RUNNING, WAITING
from domain.session import Ended, EndMoved, Resumed, Session, SessionEvent, Submitted, TimeExtended
from domain.stops import BreakEnded, Unlocked


def resumed(state: Session, at: datetime, intervention: str) -> tuple[SessionEvent, ...]:
    """The clock goes on, and the end of the session moves where it must."""
    stopped_s = stood(state, at).total_seconds()
    return (Resumed(at=at, intervention=intervention, stopped_s=stopped_s), *_moved(state, at, intervention))


def unlocked(state: Session, at: datetime, intervention: str) -> tuple[SessionEvent, ...]:
    """The lock is off. The clock goes on, unless a pause lies below."""
    if state.pause_below:
        return (Unlocked(at=at, intervention=intervention, stopped_s=0.0, to="paused"),)
    stopped_s = stood(state, at).total_seconds()
    off = Unlocked(at=at, intervention=intervention, stopped_s=stopped_s, to="in_progress")
    return (off, *_moved(state, at, intervention))


def break_ended(
    state: Session,
    at: datetime,
    why: Literal["back", "called_back", "paused", "locked", "session_over"],
    intervention: str = "",
) -> tuple[SessionEvent, ...]:
    """Ends the break that somebody is on, if they are: the clock gets back what it stood, never more than allowed."""
    if state.on_break is None:
        return ()
    over = max(at - state.on_break.until, timedelta())
    ended = BreakEnded(
        at=at, why=why, stopped_s=stood(state, at).total_seconds(), over_s=over.total_seconds(),
        intervention=intervention,
    )  # fmt: skip
    return (ended, *_moved(state, at, intervention))


def extended(
    state: Session, at: datetime, seconds: int, intervention: str, *, move_end: bool, end_at: datetime | None = None
) -> tuple[SessionEvent, ...]:
    """Adds time. Raises `Refused` with the minutes that would fit, unless a person has the end moved as well.

    `end_at` is what the end becomes in any case.
    """
    if seconds <= 0:
        raise Refused("time can be added, not taken away", field="minutes", kind="invalid")
    assert state.runs_out_at
    assert state.end_at
    extra, due_at, has_stood = timedelta(seconds=seconds), state.runs_out_at, stood(state, at)
    overdue = max(at - has_stood - due_at, timedelta())  # of somebody who was cut off
    room = max(state.end_at - due_at - has_stood - overdue, timedelta())
    if extra > room and not move_end:
        fits = f"{room.total_seconds() // 60:.0f} minutes would, unless the end is moved as well"
        raise Refused(f"{seconds / 60:g} minutes do not fit; {fits}", field="minutes")
    given = TimeExtended(seconds=seconds, intervention=intervention, made_up_s=overdue.total_seconds())
    needed_at = due_at + overdue + extra
    return (*_end_moved(state, max(needed_at, end_at or needed_at), intervention), given)


def expired(state: Session, at: datetime, *, late_at: datetime, called_off: bool) -> tuple[SessionEvent, ...]:
    """What the clock says; nothing before it is time. Who has not started after `late_at` did not show up."""
    if state.phase in WAITING:
        return (Ended(at=at, why="no_show"),) if at > late_at else ()
    if state.phase in RUNNING and called_off:
        return (*break_ended(state, at, "session_over"), Ended(at=at, why="called_off"))
    if state.phase not in ("in_progress", "on_break") or state.expires_at is None or at < state.expires_at:
        return ()
    end: SessionEvent = Ended(at=at, why="fault") if state.cut_off else Submitted(at=at, by="clock")
    return (*break_ended(state, at, "session_over"), end)


def stood(state: Session, at: datetime) -> timedelta:
    """How long the clock has stood by then, since it was stopped last: on a rest break no longer than is allowed."""
    until = state.on_break.stands_until if state.on_break else None
    return max(min(at, until or at) - (state.stopped_since or at), timedelta())


def _moved(state: Session, at: datetime, intervention: str) -> tuple[EndMoved, ...]:
    """Where the end has to be so that the clock can make up for having stood."""
    assert state.runs_out_at
    return _end_moved(state, state.runs_out_at + stood(state, at), intervention)


def _end_moved(state: Session, due_at: datetime, intervention: str) -> tuple[EndMoved, ...]:
    """What is needed for the clock to run until then."""
    assert state.end_at
    return (EndMoved(end_at=due_at, intervention=intervention),) if due_at > state.end_at else ()
