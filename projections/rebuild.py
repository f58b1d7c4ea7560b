"""Building a model again beside the table that people read, and the switch in one short transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL

from projections.builds import THIS, builds_of, create, live_build
from projections.connection import connect
from projections.feed import Feed
from projections.model import AnyModel, Decode
from projections.refold import unpark
from projections.switch import PATIENCE_MS, Building, clear

log = logging.getLogger(__name__)

AGAIN_S = 2.0


class NewerVersion(Exception):
    """The table was built by a newer program than this one."""


async def rebuild(conninfo: str, decode: Decode, model: AnyModel) -> int:
    """Builds the model from the first event on, and switches to it; gives the position that it has then.

    Readers see the old table to the end and then the whole new one. Only one rebuild of a model runs at a time. Raises
    `NewerVersion`.
    """
    async with await connect(conninfo) as conn, Feed(conninfo, decode) as feed, _alone(conn, model):
        live = await live_build(conn, model)
        if live and live.version > model.version:
            raise NewerVersion(
                f"the model {model.name} has version {live.version} already; this program knows {model.version}"
            )
        return await _rebuild(conn, feed, model)


async def renew(conninfo: str, decode: Decode, models: Sequence[AnyModel]) -> None:
    """What a start of new code brings: models with a higher version are rebuilt, and parked rows are tried again."""
    for model in models:
        while True:
            try:
                await _renew(conninfo, decode, model)
            except psycopg.OperationalError:
                await asyncio.sleep(AGAIN_S)
            except Exception:
                log.exception("the model %s could not be renewed; it stays as it is", model.name)
                break
            else:
                break


async def _renew(conninfo: str, decode: Decode, model: AnyModel) -> None:
    async with await connect(conninfo) as conn, Feed(conninfo, decode) as feed:
        async with _alone(conn, model):
            live = await live_build(conn, model)
            if live and live.version < model.version:
                log.info("the model %s is rebuilt as version %d", model.name, model.version)
                await _rebuild(conn, feed, model)
            elif live and live.version > model.version:
                log.warning("a newer program keeps the model %s; this one leaves it alone", model.name)
        if live and live.version == model.version:
            query = SQL("SELECT key FROM read.parked WHERE {} ORDER BY position").format(THIS)
            for (key,) in await (await conn.execute(query, live.id)).fetchall():
                await unpark(conn, decode, model, key)


async def _rebuild(conn: AsyncConnection, feed: Feed, model: AnyModel) -> int:
    await clear(conn, model)
    number = 1 + max((b.build for b in await builds_of(conn, [model]) if b.version == model.version), default=0)
    async with conn.transaction():
        building = Building(conn, feed, model, await create(conn, model, number, live=False))
    await building.catch_up()
    while (shown := await building.switch()) is None:
        await asyncio.sleep(PATIENCE_MS / 1000)
        await building.catch_up()
    await clear(conn, model)
    return shown.position


@asynccontextmanager
async def _alone(conn: AsyncConnection, model: AnyModel) -> AsyncIterator[None]:
    """Holds the model's lock for rebuilding; a lost connection lets it go."""
    await conn.execute("SELECT pg_advisory_lock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
    try:
        yield
    finally:
        if not conn.closed:
            await conn.execute("SELECT pg_advisory_unlock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
