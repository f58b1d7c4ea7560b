"""What the roles that act by themselves look at: sessions under way, sessions that are over and not sealed for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import AsyncConnection

from domain.phase import RUNNING, Track
from domain.policy import IncidentKind
from projections.deadlines import DEADLINES, Owing, Watch
from projections.duty import DUTY
from projections.incidents import INCIDENTS
from projections.people import PEOPLE
from projections.schedules import SCHEDULES
from projections.tokens import TOKENS


class Running(NamedTuple):
    """A session whose clock has been started and which is not over."""

    tenant: str
    watch: Watch


class Waiting(NamedTuple):
    """A session that nobody has started though it is too late by now: since when."""

    tenant: str
    session: str
    since: datetime


class Over(NamedTuple):
    """A session that is over and has to be sealed (again). `tracks` may have been recorded.

    `undelivered` are its interventions that no page has taken, `heads` the versions that a seal has to cover, and
    `changed_at` is when anything of it was recorded last. `ran` is from when to when it ran, None where it never did,
    and `listening` are the kinds that were silent in it only for a time, if at all.
    """

    tenant: str
    session: str
    tracks: tuple[Track, ...]
    undelivered: tuple[str, ...]
    heads: Mapping[str, int]
    changed_at: datetime
    ran: tuple[datetime, datetime] | None = None
    listening: tuple[IncidentKind, ...] = ()


class Undelivered(NamedTuple):
    """An intervention that the candidate's page has not taken or answered yet, and when it has failed."""

    tenant: str
    name: str
    fails_at: datetime


class Outlook(NamedTuple):
    """How things stand, as far as somebody has to act on them."""

    at: datetime
    running: list[Running]
    called_off: list[Running]
    waiting: list[Waiting]
    undelivered: list[Undelivered]
    over: list[Over]


_decoder = msgspec.json.Decoder(Watch)
_EVER = datetime.min.replace(tzinfo=UTC)
_CALLED_OFF = (
    "EXISTS (SELECT FROM read.schedules s WHERE s.key = w.tenant || '/' || (w.data->>'schedule')"
    " AND s.phase = 'cancelled')"
)


async def look(conn: AsyncConnection, at: datetime) -> Outlook:
    """Reads the models as `vigil_project`, which sees every tenant."""
    rows = await _watches(conn, "w.phase = ANY(%s)", list(RUNNING))
    called_off = await _watches(conn, f"w.phase = ANY(%s) AND {_CALLED_OFF}", list(RUNNING))
    undelivered = [
        Undelivered(tenant, name, fails_at)
        for tenant, watch in await _watches(conn, "w.waits_until IS NOT NULL")
        for name, fails_at in watch.undelivered.items()
    ]
    return Outlook(
        at, [Running(*row) for row in rows], [Running(*row) for row in called_off], await _late(conn, at), undelivered,
        await over(conn),
    )  # fmt: skip


async def over(conn: AsyncConnection) -> list[Over]:
    """Sessions that still owe something to their record."""
    return await _owing(conn, "yes")


async def given_up(conn: AsyncConnection) -> list[Over]:
    """Sessions of which something is waited for no longer. It may come after all; then they are among the others."""
    return await _owing(conn, "given_up")


async def _owing(conn: AsyncConnection, owing: Owing) -> list[Over]:
    rows = await _watches(conn, "w.owing = %s", owing)
    return [
        Over(
            tenant, w.session, w.tracks, tuple(w.undelivered), w.heads, w.changed_at or _EVER,
            (w.clock.started_at, w.clock.ended_at) if w.clock.started_at and w.clock.ended_at else None, w.listening,
        )
        for tenant, w in rows
    ]  # fmt: skip


async def until_there(conn: AsyncConnection) -> None:
    """Waits for the projector to have made the models: a moment, or as long as a new version takes to be rebuilt."""
    models = {model.name: model.version for model in (DEADLINES, SCHEDULES, DUTY, INCIDENTS, PEOPLE, TOKENS)}
    while True:
        try:
            cursor = await conn.execute("SELECT model, version FROM read.position WHERE live")
            shown: dict[str, int] = dict(await cursor.fetchall())
        except psycopg.errors.UndefinedTable:
            shown = {}
        if all(shown.get(name, 0) >= version for name, version in models.items()):
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
        "SELECT tenant, session, since FROM (SELECT w.tenant, w.data->>'session' AS session, (s.data->'window'->>"
        " CASE WHEN w.data->'admitted' = 'true'"
        " OR (w.data->>'came_at')::timestamptz <= (s.data->'window'->>'last_entry_at')::timestamptz"
        " THEN 'closes_at' ELSE 'last_entry_at' END)::timestamptz AS since"
        " FROM read.deadlines w JOIN read.schedules s ON s.key = w.tenant || '/' || (w.data->>'schedule')"
        " WHERE w.phase IN ('expected', 'checking', 'ready')"
        # Only who could have come is a no-show: not of an exam that was called off, nor who was withdrawn from it.
        " AND s.phase = 'active' AND s.data->'live_proctoring' = 'true' AND s.data->'sessions' ? (w.data->>'session')"
        " ) late WHERE since < %s",
        (at,),
        prepare=True,
    )
    return [Waiting(*row) async for row in cursor]
