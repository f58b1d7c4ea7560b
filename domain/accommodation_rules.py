"""The rules of accommodations: when they may be granted, and what they do to the clock.

Time that was given to a running session is never taken back: its candidate has planned with it. Rest breaks move the
end as they are taken: moved beforehand, they would be time to write for whoever starts late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.accommodation import Accommodated, Accommodation, given
from domain.event import Command, Private, Refused
from domain.phase import said
from domain.session import Session, SessionEvent, TimeExtended
from domain.session_clock import extended

NAME = "accommodation"  # stands where other extra time names the intervention that gave it

# Commands.


class Accommodate(Command, frozen=True, kw_only=True):
    at: datetime
    accommodation: Accommodation
    objects: Private | None = None


def accommodated(command: Accommodate, state: Session) -> tuple[SessionEvent, ...]:
    """What is allowed from now on; a session that has started gets at once what time it gains by it."""
    if (command.accommodation, command.objects) == (state.allowed.accommodation, state.allowed.objects):
        return ()
    if state.over:
        raise Refused(f"the session is {said(state.phase)}; nothing can be allowed in it any more", field="session")
    told = Accommodated(at=command.at, accommodation=command.accommodation, objects=command.objects)
    if state.started_at is None:
        return (told,)
    assert state.end_at
    after = given(replace(state.allowed, accommodation=command.accommodation), state.duration_s)
    extra_s = after.extra_s - state.allowed.extra_s
    if not extra_s:
        return (told,)
    end_at = state.end_at + timedelta(seconds=extra_s)
    return (told, *extended(state, command.at, extra_s, NAME, move_end=True, end_at=end_at))


def at_the_start(state: Session, duration_s: int) -> tuple[timedelta, tuple[TimeExtended, ...]]:
    """By how much the end of a session that starts lies after its window's, and the extra time that it begins with."""
    now = given(state.allowed, duration_s)
    extra = (TimeExtended(seconds=now.extra_s, intervention=NAME),) if now.extra_s else ()
    return timedelta(seconds=now.extra_s), extra
