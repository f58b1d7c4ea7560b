"""The live list of a schedule: a snapshot, the stream of what changes, and the list as it was at a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec.structs import replace

from api.blind import hidden
from api.callers import WATCHERS, Caller, load_schedule, may, zone_of
from api.duty import alarm
from api.event_stream import EventStream, last_id, message
from api.filters import Phases, Text, counted, named
from api.hub import Hub, channel, encode
from api.moments import position_of
from api.opening import decoder
from api.ordering import AnyRequest, caller_of, services_of
from api.presence import Presence
from api.reading import rows_of, stale_of
from api.restriction import restricted, sees_all, shown
from api.schema import says
from api.services import Services
from domain.incidents import Severity
from domain.stream import Stream
from projections.duty import DUTY, Rota
from projections.gradebook import GRADEBOOK
from projections.live import LIVE, Live
from projections.reader import Found, changes_since, find, snapshot
from projections.refold import fold_as_of

Risks = Annotated[list[Severity | Literal["none"]] | None, QueryParameter(description="Sessions at one of these risks")]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The rows by key, as of a position. `stale` names rows and streams that wait for a fix.

    The stream goes on from `mark`. `counts` is how many sessions are in each state and `risks` at each risk, of all
    whose candidates are not withdrawn, whatever is asked for. `alarm` says that nobody is on duty though somebody sits
    the exam, None otherwise; of an earlier moment it is not told.
    """

    schedule: str
    position: int
    mark: int
    rows: dict[str, Live]
    stale: tuple[str, ...]
    counts: dict[str, int]
    risks: dict[str, int]
    server_time: datetime
    time_zone: str
    alarm: str | None = None


@get("/schedules/{schedule:str}/live", guards=[may(*WATCHERS, "planner", "reviewer", "auditor")], opt=says(409))
async def read(
    request: AnyRequest,
    schedule: FromPath[str],
    *,
    as_of: Annotated[str, QueryParameter(max_length=64)] = "",
    phase: Phases = None,
    risk: Risks = None,
    q: Text = "",
) -> Snapshot:
    """The sessions of the schedule as they are now, or as the list was at a time or position."""
    whole = await _as_of(request, schedule, as_of) if as_of else await _now(request, schedule)
    if as_of:
        whole = replace(whole, rows=await _named(services_of(request), caller_of(request), whole.rows))
    rows = {
        key: row
        for key, row in whole.rows.items()
        if (not phase or row.phase in phase) and (not risk or row.risk in risk) and named(q, row.name, row.number)
    }
    return replace(whole, rows=await _blind(request, schedule, rows))


async def _blind(request: AnyRequest, schedule: str, rows: dict[str, Live]) -> dict[str, Live]:
    """Without the verdicts that a reviewer must not see yet."""
    if "reviewer" not in caller_of(request).roles:
        return rows
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    kept = {row.session: hidden(row, caller_of(request)) for row in found.rows.values()}
    return {
        key: replace(row, verdicts={name: said for name, said in row.verdicts.items() if name not in kept[row.session]})
        if kept.get(row.session) else row
        for key, row in rows.items()
    }  # fmt: skip


async def _now(request: AnyRequest, schedule: str) -> Snapshot:
    found = await rows_of(request, LIVE, {"schedule": schedule})
    return await _snapshot(services_of(request), caller_of(request).tenant, schedule, found)


async def _as_of(request: AnyRequest, schedule: str, as_of: str) -> Snapshot:
    services, tenant = services_of(request), caller_of(request).tenant
    decode = decoder(services.handler.keys)
    async with services.pool.connection() as conn:
        position = await position_of(conn, as_of)
        stream = str(Stream(tenant, "schedule", schedule))
        rows = await fold_as_of(conn, decode, LIVE, position, streams=[stream])
    return await _whole(services, tenant, schedule, Found(rows, frozenset(), position, position), [])


@get("/schedules/{schedule:str}/live/stream", guards=[may(*WATCHERS, "planner")], media_type="text/event-stream")
async def stream(request: AnyRequest, schedule: FromPath[str]) -> EventStream:
    """Server-sent events: `snapshot` for a reader who comes first, then `change` with patches, at most ten a second.

    The id is the mark to come again with (`Last-Event-ID`). One that is too old gets `reset`, and a snapshot.
    """
    hub: Hub = request.app.state.hub
    presence: Presence = request.app.state.presence
    caller = caller_of(request)
    source = _events(services_of(request), hub, caller, schedule, last_id(request))
    return EventStream(request, _held(source, presence, caller), name="live")


async def _held(source: AsyncIterator[bytes], presence: Presence, caller: Caller) -> AsyncIterator[bytes]:
    """The same; and meanwhile others know that the caller is there."""
    with presence.holding(caller.tenant, caller.actor):
        async for chunk in source:
            yield chunk


async def _events(
    services: Services, hub: Hub, caller: Caller, schedule: str, seen: int | None
) -> AsyncIterator[bytes]:  # fmt: skip
    async with hub.watching(caller.tenant, schedule) as reader:
        if seen is not None:
            seen, missed = await _missed(services, caller.tenant, schedule, seen)
            yield missed
        if seen is None:
            seen, everything = await _everything(services, caller, schedule)
            yield everything
        async for batch in reader.batches():
            if batch.upto <= seen:
                continue
            if batch.told is None:
                yield RESET
                seen, everything = await _everything(services, caller, schedule)
                yield everything
                continue
            if batch.after >= seen:
                yield batch.encoded
            elif told := [one for one in batch.told if one.mark > seen]:
                yield encode(told, batch.upto)
            seen = batch.upto


async def _missed(services: Services, tenant: str, schedule: str, seen: int) -> tuple[int | None, bytes]:
    """What came after a mark, and the mark reached; `reset` and None when nobody can tell any more."""
    missed = b""
    while True:
        async with services.pool.connection() as conn:
            changes = await changes_since(conn, tenant, channel(schedule), seen)
        if changes is None:
            return None, RESET
        missed += encode(changes.told, changes.mark) if changes.told else b""
        if changes.mark == seen or not changes.told:
            return changes.mark, missed
        seen = changes.mark


async def _everything(services: Services, caller: Caller, schedule: str) -> tuple[int, bytes]:
    async with services.pool.connection() as conn:
        found = await snapshot(conn, caller.tenant, schedule)
    found = found._replace(rows=await _named(services, caller, found.rows))
    return found.mark, message("snapshot", await _snapshot(services, caller.tenant, schedule, found), found.mark)


async def _named(services: Services, caller: Caller, rows: dict[str, Live]) -> dict[str, Live]:
    """The rows without the names that are not for this caller. A patch holds a name only where somebody is enrolled."""
    if sees_all(caller):
        return rows
    async with services.pool.connection() as conn:
        return shown(rows, await restricted(conn, caller.tenant), caller)


async def _snapshot(services: Services, tenant: str, schedule: str, found: Found[Live]) -> Snapshot:
    stale = await stale_of(services, tenant, schedule, found)
    async with services.pool.connection() as conn:
        rotas = (await find(conn, DUTY, tenant, {"key": f"{tenant}/{schedule}"})).rows.values()
    now = next(iter(rotas), Rota(schedule=schedule)).now
    return replace(
        await _whole(services, tenant, schedule, found, stale),
        alarm=alarm(now, (row.phase for row in found.rows.values())),
    )


async def _whole(services: Services, tenant: str, schedule: str, found: Found[Live], stale: list[str]) -> Snapshot:
    plan = await load_schedule(services, tenant, schedule)
    here = [row for row in found.rows.values() if not row.withdrawn]
    return Snapshot(
        schedule=schedule, position=found.position, mark=found.mark, rows=found.rows, stale=tuple(stale),
        counts=counted(row.phase for row in here), risks=counted(row.risk for row in here),
        server_time=services.now(), time_zone=zone_of(plan),
    )  # fmt: skip


RESET = b"event: reset\ndata: {}\n\n"

HANDLERS = (read, stream)
