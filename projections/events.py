"""Reading the ledger: in its one order, and by stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed

from domain.recorded import Stored

_STORED = SQL("notification_id, originator_id, originator_version, topic, recorded_at, state")
_AFTER = SQL(
    "SELECT {} FROM ledger.events WHERE notification_id > %s"
    " AND notification_id <= coalesce(%s::bigint, 9223372036854775807) ORDER BY notification_id LIMIT %s"
).format(_STORED)
_OF_STREAMS = SQL(
    "SELECT {0} FROM ledger.events WHERE originator_id = ANY(%(exact)s) AND (originator_version = 1"
    " OR notification_id <= %(up_to)s AND (%(tags)s::text[] IS NULL OR topic = ANY(%(tags)s)))"
    " UNION ALL SELECT {0} FROM unnest(%(lows)s::text[], %(highs)s::text[]) AS r(low, high) JOIN ledger.events"
    " ON originator_id >= r.low AND originator_id < r.high AND notification_id <= %(up_to)s"
    " AND (%(tags)s::text[] IS NULL OR topic = ANY(%(tags)s)) ORDER BY notification_id"
).format(_STORED)


async def read_after(conn: AsyncConnection, position: int, most: int, *, up_to: int | None = None) -> list[Stored]:
    """The next events after a position, in order, at most so many, and none beyond `up_to` when it is given."""
    return await _rows(conn, _AFTER, (position, up_to, most))


async def read_streams(
    conn: AsyncConnection, streams: Collection[str], up_to: int, *, tags: Collection[str] | None = None
) -> list[Stored]:
    """The events of these streams (ids, or prefixes that end in `*`) up to a position, in the order of the ledger.

    Those with one of `tags`, or all. The first event of a named stream is among them anyway: it may lead to others.
    """
    exact = [stream for stream in streams if not stream.endswith("*")]
    lows = [stream[:-1] for stream in streams if stream.endswith("*")]
    highs = [low[:-1] + chr(ord(low[-1]) + 1) for low in lows]  # the column is in the C collation
    wanted = None if tags is None else list(tags)
    values = {"exact": exact, "up_to": up_to, "tags": wanted, "lows": lows, "highs": highs}
    return await _rows(conn, _OF_STREAMS, values)


async def _rows(
    conn: AsyncConnection, query: Composed, values: Sequence[object] | Mapping[str, object]
) -> list[Stored]:
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(query, values)
        return [Stored(*row) for row in await cursor.fetchall()]
