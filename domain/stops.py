"""What stops a session beside a pause: a lock and a break. Which of them is allowed when is in `stop_rules.py`.

A lock is stronger than a pause: it lies over it, and unlocking leaves the pause. On a comfort break the clock runs on.
On a rest break it stands, for as long as is allowed and not a second longer.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event

if TYPE_CHECKING:
    from domain.session import Session

BreakKind = Literal["comfort", "rest"]

# Values.


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """The break that somebody is on. They are expected back at `until`; later is an overrun, and no incident.

    `granted` is whether it is taken from what was granted beforehand.
    """

    kind: BreakKind
    since: datetime
    until: datetime
    granted: bool = False

    @property
    def stands_until(self) -> datetime | None:
        """When the clock goes on by itself; None where it has not been stopped."""
        return self.until if self.kind == "rest" else None


class BreakAsked(msgspec.Struct, frozen=True, kw_only=True):
    kind: BreakKind
    at: datetime


# Events of a session. Tags and field names are on disk for ever.


class Locked(Event, frozen=True, kw_only=True, tag="session.locked"):
    at: datetime
    intervention: str


class Unlocked(Event, frozen=True, kw_only=True, tag="session.unlocked"):
    """`to` is where the session goes on: it is paused still if it was paused when it was locked."""

    at: datetime
    intervention: str
    stopped_s: float
    to: Literal["in_progress", "paused"]


class BreakRequested(Event, frozen=True, kw_only=True, tag="session.break_requested"):
    at: datetime
    kind: BreakKind


class BreakRequestClosed(Event, frozen=True, kw_only=True, tag="session.break_request_closed"):
    """There will be no break: the candidate does not want it any more, or an invigilator has said no."""

    at: datetime
    by: str
    why: Literal["withdrawn", "turned_down"]


class BreakStarted(Event, frozen=True, kw_only=True, tag="session.break_started"):
    """`intervention` is "" for a break that had been granted beforehand."""

    at: datetime
    kind: BreakKind
    until: datetime
    intervention: str = ""


class BreakEnded(Event, frozen=True, kw_only=True, tag="session.break_ended"):
    """The clock has stood for `stopped_s` of it, and it took `over_s` longer than was allowed."""

    at: datetime
    why: Literal["back", "called_back", "paused", "locked", "session_over"]
    stopped_s: float
    over_s: float
    intervention: str = ""


StopEvent = Locked | Unlocked | BreakRequested | BreakRequestClosed | BreakStarted | BreakEnded

# Commands.


class Lock(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str


class Unlock(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str


class AskForBreak(Command, frozen=True, kw_only=True):
    """A candidate wants a break. It starts at once if it was granted beforehand."""

    at: datetime
    kind: BreakKind


class CloseBreakRequest(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    why: Literal["withdrawn", "turned_down"]


class StartBreak(Command, frozen=True, kw_only=True):
    at: datetime
    kind: BreakKind
    seconds: int
    intervention: str


class ComeBack(Command, frozen=True, kw_only=True):
    """The candidate says that they are back."""

    at: datetime


StopCommand = Lock | Unlock | AskForBreak | CloseBreakRequest | StartBreak | ComeBack


def evolve(state: Session, event: StopEvent) -> Session:
    match event:
        case Locked(at=at):
            paused = state.phase == "paused"
            return replace(state, phase="locked", pause_below=paused, stopped_since=state.stopped_since or at)
        case Unlocked(to="paused"):
            return replace(state, phase="paused", pause_below=False)
        case Unlocked(at=at, stopped_s=stopped_s):
            return goes_on(state, at, stopped_s)
        case BreakRequested(at=at, kind=kind):
            return replace(state, break_asked=BreakAsked(kind=kind, at=at))
        case BreakRequestClosed():
            return replace(state, break_asked=None)
        case BreakStarted(at=at, kind=kind, until=until, intervention=intervention):
            stopped_since = at if kind == "rest" else None
            on_break = Break(kind=kind, since=at, until=until, granted=not intervention)
            return replace(
                state, phase="on_break", on_break=on_break, break_asked=None, stopped_since=stopped_since,
                been_away=True,
            )  # fmt: skip
        case BreakEnded(at=at, why=why, stopped_s=stopped_s):
            rested_s = stopped_s if state.on_break and state.on_break.granted else 0.0
            back = why in ("back", "called_back")  # else something took its place, and they are not back yet
            return replace(goes_on(state, at, stopped_s, rested_s=rested_s), been_away=not back)
        case _:
            assert_never(event)


def goes_on(state: Session, at: datetime, stopped_s: float, *, rested_s: float = 0.0) -> Session:
    """The session after a stop, which nobody has observed."""
    since = state.on_break.since if state.on_break else state.stopped_since
    return replace(
        state, phase="in_progress", stopped_since=None, on_break=None, pause_below=False, been_away=False,
        stopped_s=state.stopped_s + stopped_s, rested_s=state.rested_s + rested_s,
        stops=(*state.stops, (since, at)) if since else state.stops,
    )  # fmt: skip


def ran(state: Session, at: datetime) -> bool:
    """Whether the session was in progress at that time: neither stopped, nor on a break, nor over."""
    if state.started_at is None or at < state.started_at or (state.ended_at is not None and at > state.ended_at):
        return False
    since = state.on_break.since if state.on_break else state.stopped_since
    return not (since and at >= since) and not any(began <= at < ended for began, ended in state.stops)
