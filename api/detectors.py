"""The registry of detectors, with how often people confirm each, and the institution's own switch."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from api.callers import Who, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.policies import kind_named
from api.problems import away
from api.reading import rows_of
from commands import muting
from domain import switches
from domain.detector import Registered, registry
from domain.stream import Stream
from projections.counting import tallies
from projections.precision import PRECISION
from projections.reader import NotThereYet

READERS: tuple[Who, ...] = ("admin", "planner", "lead_invigilator", "reviewer", "auditor")
SWITCHERS: tuple[Who, ...] = ("admin", "planner")


class SwitchingOffEverywhere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Detectors(msgspec.Struct, frozen=True, kw_only=True):
    """What detectors look and listen for, then what candidates' pages tell."""

    detectors: tuple[Registered, ...]


@get("/detectors", guards=[may(*READERS)])
async def read(request: AnyRequest) -> Detectors:
    """Every kind that can be pointed out: its rule, what runs now, the institution's switch, and what people say of it.

    How often a rule is confirmed is a number about the rule, by version and weights, and never about a person. What
    people raise by hand is not among it. Nothing learns from it and nothing acts on it.
    """
    services, tenant = services_of(request), caller_of(request).tenant
    stream = str(Stream(tenant, switches.DECIDER.kind, switches.NAME))
    _, known = await services.handler.load(switches.DECIDER, stream, fresh=True)
    await rows_of(request, PRECISION, {"key": ""})  # no row, but as far as the caller wants to see
    try:
        async with services.pool.connection() as conn:
            happened = await tallies(conn, tenant)
    except NotThereYet:
        raise away("what you see is not up to date yet; try again in a moment", after_s=1) from None
    alive = [beat.runs for beat in services.detectors.alive()]
    return Detectors(detectors=registry(services.catalogue, known, alive, happened))


@post("/detectors/{kind:str}/off", guards=[may(*SWITCHERS)], status_code=204)
async def switch_off(request: AnyRequest, kind: FromPath[str], data: JSONBody[SwitchingOffEverywhere]) -> None:
    """Switches a detector off in every exam, at once and for good in sessions that run; each record says since when.

    Policies go on naming it. Sessions that start later are without it until it is on again.
    """
    await command(request, partial(muting.switch_off_everywhere, kind=kind_named(kind), reason=data.reason))


@post("/detectors/{kind:str}/on", guards=[may(*SWITCHERS)], status_code=204)
async def switch_on(request: AnyRequest, kind: FromPath[str]) -> None:
    """Switches it on again for who starts from now on. Sessions that ran while it was off stay without it."""
    await command(request, partial(muting.switch_on_everywhere, kind=kind_named(kind)))


HANDLERS = (read, switch_off, switch_on)
