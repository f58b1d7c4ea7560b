"""Whether somebody is there: on duty where an exam is under way, and behind what somebody has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, NamedTuple, Self

from nats.aio.client import Client as Nats
from psycopg import AsyncConnection

from api.callers import TIDYING
from api.echo import Echo
from api.presence import Attendance
from projections.deadlines import Watch

NOBODY_S = 60.0  # that an exam may be under way with nobody on duty, such as between two turns
AWAY_S = 60.0  # after which somebody whose last page has left keeps nothing that they have taken
UNATTENDED = "nobody is on duty to watch this exam"

_NEVER = datetime.min.replace(tzinfo=UTC)


class Taken(NamedTuple):
    """An incident, or a request for help, that somebody has taken."""

    tenant: str
    session: str
    what: Literal["incident", "help"]
    name: str
    user: str
    at: datetime


class Turn(NamedTuple):
    """Somebody who is on duty still, of an exam that is over."""

    tenant: str
    schedule: str
    user: str
    since: datetime


class Attending(NamedTuple):
    """`nobody` says since when, for each (tenant, schedule) with a session under way and nobody on duty."""

    nobody: Mapping[tuple[str, str], datetime]
    taken: list[Taken]
    over: list[Turn]


async def look(conn: AsyncConnection, running: Iterable[tuple[str, Watch]], at: datetime) -> Attending:
    """Reads the models as `vigil_project`, which sees every tenant."""
    under_way = {(tenant, watch.schedule) for tenant, watch in running}
    cursor = await conn.execute(
        "SELECT tenant, data->>'schedule', on_duty > 0, (data->>'nobody_since')::timestamptz FROM read.duty"
        " WHERE key = ANY(%s)",
        ([f"{tenant}/{schedule}" for tenant, schedule in under_way],),
        prepare=True,
    )
    known = {(tenant, schedule): (manned, since) async for tenant, schedule, manned, since in cursor}
    nobody = {key: known.get(key, (False, None))[1] or _NEVER for key in under_way if not known.get(key, (False,))[0]}
    cursor = await conn.execute(
        "SELECT tenant, session, 'incident', incident, taken_by, (data->>'taken_at')::timestamptz FROM read.incidents"
        " WHERE taken_by IS NOT NULL UNION ALL SELECT tenant, data->>'session', 'help', data->>'help', helper,"
        " (data->>'helped_at')::timestamptz FROM read.deadlines WHERE helper IS NOT NULL",
        prepare=True,
    )
    taken = [Taken(*row) async for row in cursor]
    cursor = await conn.execute(
        "SELECT d.tenant, d.data->>'schedule', e.key, e.value::timestamptz FROM read.duty d"
        " JOIN read.schedules s ON s.key = d.key, jsonb_each_text(d.data->'now'->'on') e WHERE d.on_duty > 0"
        " AND (s.phase = 'closed' OR (s.data->'window'->>'closes_at')::timestamptz < %s) ORDER BY d.key, e.key",
        (at - TIDYING,),
        prepare=True,
    )
    over = [Turn(*row) async for row in cursor]
    return Attending(nobody, taken, [turn for turn in over if (turn.tenant, turn.schedule) not in under_way])


def unattended_since(seen: Attending, tenant: str, watch: Watch, at: datetime) -> datetime | None:
    """Since when a session under way has wanted for somebody on duty; None when it does not, or only for a moment."""
    left_at = seen.nobody.get((tenant, watch.schedule))
    if left_at is None or watch.clock.started_at is None:
        return None
    since = max(left_at, watch.clock.started_at)
    return since if (at - since).total_seconds() > NOBODY_S else None


class StaffEars:
    """Listens to who holds a live stream. `async with StaffEars(nats) as ears`."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._attendance = Attendance()
        self._echo = Echo(nats)

    async def __aenter__(self) -> Self:
        await self._attendance.listen(self._nats)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    def gone(self, one: Taken, at: datetime) -> bool:
        """Whether who has taken it is away for long enough; never while silence means nothing."""
        quiet_s = min(self._attendance.quiet_s(one.tenant, one.user), (at - one.at).total_seconds())
        return quiet_s > AWAY_S and self._echo.clear_for(AWAY_S)
