"""Triage of incidents on the wall: taken, released, set aside, escalated to a lead. None of it is a verdict."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from api.callers import WATCHERS, may
from api.incidents import Incident, incident_of
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.reading import names_of, rows_of
from commands import triage
from commands.handler import UseCase
from domain import incidents
from domain.event import Refused
from domain.stream import Stream
from projections.incidents import INCIDENTS
from projections.live import LIVE


class Remark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """One that waits for a lead, or that a lead has taken. Names are None once erased."""

    session: str
    name: str | None
    number: str | None
    escalated_at: datetime
    incident: Incident


class Escalations(msgspec.Struct, frozen=True, kw_only=True):
    escalations: tuple[Escalation, ...]


@post("/sessions/{session:str}/incidents/{incident:str}/take", guards=[may(*WATCHERS)], status_code=204)
async def take(request: AnyRequest, session: FromPath[str], incident: FromPath[str]) -> None:
    """Says that you look after it. Who comes second is told who was first; it is yours until you release it.

    It is released by itself a minute after your last page has left, and when you go off duty.
    """
    wanted = partial(triage.take, session=session, incident=incident, lead=_lead(request))
    await _do(request, session, incident, wanted)


@post("/sessions/{session:str}/incidents/{incident:str}/release", guards=[may(*WATCHERS)], status_code=204)
async def release(request: AnyRequest, session: FromPath[str], incident: FromPath[str]) -> None:
    """Gives it back. A lead may do so for somebody else, and takes what was escalated off their list with it."""
    wanted = partial(triage.release, session=session, incident=incident, lead=_lead(request))
    await _do(request, session, incident, wanted)


@post("/sessions/{session:str}/incidents/{incident:str}/set-aside", guards=[may(*WATCHERS)], status_code=204)
async def set_aside(
    request: AnyRequest, session: FromPath[str], incident: FromPath[str], data: JSONBody[Remark | None] = None
) -> None:
    """Says that it needs nobody now. It comes back when it becomes graver, or when somebody takes it."""
    note = data.note if data else ""
    wanted = partial(triage.set_aside, session=session, incident=incident, note=note, lead=_lead(request))
    await _do(request, session, incident, wanted)


@post("/sessions/{session:str}/incidents/{incident:str}/escalate", guards=[may(*WATCHERS)], status_code=204)
async def escalate(
    request: AnyRequest, session: FromPath[str], incident: FromPath[str], data: JSONBody[Remark | None] = None
) -> None:
    """Hands it to the lead invigilators, with a note."""
    note = data.note if data else ""
    wanted = partial(triage.escalate, session=session, incident=incident, note=note, lead=_lead(request))
    await _do(request, session, incident, wanted)


@get("/schedules/{schedule:str}/escalations", guards=[may(*WATCHERS)])
async def escalations(request: AnyRequest, schedule: FromPath[str]) -> Escalations:
    """What has been escalated and not yet been set aside, given back or judged; the longest first."""
    names, found = await names_of(request), list[Escalation]()
    for row in (await rows_of(request, LIVE, {"schedule": schedule})).rows.values():
        if not any(one.escalated_by for one in row.triage.values()):
            continue
        for incident in (await rows_of(request, INCIDENTS, {"session": row.session})).rows.values():
            if incident.escalated_at:
                found.append(
                    Escalation(
                        session=row.session, name=row.name, number=row.number, escalated_at=incident.escalated_at,
                        incident=incident_of(incident, names),
                    )
                )  # fmt: skip
    return Escalations(escalations=tuple(sorted(found, key=lambda one: (one.escalated_at, one.incident.incident))))


async def _do(request: AnyRequest, session: str, incident: str, use_case: UseCase) -> None:
    try:
        await command(request, use_case)
    except Refused as refusal:
        if refusal.field != "taken_by":
            raise
        stream = str(Stream(caller_of(request).tenant, "incidents", session))
        _, state = await services_of(request).handler.load(incidents.DECIDER, stream, fresh=True)
        tended = state.triage.get(incident)
        first = tended and tended.taken_by
        name = (first and (await names_of(request)).get(first)) or "somebody else"
        raise Denied(409, "refused", f"{name} has taken this incident", field="taken_by") from None


def _lead(request: AnyRequest) -> bool:
    return "lead_invigilator" in caller_of(request).roles


HANDLERS = (take, release, set_aside, escalate, escalations)
