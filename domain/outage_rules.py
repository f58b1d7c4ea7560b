"""What an outage gives back to a session: the time that its clock ran meanwhile, once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.outage import MarkOutage, OutageMarked
from domain.phase import RUNNING
from domain.session import Session, SessionEvent
from domain.session_clock import extended, stood

_Times = tuple[datetime, datetime]


def mark(command: MarkOutage, state: Session) -> tuple[SessionEvent, ...]:
    """Notes the outage and gives the time back, with the end moved where it must.

    A session that is over gets the note only. Once it is reopened, the same command gives what is due.
    """
    if state.started_at is None or state.started_at >= command.ended_at:
        return ()
    if state.ended_at and state.ended_at <= command.began_at:
        return ()
    told: tuple[SessionEvent, ...] = ()
    if command.outage not in state.outages:
        told = (
            OutageMarked(
                outage=command.outage, at=command.at, began_at=command.began_at, ended_at=command.ended_at,
                whose=command.whose, cause=command.cause,
            ),
        )  # fmt: skip
    if state.phase not in RUNNING or command.outage in state.extended:
        return told
    seconds = math.ceil(lost(state, command.began_at, command.ended_at, command.at).total_seconds())
    if not seconds:
        return told
    return (*told, *extended(state, command.at, seconds, command.outage, move_end=True))


def lost(state: Session, began_at: datetime, ended_at: datetime, at: datetime) -> timedelta:
    """For how long the clock ran between two times: not while it was stopped, nor what another outage gave back.

    Nobody loses time on a break either, and what is left after the time has run out is nothing.
    """
    assert state.started_at
    assert state.runs_out_at
    had_time = state.stopped_since is None or state.stopped_since < state.runs_out_at
    ran_out_at = state.runs_out_at + (stood(state, at) if had_time else timedelta())
    until = min(ended_at, at, state.ended_at or at, ran_out_at)
    since = state.on_break.since if state.on_break else state.stopped_since
    taken = [*state.stops, *state.made_up, *([(since, at)] if since else [])]
    taken += [(one.began_at, one.ended_at) for name, one in state.outages.items() if name in state.extended]
    return _left((max(began_at, state.started_at), until), taken)


def _left(whole: _Times, taken: Iterable[_Times]) -> timedelta:
    """How much of a stretch is left, when others are cut out of it."""
    began, until = whole
    left = timedelta()
    for start, stop in sorted(taken):
        left += max(min(start, until) - began, timedelta())
        began = max(began, stop)
    return left + max(until - began, timedelta())
