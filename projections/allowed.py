"""What a session is allowed and which detectors are silent in it, as rows show it. Nobody is told why."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.accommodation import Accommodated, Accommodation
from domain.event import Private
from domain.muting import DetectorMuted, Mute
from domain.policy import IncidentKind


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """`objects` may lie on the desk, one a line; None once forgotten."""

    accommodation: Accommodation
    objects: str | None = ""


def allowance(accommodation: Accommodation, objects: Private | None) -> Allowance | None:
    """None for nothing."""
    if accommodation == Accommodation() and objects is None:
        return None
    return Allowance(accommodation=accommodation, objects=objects.text if objects else "")


def silenced(known: Mapping[IncidentKind, Mute], event: Accommodated | DetectorMuted) -> dict[IncidentKind, Mute]:
    """The detectors that are silent after an event, since when and why."""
    if isinstance(event, DetectorMuted):
        return {**known, event.kind: Mute(since=event.at, why=event.why)}
    off = {kind: mute for kind, mute in known.items() if mute.why != "accommodation"}
    new = Mute(since=event.at, why="accommodation")
    return {kind: known.get(kind, new) for kind in sorted(event.accommodation.mutes)} | off
