"""What the read model `precision` comes to: how many incidents each rule opened, by month, and how they stand."""

from __future__ import annotations

import msgspec
from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable

from domain.precision import Counted, Rule, Tally, counted, together
from projections.precision import PRECISION
from projections.reader import NotThereYet, as_tenant

_QUERY = (
    "SELECT (f.value->'rule')::text, f.value->>'month', f.value->>'standing', count(*)"
    " FROM read.precision p, jsonb_each(p.data->'flagged') f WHERE p.tenant = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)


async def tallies(conn: AsyncConnection, tenant: str) -> list[Counted]:
    """A tenant's, by rule and month. Raises `NotThereYet`."""
    try:
        async with as_tenant(conn, tenant):
            cursor = await conn.execute(_QUERY, (tenant,))
            rows = await cursor.fetchall()
    except UndefinedTable:
        raise NotThereYet(PRECISION.name) from None
    found: dict[tuple[str, str], list[Tally]] = {}
    for rule, month, standing, many in rows:
        found.setdefault((rule, month), []).append(counted(standing, many))
    return [
        Counted(msgspec.json.decode(rule, type=Rule), month, together(many)) for (rule, month), many in found.items()
    ]
