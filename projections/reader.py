"""What the front door asks: rows of a model with the mark that they stand at, and what changed since a mark.

Rows, parked rows and mark are read by one statement. Two statements under one snapshot would not do: after a switch
between them, the second one finds the new table as it was when it was half full.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Generic, NamedTuple

import msgspec
from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable
from psycopg.sql import SQL, Identifier

from projections.live import LIVE, Live
from projections.model import AnyModel, Model, R

log = logging.getLogger(__name__)


class NotThereYet(Exception):
    """The projector has not made this model's table yet."""


class Found(NamedTuple, Generic[R]):
    """Rows by their key, in the order of the keys, as they were after the event at `position`.

    `stale` are the keys of rows that wait for a fix and are not up to date (rows of the tenant, not of these only), and
    the ids of streams that hold an event which cannot be read. A row that cannot be read itself is named there and is
    not among `rows`. `mark` is what `changes_since` goes on from, `onward` the key that the next page comes after.
    """

    rows: dict[str, R]
    stale: frozenset[str]
    position: int
    mark: int
    onward: str | None = None


class Told(NamedTuple):
    """What one event changed: a JSON array of patches, as it is sent on."""

    mark: int
    patches: str


class Changes(NamedTuple):
    """What came after a mark, in order, and the mark to go on from, also when nothing came."""

    told: list[Told]
    mark: int


class Standing(NamedTuple):
    """How far a model is behind the ledger's last position, and how many of its rows wait for a fix."""

    model: str
    version: int
    position: int
    head: int
    parked: int


async def find(
    conn: AsyncConnection, model: Model[R], tenant: str, where: Mapping[str, str | int | datetime] | None = None,
    *, after: str = "", most: int | None = None,
) -> Found[R]:  # fmt: skip
    """A tenant's rows whose fields have these values: indexed ones, or `key`.

    `after` and `most` are for pages: the first rows with a higher key. Raises `NotThereYet`.
    """
    given = {"tenant": tenant, **(where or {})}
    query = SQL(
        "SELECT p.position, p.mark, ARRAY(SELECT w.key FROM read.parked w WHERE w.tenant = %s"
        " AND (w.model, w.version, w.build) = (p.model, p.version, p.build)), r.key, r.data::text"
        " FROM read.position p LEFT JOIN {} r ON r.key > %s AND {}"
        " WHERE p.model = %s AND p.live ORDER BY r.key LIMIT %s"
    ).format(
        Identifier("read", model.name),
        SQL(" AND ").join(SQL("r.{} = %s").format(Identifier(name)) for name in given),
    )
    try:
        async with as_tenant(conn, tenant):
            cursor = await conn.execute(query, (tenant, after, *given.values(), model.name, most and most + 1))
            found = await cursor.fetchall()
    except UndefinedTable:
        raise NotThereYet(model.name) from None
    if not found:
        raise NotThereYet(model.name)
    more = most is not None and len(found) > most
    found = found[:most]
    position, mark, parked, *_ = found[0]
    rows, unread = _decoded(model, [(key, text) for *_, key, text in found if key is not None])
    drawn = {key for key in rows if parked and not set(parked).isdisjoint(model.streams(key))}
    onward = found[-1][-2] if more else None
    return Found(rows, frozenset(parked) | drawn | unread, position, mark, onward)


async def snapshot(conn: AsyncConnection, tenant: str, schedule: str) -> Found[Live]:
    """The wall of a schedule. Its changes are on the channel `schedule/<id>`."""
    return await find(conn, LIVE, tenant, {"schedule": schedule})


async def changes_since(
    conn: AsyncConnection, tenant: str, channel: str, mark: int, *, most: int = 1000, model: AnyModel = LIVE
) -> Changes | None:
    """What was told on a channel after a mark. None: nobody can tell any more, begin afresh with a snapshot.

    A mark is one that `find` or this function gave. It grows with the ledger's position and is never below it.
    """
    async with as_tenant(conn, tenant):
        cursor = await conn.execute(
            "SELECT p.mark, p.resumable_from, c.mark, c.patches::text FROM read.position p"
            " LEFT JOIN LATERAL (SELECT mark, patches FROM read.live_change WHERE tenant = %s AND channel = %s"
            " AND mark > %s ORDER BY mark LIMIT %s) c ON true WHERE p.model = %s AND p.live ORDER BY c.mark",
            (tenant, channel, mark, most, model.name),
        )
        rows = await cursor.fetchall()
    if not rows or not rows[0][1] <= mark <= rows[0][0]:
        return None
    told = [Told(at, patches) for _, _, at, patches in rows if at is not None]
    return Changes(told, told[-1].mark if len(told) == most else rows[0][0])


async def phases(conn: AsyncConnection, tenant: str) -> dict[str, dict[str, int]]:
    """How many sessions each schedule has in each phase; withdrawn candidates left out. Raises `NotThereYet`."""
    counts: dict[str, dict[str, int]] = {}
    try:
        async with as_tenant(conn, tenant):
            cursor = await conn.execute(
                "SELECT schedule, phase, count(*) FROM read.live WHERE tenant = %s AND NOT (data->>'withdrawn')::bool"
                " GROUP BY schedule, phase",
                (tenant,),
            )
            async for schedule, phase, count in cursor:
                counts.setdefault(schedule, {})[phase] = count
    except UndefinedTable:
        raise NotThereYet(LIVE.name) from None
    return counts


async def standings(conn: AsyncConnection) -> list[Standing]:
    """For operators: how far each model has come. As `vigil_project`, because parked rows are a tenant's."""
    cursor = await conn.execute(
        "SELECT model, version, position, coalesce((SELECT max(notification_id) FROM ledger.events), 0),"
        " (SELECT count(*) FROM read.parked w WHERE (w.model, w.version, w.build) = (p.model, p.version, p.build))"
        " FROM read.position p WHERE live ORDER BY model"
    )
    return [Standing(*row) async for row in cursor]


def _decoded(model: Model[R], found: list[tuple[str, str]]) -> tuple[dict[str, R], set[str]]:
    """The rows, and the keys of those that cannot be read: the others are shown all the same."""
    decoder = msgspec.json.Decoder(model.row)
    rows: dict[str, R] = {}
    unread: set[str] = set()
    for key, text in found:
        try:
            rows[key] = decoder.decode(text)
        except msgspec.MsgspecError:
            log.warning("the row %s of the model %s cannot be read", key, model.name)
            unread.add(key)
    return rows, unread


@asynccontextmanager
async def as_tenant(conn: AsyncConnection, tenant: str) -> AsyncIterator[None]:
    """A transaction in which `vigil_app` sees the rows of this tenant, and no other's."""
    async with conn.transaction():
        await conn.execute("SELECT set_config('vigil.tenant', %s, true)", (tenant,))
        yield
