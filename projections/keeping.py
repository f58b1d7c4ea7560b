"""The read model `keeping`: a row for each session, with what is kept of it, held, erased, and whom it was given to."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from domain import erasure, record, session
from domain.erasure import Keeping, KeepingEvent
from domain.event import KeyClass
from domain.phase import OVER, Phase
from domain.recorded import Recorded
from domain.retention import ALL, due
from domain.session import SessionEvent
from domain.stream import Stream
from projections.clock import Clock, tick
from projections.keys import events_of, parsed, session_keys
from projections.model import Model

__all__ = ["KEEPING", "Given", "Kept"]


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An export that was made of it: a recipient, who has it still whatever is erased here.

    `request` is the person's own for access, where it was made for them.
    """

    export: str
    by: str
    at: datetime
    request: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `days` are those of media and record by the policy that it ran under; None if it never began.

    `over_at` is when it was over. `erased_at`, `finished_at` and `requests` tell of each class when it was decided that
    it go, since when it is gone, and for whose request ("" where its time was over). `erasing` says that something is
    still being done, `restricted` that not everybody may look, `expires_at` when the next hold is over, and
    `looked_at_from` from when on something may have been kept for long enough; None where nothing is left, or it is not
    over.
    """

    session: str
    subject: str = ""
    schedule: str = ""
    opened_at: datetime | None = None
    phase: Phase = "absent"
    clock: Clock = Clock()
    days: tuple[int, int] | None = None
    over_at: datetime | None = None
    keeping: Keeping = Keeping()
    erased_at: dict[KeyClass, datetime] = {}
    finished_at: dict[KeyClass, datetime] = {}
    requests: dict[KeyClass, str] = {}
    sealed_left: bool = False
    exports: tuple[Given, ...] = ()
    restricted: Literal["yes", "no"] = "no"
    erasing: Literal["yes", "no"] = "no"
    expires_at: datetime | None = None
    looked_at_from: datetime | None = None
    position: int = 0

    @property
    def left(self) -> frozenset[KeyClass]:
        """What is not erased."""
        return ALL - self.keeping.erased


_SESSION, _KEEPING = get_args(SessionEvent), get_args(KeepingEvent)


def fold(row: Kept | None, recorded: Recorded) -> Kept | None:
    body = recorded.body
    row = row or Kept(session=parsed(recorded.stream).session or "")
    if isinstance(body, _SESSION):
        row = _session(row, body, recorded.recorded_at)
    elif isinstance(body, _KEEPING):
        row = _keeping(row, body)
    elif isinstance(body, record.Exported):
        row = replace(row, exports=(*row.exports, _given(body)))
    holds = row.keeping.holds.values()
    return replace(
        row, restricted="yes" if row.keeping.restricted else "no",
        erasing="yes" if row.keeping.unfinished else "no", looked_at_from=_next(row), position=recorded.position,
        expires_at=min((hold.until for hold in holds if hold.until), default=None),
    )  # fmt: skip


def _given(body: record.Exported) -> Given:
    return Given(export=body.export, by=body.by, at=body.at, request=body.request)


def _session(row: Kept, event: SessionEvent, at: datetime) -> Kept:
    match event:
        case session.Opened(schedule=schedule, subject=subject):
            row = replace(row, schedule=schedule, subject=subject, opened_at=at)
        case session.Started(policy=policy):
            row = replace(row, days=(policy.media_kept_days, policy.record_kept_days))
    phase, clock = tick(row.phase, row.clock, event)
    over_at = (row.over_at or clock.ended_at or at) if phase in OVER else None
    return replace(row, phase=phase, clock=clock, over_at=over_at)


def _keeping(row: Kept, event: KeepingEvent) -> Kept:
    row = replace(row, keeping=erasure.evolve(row.keeping, event))
    match event:
        case erasure.Erased(at=at, classes=classes, request=request):
            return replace(
                row, erased_at=row.erased_at | dict.fromkeys(classes, at),
                requests=row.requests | dict.fromkeys(classes, request),
            )  # fmt: skip
        case erasure.ErasureFinished(at=at, classes=classes, sealed_left=left):
            finished = row.finished_at | dict.fromkeys(classes, at)
            return replace(row, finished_at=finished, sealed_left=row.sealed_left or left)
    return row


def _next(row: Kept) -> datetime | None:
    """From when on to look at it: a session that never began has its schedule's policy, of which this row knows not."""
    if row.over_at is None:
        return None
    media, whole = row.days or (1, 1)
    ends = due(row.over_at, media_kept_days=media, record_kept_days=whole)
    return min((at for what, at in ends.items() if what not in row.keeping.reached), default=None)


def keys(recorded: Recorded) -> tuple[str, ...]:
    return session_keys(recorded.stream)


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (str(Stream(tenant, "session", name)), str(Stream(tenant, "record", name)))


_EVENTS = events_of(SessionEvent, KeepingEvent, record.Exported)

KEEPING: Model[Kept] = Model(
    name="keeping", version=4, row=Kept, events=_EVENTS,
    index=("subject", "phase", "restricted", "erasing", "expires_at", "looked_at_from"), keys=keys, fold=fold,
    streams=streams, suspects=lambda stored: session_keys(stored.stream),
)  # fmt: skip
