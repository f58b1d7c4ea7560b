"""Reading the models. A client that names a position (`Vigil-At-Least`) sees at least that, so its own writes too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from api.callers import load_schedule
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied, away
from api.restriction import restricted, sees_all, shown
from api.services import Services
from domain.stream import Stream
from projections.gradebook import Account
from projections.keeping import Kept
from projections.live import Live
from projections.model import Model, R
from projections.people import PEOPLE
from projections.reader import Found, NotThereYet, find

AT_LEAST = "vigil-at-least"
PATIENCE_S = 2.0
LOOK_S = 0.02

Where = Mapping[str, str | int | datetime]


async def rows_of(
    request: AnyRequest, model: Model[R], where: Where | None = None, *, after: str = "", most: int | None = None
) -> Found[R]:
    """Rows of the caller's tenant. Waits up to two seconds for the position asked for. Raises `Denied` 503 or 400.

    Sessions that are restricted are told by their number, to who may not see more of them.
    """
    services, caller = services_of(request), caller_of(request)
    named = model.row in (Account, Live) and not sees_all(caller)
    wanted = at_least(request)
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    while True:
        found: Found[R] | None = None
        kept: Found[Kept] | None = None
        try:
            async with services.pool.connection() as conn:
                found = await find(conn, model, caller.tenant, where, after=after, most=most)
                kept = await restricted(conn, caller.tenant) if named else None
        except NotThereYet:
            found = None
        if found and found.position >= wanted and (kept is None or kept.position >= wanted):
            return found._replace(rows=shown(found.rows, kept, caller)) if kept else found
        if loop.time() > until:
            raise away("what you see is not up to date yet; try again in a moment", after_s=1)
        await asyncio.sleep(LOOK_S)


async def stale_of(services: Services, tenant: str, schedule: str, found: Found[R]) -> list[str]:
    """Which of the keys and streams that wait for a fix are this schedule's: of the others its readers know nothing."""
    if not found.stale:
        return []
    plan = await load_schedule(services, tenant, schedule)
    enrolled = {f"{tenant}/{session}" for session in plan.candidates.values()}
    return sorted(found.stale & {*found.rows, *enrolled, str(Stream(tenant, "schedule", schedule))})


async def names_of(request: AnyRequest) -> dict[str, str | None]:
    """What the accounts of the staff are called, by their id."""
    services, tenant = services_of(request), caller_of(request).tenant
    async with services.pool.connection() as conn:
        found = await find(conn, PEOPLE, tenant)
    return {row.user: row.name for row in found.rows.values()}


def at_least(request: AnyRequest) -> int:
    """The position that a client wants to see; 0 when it does not say."""
    text = request.headers.get(AT_LEAST, "0").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Denied(400, "malformed", "a position of the ledger is expected", field="Vigil-At-Least")
    return int(text)
