"""Building a model again beside the table that people read, and the switch in one short transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL

from projections.batch import BATCH, apply
from projections.builds import THIS, Build, builds_of, create, drop, live_build, lock, show
from projections.connection import connect
from projections.events import read_after
from projections.model import AnyModel, Decode, Model, decoded
from projections.refold import unpark

log = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 200  # the switch waits no longer for readers, because others would queue behind it
AGAIN_S = 2.0


class NewerVersion(Exception):
    """The table was built by a newer program than this one."""


async def rebuild(conninfo: str, decode: Decode, model: AnyModel) -> int:
    """Builds the model from the first event on, and switches to it; gives the position that it has then.

    Readers see the old table to the end and then the whole new one. Only one rebuild of a model runs at a time. Raises
    `NewerVersion`.
    """
    async with await connect(conninfo) as conn, _alone(conn, model):
        live = await live_build(conn, model)
        if live and live.version > model.version:
            raise NewerVersion(
                f"the model {model.name} has version {live.version} already; this program knows {model.version}"
            )
        return await _rebuild(conn, decode, model)


async def renew(conninfo: str, decode: Decode, models: Sequence[AnyModel]) -> None:
    """What a start of new code brings: models with a higher version are rebuilt, and parked rows are tried again."""
    for model in models:
        while True:
            try:
                async with await connect(conninfo) as conn:
                    await _renew(conn, decode, model)
            except psycopg.OperationalError:
                await asyncio.sleep(AGAIN_S)
            except Exception:
                log.exception("the model %s could not be renewed; it stays as it is", model.name)
                break
            else:
                break


async def _renew(conn: AsyncConnection, decode: Decode, model: AnyModel) -> None:
    async with _alone(conn, model):
        live = await live_build(conn, model)
        if live and live.version < model.version:
            log.info("the model %s is rebuilt as version %d", model.name, model.version)
            await _rebuild(conn, decode, model)
    if live and live.version == model.version:
        query = SQL("SELECT key FROM read.parked WHERE {} ORDER BY position").format(THIS)
        for (key,) in await (await conn.execute(query, live.id)).fetchall():
            await unpark(conn, decode, model, key)


async def _rebuild(conn: AsyncConnection, decode: Decode, model: AnyModel) -> int:
    builds = await builds_of(conn, [model])
    for left in builds:
        if not left.live:
            await _clear(conn, left)
    number = 1 + max((b.build for b in builds if b.version == model.version), default=0)
    async with conn.transaction():
        build = await create(conn, model, number, live=False)
    while await _catch_up(conn, decode, model, build) == BATCH:
        pass
    while (switched := await _switch(conn, decode, model, build)) is None:
        await asyncio.sleep(LOCK_TIMEOUT_MS / 1000)
        while await _catch_up(conn, decode, model, build) == BATCH:
            pass
    if switched.old:
        await _clear(conn, switched.old)
    return switched.position


class Switched(NamedTuple):
    old: Build | None
    position: int


async def _switch(conn: AsyncConnection, decode: Decode, model: AnyModel, build: Build) -> Switched | None:
    """Stops the projector for this model, catches up with it, and points the view to the new table.

    Readers of the live streams begin afresh: the rows that they hold were folded by other rules. None if somebody reads
    the old table for so long that others would have to wait.
    """
    with suppress(psycopg.errors.LockNotAvailable):
        return await _switch_now(conn, decode, model, build)
    return None


async def _switch_now(conn: AsyncConnection, decode: Decode, model: AnyModel, build: Build) -> Switched:
    async with conn.transaction():
        await conn.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
        live = await live_build(conn, model)
        old = live and await lock(conn, live)
        while await _catch_up(conn, decode, model, build) == BATCH:
            pass
        head = await lock(conn, build)
        assert head
        mark = max(head.position, old.mark + 1 if old else 0)
        if old:
            await conn.execute(SQL("UPDATE read.position SET live = false WHERE {}").format(THIS), old.id)
        await conn.execute(
            SQL("UPDATE read.position SET live = true, mark = %s, resumable_from = %s WHERE {}").format(THIS),
            (mark, mark, *head.id),
        )
        await show(conn, head)
    return Switched(old, head.position)


async def _catch_up(conn: AsyncConnection, decode: Decode, model: Model[Any], build: Build) -> int:
    position = next(b.position for b in await builds_of(conn, [model]) if b.id == build.id)
    rows = await read_after(conn, position, BATCH)
    await apply(conn, model, build, await decoded(decode, rows))
    return len(rows)


async def _clear(conn: AsyncConnection, build: Build) -> None:
    """Drops a table that is shown no longer. One that is still being read stays until the next rebuild."""
    with suppress(psycopg.errors.LockNotAvailable):
        async with conn.transaction():
            await conn.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
            await drop(conn, build)


@asynccontextmanager
async def _alone(conn: AsyncConnection, model: AnyModel) -> AsyncIterator[None]:
    """Holds the model's lock for rebuilding; a lost connection lets it go."""
    await conn.execute("SELECT pg_advisory_lock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
    try:
        yield
    finally:
        if not conn.closed:
            await conn.execute("SELECT pg_advisory_unlock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
