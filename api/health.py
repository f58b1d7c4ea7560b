"""For operators: is it alive (/healthz), can it serve (/readyz), what does it count (/metrics)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress

import msgspec
import psycopg
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg_pool import PoolTimeout

from api.callers import anybody
from api.metrics import Metrics
from api.ordering import AnyRequest, services_of
from api.schema import says
from api.services import Check, Pool, Services
from projections.counting import tallies
from projections.reader import NotThereYet

PATIENCE_S = 2.0
FAR_BEHIND = 5000  # events
INCIDENTS_EVERY_S = 15.0


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    alive: bool = True
    version: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    checks: tuple[Check, ...]


@get("/healthz", guards=[anybody])
async def healthz(request: AnyRequest) -> Alive:
    """Says that the process answers, and nothing more: a database that is away is no reason to kill it."""
    return Alive(version=services_of(request).version)


@get("/readyz", guards=[anybody], opt=says(answers={503: Readiness}))
async def readyz(request: AnyRequest) -> Response[Readiness]:
    """200 when everything that is needed is there, else 503; each check says what it found."""
    services = services_of(request)
    checks = await asyncio.gather(
        _within("database", _database(services.pool)),
        _within("projections", _projections(services)),
        _within("objects", services.objects_ready()),
    )
    nats = Check(name="nats", ok=services.nats.is_connected, found="" if services.nats.is_connected else "away")
    every = (*checks, nats)
    ready = all(check.ok for check in every)
    return Response(Readiness(ready=ready, checks=every), status_code=200 if ready else 503)


@get("/metrics", guards=[anybody], media_type=CONTENT_TYPE_LATEST, include_in_schema=False)
async def metrics(request: AnyRequest) -> bytes:
    counted: Metrics = request.app.state.metrics
    counted.parked.clear()
    counted.behind.clear()
    with suppress(psycopg.Error, PoolTimeout, TimeoutError):  # nothing is known of the models then
        for model in await asyncio.wait_for(services_of(request).standings(), PATIENCE_S):
            counted.parked.labels(model.model).set(model.parked)
            counted.behind.labels(model.model).set(model.head - model.position)
    with suppress(psycopg.Error, PoolTimeout, TimeoutError, NotThereYet):
        await asyncio.wait_for(_incidents(services_of(request), counted), PATIENCE_S)
    return generate_latest(counted.registry)


async def _incidents(services: Services, counted: Metrics) -> None:
    """They are added up anew at most so often, however many ask."""
    if time.monotonic() - counted.incidents_told_at > INCIDENTS_EVERY_S:
        counted.incidents_told_at = time.monotonic()
        async with services.pool.connection() as conn:
            counted.tell_incidents(await tallies(conn, services.tenant))


async def _within(name: str, asked: Awaitable[Check]) -> Check:
    try:
        return await asyncio.wait_for(asked, PATIENCE_S)
    except TimeoutError:
        return Check(name=name, ok=False, found="no answer in time")


async def _database(pool: Pool) -> Check:
    """The role that serves requests must not be able to write an event past the function `ledger.append`."""
    try:
        async with pool.connection(timeout=PATIENCE_S) as conn:
            cursor = await conn.execute(
                "SELECT current_user, p FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p"
                " WHERE has_table_privilege('ledger.events', p)"
            )
            able = await cursor.fetchall()
    except (psycopg.Error, PoolTimeout):
        return Check(name="database", ok=False, found="away")
    if able:
        rights = ", ".join(str(right) for _, right in able)
        return Check(name="database", ok=False, found=f"the role {able[0][0]} may {rights} events directly")
    return Check(name="database", ok=True)


async def _projections(services: Services) -> Check:
    """What people read must not be far behind what happened. Rows that wait for a fix are told of, and stop nobody."""
    try:
        models = await services.standings()
    except (psycopg.Error, PoolTimeout):
        return Check(name="projections", ok=False, found="away")
    if not models:
        return Check(name="projections", ok=False, found="not there yet")
    worst = max(models, key=lambda model: model.head - model.position)
    behind = worst.head - worst.position
    parked = sum(model.parked for model in models)
    found = [f"{worst.model} is {behind} events behind"] if behind else []
    found += [f"{parked} {'row waits' if parked == 1 else 'rows wait'} for a fix"] if parked else []
    return Check(name="projections", ok=behind <= FAR_BEHIND, found="; ".join(found))


HANDLERS = (healthz, readyz, metrics)
