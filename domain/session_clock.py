"""The rules of a session's clock: what was left when it stopped is left when it goes on, and all that is given fits."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.event import Refused
from domain.phase import RUNNING, WAITING
from domain.session import Ended, EndMoved, Resumed, Session, SessionEvent, Submitted, TimeExtended


def resumed(state: Session, at: datetime, intervention: str) -> tuple[SessionEvent, ...]:
    """The clock goes on, and the end of the session moves where it must."""
    assert state.runs_out_at
    stood = max(at - (state.stopped_since or at), timedelta())
    goes_on = Resumed(at=at, intervention=intervention, stopped_s=stood.total_seconds())
    return (goes_on, *_end_moved(state, state.runs_out_at + stood, intervention))


def extended(
    state: Session, at: datetime, seconds: int, intervention: str, *, move_end: bool
) -> tuple[SessionEvent, ...]:
    """Adds time. Raises `Refused` with the minutes that would fit, unless a person has the end moved as well."""
    if seconds <= 0:
        raise Refused("time can be added, not taken away", field="minutes", kind="invalid")
    assert state.runs_out_at
    assert state.end_at
    extra, due_at = timedelta(seconds=seconds), state.runs_out_at
    stood = at - state.stopped_since if state.stopped_since else timedelta()
    overdue = max((state.stopped_since or at) - due_at, timedelta())  # of somebody who was cut off
    room = max(state.end_at - due_at - stood - overdue, timedelta())
    if extra > room and not move_end:
        fits = f"{room.total_seconds() // 60:.0f} minutes would, unless the end is moved as well"
        raise Refused(f"{seconds / 60:g} minutes do not fit; {fits}", field="minutes")
    given = TimeExtended(seconds=seconds, intervention=intervention, made_up_s=overdue.total_seconds())
    return (*_end_moved(state, due_at + overdue + extra, intervention), given)


def expired(state: Session, at: datetime, *, late_at: datetime, called_off: bool) -> tuple[SessionEvent, ...]:
    """What the clock says; nothing before it is time. Who has not started after `late_at` did not show up."""
    if state.phase in WAITING:
        return (Ended(at=at, why="no_show"),) if at > late_at else ()
    if state.phase in RUNNING and called_off:
        return (Ended(at=at, why="called_off"),)
    if state.phase != "in_progress" or state.expires_at is None or at < state.expires_at:
        return ()
    return (Ended(at=at, why="fault"),) if state.lost else (Submitted(at=at, by="clock"),)


def _end_moved(state: Session, due_at: datetime, intervention: str) -> tuple[EndMoved, ...]:
    """What is needed for the clock to run until then."""
    assert state.end_at
    return (EndMoved(end_at=due_at, intervention=intervention),) if due_at > state.end_at else ()
