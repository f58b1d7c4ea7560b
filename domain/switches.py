"""The institution's own switch of each detector: off in every exam, also in those that run, until it is on again.

One stream for each tenant. A session that runs is told a moment after the switch, and it holds from the switch on: who
asks whether a kind is silent asks both streams.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Refused
from domain.policy import IncidentKind

NAME = "all"  # of the only stream that a tenant has of this kind

# Events. Tags and field names are on disk for ever.


class SwitchedOff(Event, frozen=True, kw_only=True, tag="detectors.switched_off"):
    kind: IncidentKind
    at: datetime
    reason: str
    by: str


class SwitchedOn(Event, frozen=True, kw_only=True, tag="detectors.switched_on"):
    """For who starts from now on. A session that ran while it was off stays without it."""

    kind: IncidentKind
    at: datetime
    by: str


SwitchEvent = SwitchedOff | SwitchedOn

# Commands.


class SwitchOff(Command, frozen=True, kw_only=True):
    kind: IncidentKind
    at: datetime
    reason: str
    by: str


class SwitchOn(Command, frozen=True, kw_only=True):
    kind: IncidentKind
    at: datetime
    by: str


SwitchCommand = SwitchOff | SwitchOn

# State.


class OffEverywhere(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that is off for the whole institution: since when, why, and who said so."""

    since: datetime
    reason: str
    by: str


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """`off` are those that are off now, `last` is when each went off last, also of those that are on again."""

    off: dict[IncidentKind, OffEverywhere] = {}
    last: dict[IncidentKind, datetime] = {}

    def silent_since(self, kind: IncidentKind, started_at: datetime) -> datetime | None:
        """Since when a kind is silent in a session that started then and has not ended; None where it is not.

        Nobody knows which came first of a start and a switch at the same moment: silent is the safe side.
        """
        since = self.last.get(kind)
        if since is None or (kind not in self.off and since < started_at):
            return None
        return max(since, started_at)


def evolve(state: Switches, event: SwitchEvent) -> Switches:
    off = {kind: one for kind, one in state.off.items() if kind != event.kind}
    match event:
        case SwitchedOff(kind=kind, at=at, reason=reason, by=by):
            off[kind] = OffEverywhere(since=at, reason=reason, by=by)
            return replace(state, off=off, last=state.last | {kind: at})
        case SwitchedOn():
            return replace(state, off=off)
        case _:
            assert_never(event)


def decide(command: SwitchCommand, state: Switches) -> tuple[SwitchEvent, ...]:
    match command:
        case SwitchOff(kind=kind, at=at, reason=reason, by=by):
            if not reason.strip():
                raise Refused("a reason is needed", field="reason", kind="invalid")
            return () if kind in state.off else (SwitchedOff(kind=kind, at=at, reason=reason, by=by),)
        case SwitchOn(kind=kind, at=at, by=by):
            return (SwitchedOn(kind=kind, at=at, by=by),) if kind in state.off else ()
        case _:
            assert_never(command)


DECIDER: Decider[Switches, SwitchCommand, SwitchEvent] = Decider("detectors", Switches(), evolve, decide, SwitchEvent)
