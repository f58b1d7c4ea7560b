"""Detectors that stay silent in a session: switched off for everyone in the exam or everywhere, or accommodated.

Switched off holds at once, also in sessions that run, and for good there: no detector comes on in a running session.
The same holds for what a candidate does not agree to and for what cannot be seen because its check was waived.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Refused
from domain.phase import RUNNING
from domain.policy import IncidentKind

if TYPE_CHECKING:
    from domain.schedule import Schedule
    from domain.session import Session

Why = Literal["switched_off", "switched_off_everywhere", "consent", "waived"]

# Events of a schedule, and of a session. Tags and field names are on disk for ever.


class DetectorSwitchedOff(Event, frozen=True, kw_only=True, tag="schedule.detector_switched_off"):
    at: datetime
    kind: IncidentKind
    reason: str


class DetectorSwitchedOn(Event, frozen=True, kw_only=True, tag="schedule.detector_switched_on"):
    """For who starts from now on."""

    kind: IncidentKind


class DetectorMuted(Event, frozen=True, kw_only=True, tag="session.detector_muted"):
    """The schedule or the institution has switched it off; the candidate did not agree; what shows it was waived."""

    at: datetime
    kind: IncidentKind
    why: Why = "switched_off"


# Commands: to a schedule, and to a session.


class SwitchDetector(Command, frozen=True, kw_only=True):
    at: datetime
    kind: IncidentKind
    on: bool
    reason: str = ""


class MuteDetector(Command, frozen=True, kw_only=True):
    at: datetime
    kind: IncidentKind


class MuteEverywhere(Command, frozen=True, kw_only=True):
    """The institution switched it off at that time, of which a session is told a moment later."""

    at: datetime
    kind: IncidentKind


# State.


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that is switched off on a schedule."""

    since: datetime
    reason: str


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that stays silent in a session."""

    since: datetime
    why: Literal["accommodation"] | Why


def evolve(state: Schedule, event: DetectorSwitchedOff | DetectorSwitchedOn) -> Schedule:
    off = {kind: one for kind, one in state.switched_off.items() if kind != event.kind}
    if isinstance(event, DetectorSwitchedOff):
        off[event.kind] = Off(since=event.at, reason=event.reason)
    return replace(state, switched_off=off)


def switched(command: SwitchDetector, state: Schedule) -> tuple[DetectorSwitchedOff | DetectorSwitchedOn, ...]:
    if command.on:
        return (DetectorSwitchedOn(kind=command.kind),) if command.kind in state.switched_off else ()
    if command.kind in state.switched_off:
        return ()
    if command.kind not in state.policy.kinds:
        raise Refused("the policy of this schedule does not have this detector", field="kind")
    if not command.reason.strip():
        raise Refused("a reason is needed", field="reason", kind="invalid")
    return (DetectorSwitchedOff(at=command.at, kind=command.kind, reason=command.reason),)


def muted(command: MuteDetector, state: Session) -> tuple[DetectorMuted, ...]:
    """Nothing for a session that does not run: one that starts later is told at its start."""
    has = command.kind in state.policy.kinds
    if state.phase not in RUNNING or not has or command.kind in state.switched_off:
        return ()
    return (DetectorMuted(at=command.at, kind=command.kind),)


def muted_everywhere(command: MuteEverywhere, state: Session) -> tuple[DetectorMuted, ...]:
    """Also for a session that has ended since. One that starts later is told at its start."""
    ended = state.ended_at is not None and command.at >= state.ended_at
    if state.started_at is None or (state.phase not in RUNNING and ended) or command.kind not in state.policy.kinds:
        return ()
    if command.kind in state.switched_off or command.kind in state.withheld:  # for good, as it is
        return ()
    at = max(command.at, state.started_at)
    return (DetectorMuted(at=at, kind=command.kind, why="switched_off_everywhere"),)


def mutes(state: Session) -> dict[IncidentKind, Mute]:
    """The detectors that are silent in a session now, since when and why."""
    silent = {kind: Mute(since=since, why="accommodation") for kind, since in state.allowed.muted.items()}
    silent |= state.withheld
    return silent | {kind: Mute(since=since, why="switched_off") for kind, since in state.switched_off.items()}


def listens(state: Session, kind: IncidentKind, at: datetime | None = None) -> bool:
    """Whether a detector is not silent now; or was not at that time, so that what it found then counts."""
    withheld = state.withheld.get(kind)
    since = (state.allowed.muted.get(kind), state.switched_off.get(kind), withheld.since if withheld else None)
    return not any(began is not None and (at is None or began <= at) for began in since)
