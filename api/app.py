"""The application: routes, errors, limits and hooks, put together from the services that it is handed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute, WebSocketRoute

from api import (
    access,
    accommodations,
    appeals,
    breaks,
    candidate_stream,
    candidates,
    canned_messages,
    certificate,
    certificate_page,
    chat,
    clips,
    compliance,
    consents,
    course,
    day,
    detectors,
    devices,
    duty,
    exports,
    health,
    holds,
    ice_servers,
    identity,
    incidents,
    interventions,
    join,
    late,
    live,
    outages,
    own_media,
    own_record,
    page,
    policies,
    proofs,
    receipt,
    record_links,
    recordings,
    records,
    requests,
    reviews,
    schedules,
    service_tokens,
    sessions,
    sign_in,
    sign_ins,
    signals,
    staffing,
    start_pin,
    stills,
    subjects,
    system,
    triage,
    upload_test,
    users,
    wall,
    whep,
    whip,
)
from api import help as helping
from api.bodies import strict_body
from api.callers import declared
from api.echo import Echo
from api.hints import Hints
from api.hub import Hub
from api.limits import Buckets, within_limits
from api.metrics import CountRequests, Metrics
from api.options import allow_all, methods_of
from api.ordering import AnyRequest, key_of, name_position, tell_time
from api.presence import Attendance, Presence
from api.problems import HANDLERS
from api.schema import Structs, describe, openapi
from api.services import Services
from api.strangers import Strangers

PREFIX = "/api/v1"
PARTS = (
    sign_in, users, schedules, staffing, candidates, accommodations, start_pin, join, sessions, upload_test,
    candidate_stream, signals, identity, devices, ice_servers, whip, whep, chat, canned_messages, helping,
    interventions, breaks, outages, live, wall, consents, policies, detectors, duty, day, course, incidents, triage,
    records, reviews, access, recordings, clips, late, stills, receipt, exports, proofs, service_tokens, sign_ins,
    requests, certificate, certificate_page, compliance, subjects, holds, record_links, own_record,
    own_media, appeals, system,
)  # fmt: skip


def create_app(services: Services) -> Litestar:
    """The ASGI application. Raises ImproperlyConfiguredException when a route does not say who may call it."""
    metrics, hints = Metrics(), Hints(services.nats)
    metrics.registry.register(services.detectors)
    presence, attendance, watching = Presence(services.nats), Attendance(), whep.Watching()
    echo = Echo(services.nats)

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await services.workers.listen(services.nats)
        await services.detectors.listen(services.nats)
        await hints.listen()
        await attendance.listen(services.nats)
        telling = asyncio.create_task(presence.tell(), name="presence")
        async with echo:
            yield
        telling.cancel()
        watching.close()

    app = Litestar(
        route_handlers=[
            Router(PREFIX, route_handlers=[handler for part in PARTS for handler in part.HANDLERS]),
            *health.HANDLERS,
            *page.HANDLERS,
        ],
        before_request=_first,
        before_send=[name_position, tell_time, page.protect, allow_all],
        exception_handlers=HANDLERS,
        lifespan=[running],
        logging_config=None,
        middleware=[CountRequests(metrics)],
        openapi_config=openapi(services.version),
        plugins=[Structs()],
        request_max_body_size=services.limits.body_bytes,
    )  # fmt: skip
    app.state.services = services
    app.state.buckets = Buckets(services.limits.rates)
    app.state.strangers = Strangers(app.state.buckets)
    app.state.methods = methods_of(app)
    app.state.metrics = metrics
    app.state.hints = hints
    app.state.presence = presence
    app.state.attendance = attendance
    app.state.watching = watching
    app.state.echo = echo
    app.state.hub = Hub(services, hints)
    app.state.wall = wall.Wall(services.nats)
    _all_declared(app)
    describe(app, services.limits.rates)
    return app


async def _first(request: AnyRequest) -> None:
    await within_limits(request)
    key_of(request)  # also where a request turns out to hold no command
    await strict_body(request)


def handlers_of(route: BaseRoute) -> list[BaseRouteHandler]:
    """The handlers of a route, without the framework's own answer to OPTIONS."""
    if isinstance(route, HTTPRoute):
        return [one for one in route.route_handlers if one.http_methods != {"OPTIONS"} or not _frameworks_own(one)]
    assert isinstance(route, WebSocketRoute | ASGIRoute)
    return [route.route_handler]


def _frameworks_own(handler: BaseRouteHandler) -> bool:
    return handler.fn.__module__.startswith("litestar.")


def _all_declared(app: Litestar) -> None:
    for route in app.routes:
        for handler in handlers_of(route):
            if not declared(handler):
                raise ImproperlyConfiguredException(f"{route.path} does not say who may call it")
