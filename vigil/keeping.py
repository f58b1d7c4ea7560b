"""What the reactions do about what is kept: holds that are over, times that are over, erasing that is not finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from commands import keeping
from commands.handler import Busy, UseCase
from commands.keys import KeyName
from commands.ledger import LedgerAway
from commands.objects import ObjectStoreAway
from domain import schedule
from domain.event import Refused
from domain.phase import WAITING
from domain.policy import Policy
from domain.retention import CLASSES, Kept
from domain.stream import Stream
from projections.keeping import Kept as Row
from projections.model import NotAtHand
from vigil import erasing
from vigil.wiring import Core

log = logging.getLogger(__name__)

ACTOR = "system/react"
EVERY_S, AGED_EVERY_S = 1.0, 10.0

_decoder = msgspec.json.Decoder(Row)


class Due(NamedTuple):
    """A session with something to do about it."""

    tenant: str
    row: Row


class Outdated(NamedTuple):
    """What has been kept for long enough, since when, and whether a hold keeps some of it all the same."""

    tenant: str
    row: Row
    what: Kept
    since: datetime
    held: bool


async def keep(core: Core) -> None:
    """Runs beside the other reactions, in the process that leads them, until cancelled."""
    now = asyncio.get_running_loop().time
    repeated, aged_at = False, float("-inf")
    while True:
        try:
            if not repeated:
                await _repeat(core)
                repeated = True
            aged = now() - aged_at > AGED_EVERY_S
            await _round(core, aged=aged)
            aged_at = now() if aged else aged_at
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable, PoolTimeout, LedgerAway):
            log.debug("the read models are away; what is kept is looked at again in a moment")
        except Exception:
            log.exception("what is kept could not be looked after in this round")
        await asyncio.sleep(EVERY_S)


async def _round(core: Core, *, aged: bool) -> None:
    at = core.now()
    async with core.reading() as conn:
        expired, unfinished = await _rows(conn, "expires_at <= %s", at), await _rows(conn, "erasing = %s", "yes")
        old = await due_by(conn, at) if aged else []
    for tenant, row in expired:
        cause = f"holds over {row.session} {row.position}"
        await _say(core, tenant, cause, partial(keeping.expire_holds, session=row.session))
    for one in old:
        await _reach(core, one, at)
    for tenant, row in unfinished:
        try:
            await erasing.erase(core, tenant, row)
        except (ObjectStoreAway, psycopg.Error, PoolTimeout, LedgerAway) as why:
            log.warning("the erasing of session %s goes on later: %s", row.session, type(why).__name__)
        except NotAtHand as why:  # its keys are gone by now, and its objects
            log.warning("the read models' rows of session %s are erased when this can be read: %s", row.session, why)
        except Exception:
            log.exception("the erasing of session %s could not be finished; it is tried again", row.session)


async def due_by(conn: AsyncConnection, at: datetime, tenant: str = "") -> list[Due]:
    """Sessions of which something may have been kept for long enough by then; of one tenant, if it is named."""
    found = [*await _rows(conn, "looked_at_from <= %s", at), *await _never_came(conn, at)]
    return [one for one in found if tenant in ("", one.tenant)]


async def _never_came(conn: AsyncConnection, at: datetime) -> list[Due]:
    """Sessions that never began, of who was withdrawn or whose exam was called off: over when the window closed."""
    cursor = await conn.execute(
        "SELECT k.tenant, k.data::text, (s.data->'window'->>'closes_at')::timestamptz FROM read.keeping k"
        " JOIN read.schedules s ON s.key = k.tenant || '/' || (k.data->>'schedule') WHERE k.phase = ANY(%s)"
        " AND (s.phase IN ('cancelled', 'closed') OR NOT s.data->'sessions' ? (k.data->>'session'))"
        " AND (s.data->'window'->>'closes_at')::timestamptz < %s",
        (list(WAITING), at),
    )
    return [Due(tenant, replace(_decoder.decode(data), over_at=over_at)) async for tenant, data, over_at in cursor]


async def _repeat(core: Core) -> None:
    """Destroys the keys of all that was ever erased once more: a database that was put back may hold them again."""
    async with core.reading() as conn:
        erased = await _rows(conn, "data->'keeping'->>'erased' <> %s", "[]")
    for _, row in erased:
        await core.keys.destroy(KeyName(row.subject, row.session, one) for one in row.keeping.erased)


async def outdated(core: Core, due: Due, at: datetime) -> list[Outdated]:
    """What of a session has been kept for as long as its policy says, or, if it never began, its schedule's."""
    tenant, row = due
    if row.over_at is None:
        return []
    policy = Policy() if row.days is None else Policy(media_kept_days=row.days[0], record_kept_days=row.days[1])
    if row.days is None:
        stream = str(Stream(tenant, schedule.DECIDER.kind, row.schedule))
        policy = (await core.handler.load(schedule.DECIDER, stream))[1].policy
    ends: Mapping[Kept, datetime] = keeping.retained(policy, row.over_at)
    return [
        Outdated(tenant, row, what, since, held=not row.keeping.held.isdisjoint(CLASSES[what]))
        for what, since in sorted(ends.items(), key=lambda one: (one[1], one[0] != "media"))
        if since <= at and what not in row.keeping.reached
    ]


async def _reach(core: Core, due: Due, at: datetime) -> None:
    for one in await outdated(core, due, at):
        assert one.row.over_at
        cause = f"kept long enough {one.row.session} {one.what} {one.row.over_at.isoformat()} {one.row.position}"
        use_case = partial(
            keeping.reach_retention, session=one.row.session, what=one.what, over_at=one.row.over_at
        )  # fmt: skip
        await _say(core, one.tenant, cause, use_case)


async def _say(core: Core, tenant: str, cause: str, use_case: UseCase) -> None:
    try:
        await core.act(tenant, ACTOR, cause, use_case)
    except (Refused, Busy) as why:
        log.info("not done: %s (%s)", cause, why)


async def _rows(conn: AsyncConnection, where: str, given: object) -> list[Due]:
    """As `vigil_project`, which sees every tenant."""
    cursor = await conn.execute(
        f"SELECT tenant, data::text FROM read.keeping WHERE {where} ORDER BY key",  # noqa: S608 - our own text
        (given,),
    )
    return [Due(tenant, _decoder.decode(data)) async for tenant, data in cursor]
