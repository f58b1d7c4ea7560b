"""What the roles that act by themselves look at: sessions under way, sessions that are over and not sealed for good."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

import msgspec
from psycopg import AsyncConnection

from domain.session import OVER, RUNNING, Track
from projections.deadlines import Watch


class Running(NamedTuple):
    """A session whose clock has been started and which is not over."""

    tenant: str
    watch: Watch


class Waiting(NamedTuple):
    """A session that nobody has started though the last entry of its schedule has passed."""

    tenant: str
    session: str
    last_entry_at: datetime


class Over(NamedTuple):
    """A session that is over and whose record is not complete. `tracks` may have been recorded."""

    tenant: str
    session: str
    tracks: tuple[Track, ...]


class Undelivered(NamedTuple):
    """An intervention that the candidate's page has not taken yet."""

    tenant: str
    name: str
    requested_at: datetime


class Outlook(NamedTuple):
    """How things stand, as far as somebody has to act on them."""

    at: datetime
    running: list[Running]
    waiting: list[Waiting]
    undelivered: list[Undelivered]
    over: list[Over]


_decoder = msgspec.json.Decoder(Watch)


async def look(conn: AsyncConnection, at: datetime) -> Outlook:
    """Reads the models as `vigil_project`, which sees every tenant."""
    rows = await _watches(conn, "w.phase = ANY(%s)", list(RUNNING))
    undelivered = [
        Undelivered(tenant, name, since)
        for tenant, watch in await _watches(conn, "w.waiting_since IS NOT NULL")
        for name, since in watch.undelivered.items()
    ]
    return Outlook(at, [Running(*row) for row in rows], await _late(conn, at), undelivered, await over(conn))


async def over(conn: AsyncConnection) -> list[Over]:
    """Sessions that still owe something to their record."""
    rows = await _watches(conn, "w.phase = ANY(%s) AND w.seal IS DISTINCT FROM 'complete'", list(OVER))
    return [Over(tenant, watch.session, watch.tracks) for tenant, watch in rows]


async def until_there(conn: AsyncConnection) -> None:
    """Waits for the projector to have made the models; on a new installation that takes a moment."""
    while True:
        cursor = await conn.execute("SELECT to_regclass('read.deadlines'), to_regclass('read.schedules')")
        row = await cursor.fetchone()
        if row is not None and None not in row:
            return
        await asyncio.sleep(0.2)


async def _watches(conn: AsyncConnection, where: str, *given: object) -> list[tuple[str, Watch]]:
    cursor = await conn.execute(
        f"SELECT w.tenant, w.data::text FROM read.deadlines w WHERE {where} ORDER BY w.key",  # noqa: S608 - our own text
        given,
        prepare=True,
    )
    return [(tenant, _decoder.decode(data)) async for tenant, data in cursor]


async def _late(conn: AsyncConnection, at: datetime) -> list[Waiting]:
    cursor = await conn.execute(
        "SELECT w.tenant, w.data->>'session', (s.data->'window'->>'last_entry_at')::timestamptz"
        " FROM read.deadlines w JOIN read.schedules s ON s.key = w.tenant || '/' || (w.data->>'schedule')"
        " WHERE w.phase IN ('expected', 'checking', 'ready')"
        # Only who could have come is a no-show: not of an exam that was called off, nor who was withdrawn from it.
        " AND s.phase = 'active' AND s.data->'live_proctoring' = 'true' AND s.data->'sessions' ? (w.data->>'session')"
        " AND (s.data->'window'->>'last_entry_at')::timestamptz < %s",
        (at,),
        prepare=True,
    )
    return [Waiting(*row) async for row in cursor]
