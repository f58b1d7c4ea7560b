"""The read model `deadlines`: what the one that acts on time has to watch of each session."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import msgspec
from msgspec.structs import replace

from domain import intervention, record, session
from domain.record import SealKind
from domain.recorded import Recorded, Stored
from domain.session import Phase, SessionEvent, Track
from domain.stream import Stream
from projections.clock import Clock, tick
from projections.keys import events_of, parsed, session_keys
from projections.model import Model

__all__ = ["DEADLINES", "Watch"]


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `due_at` is when its clock runs out: None before the start, while it stands, and once it is over.

    `tracks` must be published while it runs; `lost` are those that are not, since when. `undelivered` are interventions
    by the time of their request, `waiting_since` the earliest. `seal` is the kind of the last one.
    """

    session: str
    schedule: str = ""
    phase: Phase = "absent"
    clock: Clock = Clock()
    due_at: datetime | None = None
    tracks: tuple[Track, ...] = ()
    lost: dict[Track, datetime] = {}
    faults: tuple[str, ...] = ()
    undelivered: dict[str, datetime] = {}
    waiting_since: datetime | None = None
    seal: SealKind | None = None
    position: int = 0


_SESSION = get_args(SessionEvent)


def keys(recorded: Recorded) -> tuple[str, ...]:
    return session_keys(recorded.stream)


def fold(row: Watch | None, recorded: Recorded) -> Watch | None:
    body, at = recorded.body, parsed(recorded.stream)
    row = replace(row or Watch(session=at.session or ""), position=recorded.position)
    if isinstance(body, _SESSION):
        return _session(row, body)
    match body:
        case intervention.Requested(at=requested_at):
            return _undelivered(row, row.undelivered | {at.name: requested_at})
        case record.Sealed(kind=kind):
            return replace(row, seal=kind)
    return _undelivered(row, {name: since for name, since in row.undelivered.items() if name != at.name})


def _session(row: Watch, event: SessionEvent) -> Watch:
    match event:
        case session.ConnectionLost(at=at, track=track):
            return replace(row, lost=row.lost | {track: at})
        case session.ConnectionRestored(track=track):
            return replace(row, lost={name: since for name, since in row.lost.items() if name != track})
        case session.FaultOpened(what=what):
            return replace(row, faults=(*row.faults, what))
        case session.FaultClosed(what=what):
            return replace(row, faults=tuple(name for name in row.faults if name != what))
        case session.Opened(schedule=name):
            row = replace(row, schedule=name)
        case session.Started(policy=policy):
            row = replace(row, tracks=policy.tracks)
    phase, clock = tick(row.phase, row.clock, event)
    return replace(row, phase=phase, clock=clock, due_at=clock.due_at if phase in session.RUNNING else None)


def _undelivered(row: Watch, left: dict[str, datetime]) -> Watch:
    return replace(row, undelivered=left, waiting_since=min(left.values(), default=None))


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    below = str(Stream(tenant, "intervention", name)) + ".*"
    return (str(Stream(tenant, "session", name)), str(Stream(tenant, "record", name)), below)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return session_keys(stored.stream)


_EVENTS = events_of(SessionEvent, intervention.InterventionEvent, record.Sealed)

DEADLINES: Model[Watch] = Model(
    name="deadlines", version=1, row=Watch, events=_EVENTS, index=("phase", "due_at", "waiting_since", "seal"),
    keys=keys, fold=fold, streams=streams, suspects=_suspects,
)  # fmt: skip
