"""The start PIN: made by a planner, seen by who is on duty, and asked of candidates when they start."""

from __future__ import annotations

import math
import secrets
from functools import partial

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from api.callers import WATCHERS, load_schedule, load_session, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.schedules import Switch
from commands import schedules
from commands.handler import UseCase
from domain.event import Refused
from domain.start_pin import DIGITS, waits_until


class StartPin(msgspec.Struct, frozen=True, kw_only=True):
    """None when candidates start without one."""

    pin: str | None


@get("/schedules/{schedule:str}/pin", guards=[may("planner", *WATCHERS)])
async def read(request: AnyRequest, schedule: FromPath[str]) -> Response[StartPin]:
    return await _as_it_is(request, schedule)


@post("/schedules/{schedule:str}/pin", guards=[may("planner")], status_code=200)
async def switch(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Switch]) -> Response[StartPin]:
    """Makes a new PIN, which replaces the one before at once; or takes it away."""
    pin = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}" if data.enabled else None
    await command(request, partial(schedules.set_pin, name=schedule, pin=pin))
    return await _as_it_is(request, schedule)


async def checked(request: AnyRequest, session: str, start: UseCase) -> None:
    """Runs a start. Raises `Denied` for a wrong PIN, and with `Retry-After` while none may be tried."""
    try:
        receipt = await command(request, start)
    except Refused as refusal:
        if refusal.field != "pin" or refusal.kind == "invalid":
            raise
        wait = await _wait(request, session)
        if not wait:  # the answer to an earlier try, repeated: the wait is over
            raise
        raise _denied(429, "wait", refusal.rule, wait) from None
    if "wrong" in receipt.ids:
        rule = "this is not the PIN of your exam; check it with your invigilator and type it again"
        raise _denied(422, "invalid", rule, await _wait(request, session))


async def _as_it_is(request: AnyRequest, schedule: str) -> Response[StartPin]:
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    pin = plan.pin.text if plan.pin else None
    return Response(StartPin(pin=pin), headers={"Cache-Control": "private, no-store"})


async def _wait(request: AnyRequest, session: str) -> int:
    """Seconds until the next PIN may be tried."""
    services = services_of(request)
    until = waits_until(await load_session(services, caller_of(request).tenant, session))
    return max(0, math.ceil((until - services.now()).total_seconds())) if until else 0


def _denied(status: int, name: str, rule: str, wait: int) -> Denied:
    if not wait:
        return Denied(status, name, rule, field="pin")
    detail = f"{rule}; you can try again in {wait} seconds"
    return Denied(status, name, detail, field="pin", headers={"Retry-After": str(wait)})


HANDLERS = (read, switch)
