"""The gradebook and the records: the account of each session, and its timeline, event by event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from api.callers import may
from api.etags import VERSIONED, tagged
from api.filters import Phases, Text, counted, named
from api.moments import position_of
from api.ordering import AnyRequest, caller_of, services_of
from api.paging import USUAL, After, Key, Limit, page, rows_after
from api.problems import missing
from api.reading import names_of, rows_of, stale_of
from domain.phase import OVER
from projections.gradebook import GRADEBOOK, Account
from projections.timeline import TIMELINE, Moment

_SEVERE = {"high": 0, "warn": 1, "info": 2}


class Gradebook(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts of a schedule. `stale` names sessions that wait for a fix.

    `counts` is how many there are in each state, `unjudged` how many have an incident without a verdict; of all that
    are not withdrawn.
    """

    schedule: str
    position: int
    records: tuple[Account, ...]
    counts: dict[str, int]
    unjudged: int
    next: str | None
    stale: tuple[str, ...]


class RecordRead(msgspec.Struct, frozen=True, kw_only=True):
    """`position` is of the last event that changed the record."""

    position: int
    record: Account
    stale: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `actor_name` is known for the staff. Private texts that are forgotten are null."""

    position: int
    tag: str
    stream: str
    recorded_at: datetime
    occurred_at: datetime | None
    actor: str
    actor_name: str | None
    body: dict[str, object]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """`stale` says that an event cannot be shown at the moment."""

    position: int
    events: tuple[Shown, ...]
    next: str | None
    stale: bool


@get("/schedules/{schedule:str}/gradebook", guards=[may("reviewer", "auditor")])
async def gradebook(
    request: AnyRequest,
    schedule: FromPath[str],
    *,
    phase: Phases = None,
    q: Text = "",
    unjudged: FromQuery[bool | None] = None,
    order: FromQuery[Literal["urgency", "name"]] = "urgency",
    limit: Limit = USUAL,
    after: After = "",
) -> Gradebook:
    """The sessions of the schedule. By `urgency` what needs a look comes first: an order, and no number about anybody.

    By `name` nobody moves while pages are read; by urgency who is judged meanwhile does.
    """
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    stale = await stale_of(services_of(request), caller_of(request).tenant, schedule, found)
    here = [row for row in found.rows.values() if not row.withdrawn]
    rows = (
        row
        for row in found.rows.values()
        if (not phase or row.phase in phase) and named(q, row.name, row.number) and unjudged in (None, _unjudged(row))
    )
    records = page(request, rows, _urgency if order == "urgency" else _name, limit, after)
    return Gradebook(
        schedule=schedule, position=found.position, records=records.rows, counts=counted(row.phase for row in here),
        unjudged=sum(map(_unjudged, here)), next=records.next,
        stale=tuple(key.partition("/")[2] for key in stale if key.count("/") == 1),
    )  # fmt: skip


@get("/sessions/{session:str}/record", guards=[may("reviewer", "auditor")], opt=VERSIONED)
async def record(request: AnyRequest, session: FromPath[str]) -> Response[RecordRead]:
    key = f"{caller_of(request).tenant}/{session}"
    found = await rows_of(request, GRADEBOOK, {"key": key})
    if key not in found.rows:
        raise missing("record", field="session")
    row = found.rows[key]
    return tagged(request, RecordRead(position=row.position, record=row, stale=key in found.stale), row.position)


@get("/sessions/{session:str}/timeline", guards=[may("reviewer", "auditor")])
async def timeline(
    request: AnyRequest,
    session: FromPath[str],
    *,
    as_of: Annotated[str, QueryParameter(max_length=64)] = "",
    kind: Annotated[str, QueryParameter(max_length=64, pattern=r"^([a-z_]+(\.[a-z_]+)?)?$")] = "",
    limit: Limit = USUAL,
    after: After = "",
) -> Timeline:
    """Every event of the session in order, up to `as_of`. `kind` is a stream's kind (`chat`) or an event's tag."""
    services, tenant = services_of(request), caller_of(request).tenant
    until = None
    if as_of:
        async with services.pool.connection() as conn:
            until = await position_of(conn, as_of)
    where: dict[str, str | int | datetime] = {"session": session}
    if "." in kind:
        where["tag"] = kind
    found, onward = await rows_after(request, TIMELINE, where, limit, after)
    names = await names_of(request)
    shown = [row for row in found.rows.values() if _wanted(row, kind, until)]
    if found.onward and until is not None and int(found.onward.rpartition("/")[2]) >= until:
        onward = None
    stale = any(key.startswith((f"{tenant}/{session}/", f"{tenant}/session/{session}")) for key in found.stale)
    return Timeline(
        position=found.position, events=tuple(_shown(row, names) for row in shown), next=onward, stale=stale
    )


def _unjudged(row: Account) -> bool:
    return any(flag.verdict is None for flag in row.incidents.values())


def _name(row: Account) -> Key:
    return (row.name or "", row.session)


def _urgency(row: Account) -> Key:
    """Sessions that are over and have unjudged incidents first, the most severe of them on top; then by name.

    Who it was counts as a warning where that was left open.
    """
    open_ = [_SEVERE[flag.severity] for flag in row.incidents.values() if flag.verdict is None]
    open_ += [_SEVERE["warn"]] if row.identity_owed else []
    return (row.phase not in OVER, min(open_, default=9), -len(open_), *_name(row))


def _wanted(row: Moment, kind: str, until: int | None) -> bool:
    if until is not None and row.position > until:
        return False
    return not kind or "." in kind or row.tag.partition(".")[0] == kind


def _shown(row: Moment, names: dict[str, str | None]) -> Shown:
    return Shown(
        position=row.position, tag=row.tag, stream=row.stream, recorded_at=row.recorded_at,
        occurred_at=row.occurred_at, actor=row.actor, actor_name=names.get(row.actor), body=row.body,
    )  # fmt: skip


HANDLERS = (gradebook, record, timeline)
