"""A candidate's breaks: asked for, taken, and ended by coming back. Invigilators give them as interventions."""

from __future__ import annotations

from functools import partial
from typing import Literal

import msgspec
from litestar import delete, post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import WATCHERS, load_session, may
from api.candidate_view import Clock, clock
from api.ordering import AnyRequest, caller_of, command, services_of
from commands import interventions
from domain.stops import BreakKind


class WantedBreak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a `comfort` break the clock runs, on a `rest` break it stands."""

    kind: BreakKind = "comfort"


@post("/sessions/{session:str}/breaks", guards=[may("candidate")], status_code=200)
async def ask(request: AnyRequest, session: FromPath[str], data: JSONBody[WantedBreak]) -> Clock:
    """Asks for a break. A rest break that was granted beforehand begins at once; all others an invigilator gives."""
    await command(request, partial(interventions.ask_for_break, session=session, kind=data.kind))
    return await _now(request, session)


@delete("/sessions/{session:str}/breaks", guards=[may("candidate", *WATCHERS)])
async def close_request(request: AnyRequest, session: FromPath[str]) -> None:
    """Takes the request for a break back; or turns it down, as an invigilator."""
    why: Literal["withdrawn", "turned_down"] = "withdrawn" if caller_of(request).candidate else "turned_down"
    await command(request, partial(interventions.close_break_request, session=session, why=why))
    await _told(request, session)


@post("/sessions/{session:str}/breaks/return", guards=[may("candidate")], status_code=200)
async def come_back(request: AnyRequest, session: FromPath[str]) -> Clock:
    """Ends the break. A look at the camera is asked for then, as an intervention that the page follows."""
    await command(request, partial(interventions.come_back, session=session))
    return await _now(request, session)


async def _now(request: AnyRequest, session: str) -> Clock:
    await _told(request, session)
    return clock(await load_session(services_of(request), caller_of(request).tenant, session))


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (ask, close_request, come_back)
