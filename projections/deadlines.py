"""The read model `deadlines`: what the one that acts on time has to watch of each session."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from domain import bringing_back, fault, identity, incidents, intervention, record, recording, session
from domain import help as asking
from domain.coverage import CoverageReported
from domain.muting import DetectorMuted
from domain.onboarding import CheckName
from domain.page import PageObserved
from domain.phase import OVER, RUNNING, Phase, Track
from domain.policy import IncidentKind
from domain.record import SealKind
from domain.recorded import Recorded, Stored
from domain.session import Session, SessionEvent
from domain.stream import Stream
from domain.waiving import CheckWaived, owed
from projections.clock import Clock, tick
from projections.keys import events_of, parsed, session_keys
from projections.model import Model

__all__ = ["DEADLINES", "Owing", "Watch"]

Owing = Literal["yes", "given_up", "no"]


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `due_at` is when its clock runs out: None before the start, while it stands, and once it is over.

    `came_at` is when they came for their identity check. `tracks` must be published while it runs, none that is
    `waived`, and `detectors` look at them if there are any; `page` is whether the candidate's page tells of something;
    `listening` are the kinds of its policy that are not silent for good;
    `lost` are tracks that are not there, `unheard` faults in which the page does not reach us, since when, and
    `returned_at` is when the last of them was over, or when nobody waited for it any more. `undelivered` are
    interventions that nobody has taken or answered by when they fail, `waits_until` the earliest; `looks` are those of
    them that have to be answered. `heads` are the last versions of what a seal has to cover, `sealed` those that the
    last one covers; `helper` has taken the candidate's request for `help`, at `helped_at`; `owing` says that the
    session is over and another seal is due, or that what was due is `given_up` and nothing has come since. `changed_at`
    is when anything was recorded last.
    """

    session: str
    schedule: str = ""
    phase: Phase = "absent"
    clock: Clock = Clock()
    due_at: datetime | None = None
    tracks: tuple[Track, ...] = ()
    waived: tuple[CheckName, ...] = ()
    detectors: bool = False
    page: bool = False
    listening: tuple[IncidentKind, ...] = ()
    lost: dict[Track, datetime] = {}
    unheard: dict[str, datetime] = {}
    returned_at: datetime | None = None
    admitted: bool = False
    came_at: datetime | None = None
    faults: tuple[str, ...] = ()
    undelivered: dict[str, datetime] = {}
    waits_until: datetime | None = None
    looks: tuple[str, ...] = ()
    help: str = ""
    helper: str | None = None
    helped_at: datetime | None = None
    seal: SealKind | None = None
    given_up: tuple[str, ...] = ()
    heads: dict[str, int] = {}
    sealed: dict[str, int] = {}
    owing: Owing = "no"
    changed_at: datetime | None = None
    position: int = 0

    @property
    def expires_at(self) -> datetime | None:
        """When the clock speaks, as the domain has it; None while it stands."""
        return None if self.due_at is None else self.sitting.expires_at

    @property
    def over_at(self) -> datetime | None:
        """What nothing runs past."""
        return self.sitting.over_at

    @property
    def sitting(self) -> Session:
        clock = self.clock
        return Session(
            started_at=clock.started_at, duration_s=clock.duration_s, extra_s=clock.extra_s, stopped_s=clock.stopped_s,
            stopped_since=clock.stopped_since, on_break=clock.on_break, end_at=clock.end_at, lost=self.lost,
            unheard=self.unheard, returned_at=self.returned_at, faults=frozenset(self.faults),
        )  # fmt: skip


_SESSION = get_args(SessionEvent)


def keys(recorded: Recorded) -> tuple[str, ...]:
    return session_keys(recorded.stream)


def fold(row: Watch | None, recorded: Recorded) -> Watch | None:
    body, at = recorded.body, parsed(recorded.stream)
    row = row or Watch(session=at.session or "")
    if isinstance(body, _SESSION):
        row = _session(row, body)
        if row.phase in OVER and row.looks:  # nobody is there any more to show anything
            soon = recorded.recorded_at + intervention.SHOWN_WITHIN
            row = _undelivered(row, row.undelivered | {name: min(row.undelivered[name], soon) for name in row.looks})
    elif isinstance(body, intervention.Requested):
        row = _undelivered(row, row.undelivered | {at.name: body.at + intervention.fails_after(body.kind)})
        row = replace(row, looks=(*row.looks, at.name)) if body.kind in intervention.LOOKS else row
    elif isinstance(body, record.Sealed):
        row = replace(row, seal=body.kind, given_up=body.lost, sealed=body.streams)
    elif at.kind == "intervention" and not (isinstance(body, intervention.Delivered) and at.name in row.looks):
        row = _undelivered(row, {name: since for name, since in row.undelivered.items() if name != at.name})
    if at.kind not in ("record", "intervention"):
        row = replace(row, heads=row.heads | {recorded.stream: recorded.version})
    covered = all(row.sealed.get(stream, 0) >= version for stream, version in row.heads.items())
    owing: Owing = "no"
    if row.phase in OVER:
        owing = "yes" if row.seal != "complete" or not covered else "given_up" if row.given_up else "no"
    return replace(row, owing=owing, changed_at=recorded.recorded_at, position=recorded.position)


def _session(row: Watch, event: SessionEvent) -> Watch:
    match event:
        case CheckWaived(check=check):
            tracks = tuple(track for track in row.tracks if track != check)
            return replace(_reach(row, event), waived=(*row.waived, check), tracks=tracks)
        case fault.ConnectionLost() | fault.ConnectionRestored() | fault.FaultOpened() | fault.FaultClosed():
            return _reach(row, event)
        case PageObserved(kinds=kinds):
            return replace(row, page=bool(kinds))
        case session.Opened(schedule=name):
            row = replace(row, schedule=name)
        case session.Started(policy=policy):
            pointed_out: list[IncidentKind] = sorted(policy.kinds)
            row = replace(
                row, tracks=owed(policy, row.waived), detectors=bool(policy.detectors), listening=tuple(pointed_out)
            )
        case DetectorMuted(kind=kind):
            return replace(row, listening=tuple(one for one in row.listening if one != kind))
        case identity.IdentityCaptured(at=at):
            return replace(row, came_at=row.came_at or at)
        case asking.HelpTaken(help=name, by=by, at=at):
            return replace(row, help=name, helper=by, helped_at=at)
        case asking.HelpReleased() | asking.HelpAnswered() | asking.HelpWithdrawn():
            return replace(row, helper=None)
        case bringing_back.AdmittedLate():
            row = replace(row, admitted=True)
    phase, clock = tick(row.phase, row.clock, event)
    return replace(row, phase=phase, clock=clock, due_at=clock.due_at if phase in RUNNING else None)


def _reach(row: Watch, event: fault.FaultEvent | CheckWaived) -> Watch:
    """What keeps the candidate from us, as the domain has it."""
    after = session.evolve(row.sitting, event)
    return replace(
        row, lost=after.lost, unheard=after.unheard, returned_at=after.returned_at, faults=tuple(sorted(after.faults))
    )


def _undelivered(row: Watch, left: dict[str, datetime]) -> Watch:
    looks = tuple(name for name in row.looks if name in left)
    return replace(row, undelivered=left, looks=looks, waits_until=min(left.values(), default=None))


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    exact = (str(Stream(tenant, kind, name)) for kind in ("session", "incidents", "record"))
    return (*exact, *(f"{Stream(tenant, kind, name)}.*" for kind in ("intervention", "recording")))


def _suspects(stored: Stored) -> tuple[str, ...]:
    return session_keys(stored.stream)


# What detectors find and media bring may come after the end and is sealed then; what people say later stands by itself.
_FOUND = incidents.Opened | incidents.EvidenceAdded | incidents.Closed | CoverageReported
_EVENTS = events_of(
    SessionEvent, _FOUND, intervention.InterventionEvent, recording.RecordingEvent, record.Sealed
)  # fmt: skip

DEADLINES: Model[Watch] = Model(
    name="deadlines", version=6, row=Watch, events=_EVENTS, index=("phase", "waits_until", "owing", "helper"),
    keys=keys, fold=fold, streams=streams, suspects=_suspects,
)  # fmt: skip
