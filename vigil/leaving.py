"""What somebody has taken, or answers for, who has left since: off duty, removed, or without the role.

The commands themselves pass on what the lists showed when they were given. What was taken between that look and the
command, and what they do not know of (a role is taken away from an account, not from an exam), is found here, by how
things stand afterwards: nothing depends on who was quicker, and a crash forgets nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from psycopg import AsyncConnection

from api.callers import WATCHERS

HOLDER, ON_DUTY = "t.tenant || '/' || t.who", "r.tenant || '/' || e.key"  # keys of people and tokens


def _may(key: str) -> str:
    """Whether an account or a service token may watch. Who is in neither model is not known to have left."""
    return (
        f"coalesce((SELECT p.data->'roles' ?| %(watchers)s::text[] FROM read.people p WHERE p.key = {key}),"  # noqa: S608 - our own text
        " (SELECT k.data->'roles' ?| %(watchers)s::text[] AND k.data->>'revoked_at' IS NULL"
        f" AND (k.data->>'expires_at')::timestamptz > %(at)s FROM read.tokens k WHERE k.key = {key}), true)"
    )


_TAKEN = (
    "SELECT tenant, session, 'incident' AS what, incident AS name, taken_by AS who,"
    " (data->>'taken_at')::timestamptz AS at FROM read.incidents WHERE taken_by IS NOT NULL"
    " UNION ALL SELECT tenant, data->>'session', 'help', data->>'help', helper, (data->>'helped_at')::timestamptz"
    " FROM read.deadlines WHERE helper IS NOT NULL"
)
_LEFT = (
    "SELECT t.tenant, t.session, t.what, t.name, t.who, t.at, o.heir"  # noqa: S608 - our own text
    f" FROM ({_TAKEN}) t JOIN read.deadlines d ON d.key = t.tenant || '/' || t.session"
    " JOIN read.schedules s ON s.key = t.tenant || '/' || (d.data->>'schedule')"
    " LEFT JOIN read.duty r ON r.key = s.key"
    " LEFT JOIN LATERAL (SELECT e->>'to' AS heir FROM jsonb_array_elements(r.data->'hand_overs') e"
    " WHERE e->>'user' = t.who AND e->>'state' = 'accepted' AND (e->>'ended_at')::timestamptz >= t.at"
    " AND r.data->'now'->'on' ? (e->>'to') AND s.data->'invigilators' ? (e->>'to')"
    " ORDER BY (e->>'ended_at')::timestamptz LIMIT 1) o ON true"
    f" WHERE NOT s.data->'invigilators' ? t.who OR NOT {_may(HOLDER)}"
    " OR EXISTS (SELECT FROM jsonb_array_elements(r.data->'turns') e"
    " WHERE e->>'user' = t.who AND (e->>'until')::timestamptz >= t.at)"
    " ORDER BY t.session, t.name"
)
_ON = (
    "SELECT r.tenant, r.data->>'schedule', e.key, e.value::timestamptz FROM read.duty r,"  # noqa: S608 - our own text
    " jsonb_each_text(r.data->'now'->'on') e"
    f" WHERE r.on_duty > 0 AND NOT {_may(ON_DUTY)} ORDER BY r.key, e.key"
)


class Left(NamedTuple):
    """An incident, or a request for help, whose holder has left. `heir` took over from them, and is there."""

    tenant: str
    session: str
    what: Literal["incident", "help"]
    name: str
    user: str
    at: datetime
    heir: str | None


class Unfit(NamedTuple):
    """Somebody on duty who may watch no longer."""

    tenant: str
    schedule: str
    user: str
    since: datetime


class Leaving(NamedTuple):
    left: list[Left]
    unfit: list[Unfit]


async def look(conn: AsyncConnection, at: datetime) -> Leaving:
    """Reads the models as `vigil_project`, which sees every tenant."""
    given = {"watchers": list(WATCHERS), "at": at}
    left = await conn.execute(_LEFT, given, prepare=True)
    unfit = await conn.execute(_ON, given, prepare=True)
    return Leaving([Left(*row) async for row in left], [Unfit(*row) async for row in unfit])
