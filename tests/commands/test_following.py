"""A session follows its schedule also when nobody told it to: before its time is called."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from commands import schedules, sessions
from commands.handler import Handler
from domain import session_rules
from domain.stream import Stream
from tests.commands.hall import WINDOW, do, planned, ready


async def test_who_was_not_reached_is_not_handed_in_by_the_old_window(one: Handler) -> None:
    """Entry at 9:30 with two hours that the window, put forward before, cuts to one; it is put off again at 10:00."""
    schedule, (session,) = await planned(one)
    short = replace(WINDOW, closes_at=WINDOW.opens_at + timedelta(minutes=90))
    await do(one, lambda work: schedules.change(work, schedule, window=short, duration_s=3600))
    await ready(one, session)
    await do(one, lambda work: sessions.start(work, session), minute=30)
    await do(one, lambda work: schedules.change(work, schedule, window=WINDOW, duration_s=7200), minute=60)
    await do(one, lambda work: sessions.expire(work, session), minute=91)
    stream = str(Stream("tu", "session", session))
    _, state = await one.load(session_rules.DECIDER, stream)
    assert (state.phase, state.end_at) == ("in_progress", WINDOW.closes_at)
    assert state.due_at == WINDOW.opens_at + timedelta(minutes=150)
    await do(one, lambda work: sessions.expire(work, session), minute=151)
    _, state = await one.load(session_rules.DECIDER, stream)
    assert state.phase == "submitted"
