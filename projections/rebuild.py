"""Building a model again beside the table that people read, and the switch in one short transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL

from projections.batch import apply
from projections.builds import THIS, builds_of, create, live_build, make_alone
from projections.connection import connect
from projections.feed import Feed
from projections.model import AnyModel, Decode, NotAtHand, tags_of
from projections.refold import unpark
from projections.switch import PATIENCE_MS, Building, Tell, clear

log = logging.getLogger(__name__)

AGAIN_S = 2.0
AT_ONCE = 4000  # events in a batch: nobody reads these tables yet, so nobody waits for a longer one
AT_HAND_S = 60.0  # between two looks for what is archived and cannot be read


class NewerVersion(Exception):
    """The table was built by a newer program than this one."""


def unheard(position: int, head: int) -> None:
    """Progress that nobody asked for."""


async def rebuild(conninfo: str, decode: Decode, model: AnyModel, tell: Tell = unheard) -> int:
    """Builds the model from the first event on, and switches to it; gives the position that it has then.

    Readers see the old table to the end and then the whole new one. Only one rebuild of a model runs at a time. One
    that is killed leaves the old table in place, and the next one begins from the start: what had been built may have
    been folded by other code. Raises `NewerVersion`.
    """
    answer = (await rebuild_all(conninfo, decode, [model], tell))[model.name]
    if isinstance(answer, Exception):
        raise answer
    return answer


async def rebuild_all(
    conninfo: str, decode: Decode, models: Sequence[AnyModel], tell: Tell = unheard
) -> dict[str, int | Exception]:
    """The same for many models: they share the reading of the ledger, and are switched one after another.

    Gives the position of each, or why it stays as it was; the others go on. Needs room for a second table of each.
    """
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(await _connect(conninfo))
        feed = await stack.enter_async_context(Feed(conninfo, decode, at_once=AT_ONCE))
        for model in sorted(models, key=lambda model: model.name):  # in one order, so that two of us cannot lock up
            await stack.enter_async_context(_alone(conn, model))
        answers: dict[str, int | Exception] = {}
        for model in models:
            live = await live_build(conn, model)
            if live and live.version > model.version:
                answers[model.name] = NewerVersion(
                    f"the model {model.name} has version {live.version} already; this program knows {model.version}"
                )
        wanted = [model for model in models if model.name not in answers]
        return answers | await _rebuild(conn, feed, wanted, tell)


async def renew(conninfo: str, decode: Decode, models: Sequence[AnyModel]) -> None:
    """What a start of new code brings: models with a higher version are rebuilt, and parked rows are tried again."""
    for model in models:
        while True:
            try:
                await _renew(conninfo, decode, model)
            except psycopg.OperationalError:
                await asyncio.sleep(AGAIN_S)
            except NotAtHand as why:
                log.warning("the model %s is renewed when what is archived can be read (%s)", model.name, why)
                await asyncio.sleep(AT_HAND_S)
            except Exception:
                log.exception("the model %s could not be renewed; it stays as it is", model.name)
                break
            else:
                break


async def _renew(conninfo: str, decode: Decode, model: AnyModel) -> None:
    async with await _connect(conninfo) as conn, Feed(conninfo, decode, at_once=AT_ONCE) as feed:
        async with _alone(conn, model):
            live = await live_build(conn, model)
            if live and live.version < model.version:
                log.info("the model %s is rebuilt as version %d", model.name, model.version)
                answer = (await _rebuild(conn, feed, [model], unheard))[model.name]
                if isinstance(answer, Exception):
                    raise answer
            elif live and live.version > model.version:
                log.warning("a newer program keeps the model %s; this one leaves it alone", model.name)
            else:
                await clear(conn, model)  # what a rebuild that was killed has left
        if live and live.version == model.version:
            query = SQL("SELECT key FROM read.parked WHERE {} ORDER BY position").format(THIS)
            for (key,) in await (await conn.execute(query, live.id)).fetchall():
                await unpark(conn, decode, model, key)


async def _connect(conninfo: str) -> AsyncConnection:
    """Waits for no disk: a crash costs the last moments of tables that nobody reads yet. The switch does wait."""
    conn = await connect(conninfo)
    await conn.execute("SET synchronous_commit = off")
    return conn


async def _rebuild(
    conn: AsyncConnection, feed: Feed, models: Sequence[AnyModel], tell: Tell
) -> dict[str, int | Exception]:
    buildings = [await _begun(conn, feed, model) for model in models]
    answers: dict[str, int | Exception] = {**await _catch_up(conn, feed, buildings, tell)}
    for building in buildings:
        name = building.model.name
        if name in answers:
            continue
        try:
            await building.catch_up()  # with what came while the others were switched
            while (shown := await building.switch()) is None:
                await asyncio.sleep(PATIENCE_MS / 1000)
                await building.catch_up()
            answers[name] = shown.position
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.exception("the model %s could not be built and stays as it is", name)
            answers[name] = error
    for model in models:
        await clear(conn, model)
    return answers


async def _begun(conn: AsyncConnection, feed: Feed, model: AnyModel) -> Building:
    await clear(conn, model)
    async with conn.transaction():
        await make_alone(conn)
        number = 1 + max((b.build for b in await builds_of(conn, [model]) if b.version == model.version), default=0)
        return Building(conn, feed, model, await create(conn, model, number, live=False))


async def _catch_up(
    conn: AsyncConnection, feed: Feed, buildings: Sequence[Building], tell: Tell
) -> dict[str, Exception]:
    """Folds what there is in the ledger by now into new tables; gives the models that failed as a whole, and why."""
    failed: dict[str, Exception] = {}
    position = 0
    while going := [building for building in buildings if building.model.name not in failed]:
        batch = await feed.after(conn, position, tags=tags_of(building.model for building in going))
        for building in going:
            try:
                await apply(conn, building.model, building.build, batch, building.memory)
            except psycopg.OperationalError:
                raise
            except Exception as error:
                log.exception("the model %s could not be built and stays as it is", building.model.name)
                failed[building.model.name] = error
        position = batch.last or position
        row = await (await conn.execute("SELECT max(notification_id) FROM ledger.events")).fetchone()
        tell(position, row[0] or 0 if row else 0)
        if batch.size < feed.at_once:
            break
    return failed


@asynccontextmanager
async def _alone(conn: AsyncConnection, model: AnyModel) -> AsyncIterator[None]:
    """Holds the model's lock for rebuilding; a lost connection lets it go."""
    await conn.execute("SELECT pg_advisory_lock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
    try:
        yield
    finally:
        if not conn.closed:
            await conn.execute("SELECT pg_advisory_unlock(hashtextextended('vigil rebuild ' || %s, 0))", (model.name,))
