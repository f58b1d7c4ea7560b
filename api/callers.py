"""Who is calling, and whether they may. Every route says so with `guards=[may(...)]` or `guards=[anybody]`.

A route with a `schedule` or a `session` in its path is checked for that one too: an invigilator reaches the schedules
that they are assigned to, until these are over; an auditor those that they are assigned to, until a date; a candidate
reaches their own session. All else is not there (404).
Roles are read from the user's own stream at each request, so that a change holds at once.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from psycopg_pool import PoolTimeout

from api.caller import Caller, Who, a_program, known, read, unauthenticated
from api.links import linked
from api.problems import Denied, missing
from api.services import Services
from commands.service_tokens import presented
from domain import record, schedule, session_rules
from domain.archive import Away
from domain.phase import RUNNING
from domain.schedule import Schedule
from domain.session import Session
from domain.stream import Stream
from projections.reader import phases
from projections.schedules import Sitting

__all__ = ["Caller", "Who"]

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

WATCHERS: tuple[Who, ...] = ("invigilator", "lead_invigilator")
STAFF: tuple[Who, ...] = (
    "admin", "planner", "lead_invigilator", "invigilator", "reviewer", "auditor", "data_protection_officer",
)  # fmt: skip
EVERYBODY: tuple[Who, ...] = (*STAFF, "candidate")
_ASSIGNED: frozenset[Who] = frozenset({*WATCHERS, "auditor"})  # each to schedules
COOKIE = "vigil"
TIDYING = timedelta(hours=12)  # after the window, for what is open then; later it is over, if nobody sits it any more
_ID = re.compile(r"[a-z0-9_-]{1,64}(\.[a-z0-9_]{1,64})?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def may(*roles: Who, any_device: bool = False, by_record_link: bool = False) -> Guard:
    """Lets these roles through, to the schedule or session in the path if they have business with it.

    A candidate comes from the device that is live, or from `any_device`; or, months later, `by_record_link`.
    """

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        caller = await identify(connection)
        held = caller.within(roles)
        if not held and set(STAFF) <= set(roles):  # whoever is assigned no longer can still sign out
            held = caller.roles.intersection(roles)
        if not held:
            raise Denied(403, "forbidden", _why_not(caller, roles))
        if caller.by_record_link and not by_record_link:
            raise Denied(403, "forbidden", "a record link shows the record, and lets you appeal; nothing else")
        connection.scope["user"] = caller
        await _in_reach(connection, caller, held, any_device=any_device)

    guard.__dict__["roles"] = roles
    return guard


async def anybody(_: Connection, __: BaseRouteHandler) -> None:
    """Lets everybody through, signed in or not."""


anybody.__dict__["roles"] = ("anybody",)


def declared(handler: BaseRouteHandler) -> tuple[str, ...]:
    """The roles that a route lets through; empty when it says nothing, which the application refuses at its start."""
    found: list[str] = []
    for guard in handler.resolve_guards():
        found += getattr(guard, "roles", ())
    return tuple(found)


async def still_allowed(connection: Connection) -> bool:
    """Whether the caller of a stream that was let in before would be let in now."""
    try:
        for guard in connection.route_handler.resolve_guards():
            await guard(connection, connection.route_handler)
    except Denied:
        return False
    except (psycopg.OperationalError, PoolTimeout):
        return True  # the database is away, and nothing new is read from it either
    return True


async def identify(connection: Connection) -> Caller:
    """The caller by bearer token, cookie or link. Raises `Denied` 401, or 403 for a change by cookie from elsewhere."""
    services: Services = connection.app.state.services
    at = services.now()
    if bearer := connection.headers.get("authorization", ""):
        kind, _, text = bearer.partition(" ")
        if kind.lower() == "bearer" and (given := presented(text.strip())):
            return await a_program(services, given, at)
        return await known(services, read(services, text.strip() if kind.lower() == "bearer" else "", at), at)
    if not (text := connection.cookies.get(COOKIE, "")):
        if token := linked(connection, services.tokens, at):
            return await known(services, token, at)
        raise unauthenticated("sign in, or send a bearer token")
    token = read(services, text, at)
    if connection.scope["type"] == ScopeType.WEBSOCKET or connection.scope.get("method") not in _SAFE:
        same_origin(connection)
    return await known(services, token, at)


def same_origin(connection: Connection) -> None:
    """Raises `Denied` 403 unless the page that sends this is one of ours."""
    services: Services = connection.app.state.services
    origin = connection.headers.get("origin", "")
    public = urlsplit(services.public_url)
    allowed = {f"{public.scheme}://{public.netloc}", f"{public.scheme}://{connection.headers.get('host', '')}"}
    if origin not in allowed:
        raise Denied(403, "foreign-origin", "with a cookie, this works only from Vigil's own pages")


async def load_session(services: Services, tenant: str, name: str, *, named: str = "session") -> Session:
    """The session as it is now. Raises `Denied` 404 about the part of the path that named it."""
    stream = str(Stream(tenant, "session", name))
    _, state = await services.handler.load(session_rules.DECIDER, stream, fresh=True)
    if state.phase == "absent":
        raise missing(named)
    return state


async def load_schedule(services: Services, tenant: str, name: str) -> Schedule:
    """The schedule as it is now. Raises `Denied` 404."""
    stream = str(Stream(tenant, "schedule", name))
    _, state = await services.handler.load(schedule.DECIDER, stream, fresh=True)
    if state.phase == "absent":
        raise missing("schedule")
    return state


def zone_of(plan: Schedule) -> str:
    """The time zone that people are told beside their own."""
    return plan.window.time_zone if plan.window else "UTC"


async def reach_session(
    services: Services, caller: Caller, roles: frozenset[Who], name: str, *, named: str = "session"
) -> Session:
    """The session, if the caller has business with it in one of these roles.

    Raises `Denied` 404; and `Away` where it is archived, for who has business with it.
    """
    try:
        session = await load_session(services, caller.tenant, name, named=named)
    except Away as away:
        await _reach_archived(services, caller, roles, name, named=named)
        raise Away(f"session {name}", away.bundle) from away
    if roles == {"candidate"}:
        if caller.session != name:
            raise missing(named)
    elif not _covered(caller, roles, session.schedule):
        plan = await load_schedule(services, caller.tenant, session.schedule)
        if roles.isdisjoint(WATCHERS) or not _theirs(plan, caller, services.now(), {session.phase}):
            raise missing(named)
    return session


async def _reach_archived(
    services: Services, caller: Caller, roles: frozenset[Who], name: str, *, named: str
) -> None:  # fmt: skip
    """Whether somebody has business with a session whose stream is archived, told by its record. Raises 404."""
    stream = str(Stream(caller.tenant, record.DECIDER.kind, name))
    _, known = await services.handler.load(record.DECIDER, stream, fresh=True)
    theirs = caller.session == name if roles == {"candidate"} else _covered(caller, roles, known.shelved.schedule)
    if not theirs:
        raise missing(named)


async def _in_reach(connection: Connection, caller: Caller, roles: frozenset[Who], *, any_device: bool) -> None:
    services: Services = connection.app.state.services
    named = connection.path_params
    for key, value in named.items():
        if key != "rest" and not (isinstance(value, str) and _ID.fullmatch(value)) and not isinstance(value, int):
            raise missing(key)
    if "recording" in named:
        await reach_session(services, caller, roles, str(named["recording"]).partition(".")[0], named="recording")
    if "session" in named:
        session = await reach_session(services, caller, roles, str(named["session"]))
        if session.schedule != named.get("schedule", session.schedule):
            raise missing("session")
        if roles == {"candidate"} and not (any_device or session.over or session.devices.take(caller.device)):
            raise Denied(403, "other-device", "this exam is on another device now; to go on here, open your link again")
    if "schedule" in named:
        plan = await load_schedule(services, caller.tenant, str(named["schedule"]))
        if roles == {"candidate"} and caller.schedule != named["schedule"]:
            raise missing("schedule")
        if roles != {"candidate"} and not _covered(caller, roles, str(named["schedule"])):
            found: Iterable[str] = ()
            if _tidied(plan, services.now()):
                async with services.pool.connection() as conn:
                    found = (await phases(conn, caller.tenant)).get(str(named["schedule"]), ())
            if roles.isdisjoint(WATCHERS) or not _theirs(plan, caller, services.now(), found):
                raise missing("schedule")


def sees(caller: Caller, roles: tuple[Who, ...], plan: Sitting, at: datetime, found: Iterable[str]) -> bool:
    """Whether a route for these roles shows a schedule: to mere invigilators, if they are on it and it is not over.

    To a mere auditor, if they are assigned to it. `found` are the phases of its sessions.
    """
    held = caller.within(roles)
    if _covered(caller, held, plan.schedule):
        return True
    return not held.isdisjoint(WATCHERS) and _theirs(plan, caller, at, found)


def _covered(caller: Caller, roles: frozenset[Who], schedule: str) -> bool:
    """Whether one of these roles reaches every schedule, or this one as an auditor."""
    auditing = caller.auditing if "auditor" in roles else None
    return not roles <= _ASSIGNED or (auditing is not None and auditing.covers(schedule))


def _why_not(caller: Caller, roles: tuple[Who, ...]) -> str:
    if "auditor" in caller.roles.intersection(roles):
        return "you are assigned to no audit now; an administrator assigns auditors, each time until a date"
    return "your role does not allow this"


def _theirs(plan: Schedule | Sitting, caller: Caller, at: datetime, found: Iterable[str]) -> bool:
    """It is never over while a session runs or is paused: nobody else could help who sits it.

    A schedule that was called off stays with its invigilators: whoever sat the exam must be told, and may write.
    """
    over = plan.phase == "closed" or (_tidied(plan, at) and RUNNING.isdisjoint(found))
    return caller.actor in plan.invigilators and not over


def _tidied(plan: Schedule | Sitting, at: datetime) -> bool:
    return plan.window is not None and at > plan.window.closes_at + TIDYING
