"""Exports: one session's record, or a whole schedule's, made in the background and fetched as one file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream as StreamResponse

from api.bodies import Id
from api.callers import load_schedule, may, reach_session
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied, missing
from api.restriction import must_be_shown
from api.schema import says
from api.services import ExportStatus
from commands import recordings
from commands.handler import Work
from domain.event import Refused


class NewExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one `session` or of one `schedule`; of the schedule's sessions, those whose record is sealed."""

    session: Id | None = None
    schedule: Id | None = None


class ExportMade(msgspec.Struct, frozen=True, kw_only=True):
    export: str
    sessions: tuple[str, ...]


class Export(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far it came. When it is done, `file` is where it is fetched, with its size and SHA-256 (hex)."""

    export: str
    state: Literal["running", "done", "failed"]
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    why: str = ""


@post("/exports", guards=[may("auditor")], opt=limited("exports") | says(404), status_code=202)
async def make(request: AnyRequest, data: JSONBody[NewExport]) -> Response[ExportMade]:
    """Begins an export. That it was made is put on each record that it holds."""
    services, caller = services_of(request), caller_of(request)
    if (data.session is None) == (data.schedule is None):
        raise Denied(422, "invalid", "name either a session or a schedule", field="session")
    if data.session is not None:
        await reach_session(services, caller, caller.within(("auditor",)), data.session)
        wanted: tuple[str, ...] = (data.session,)
    else:
        plan = await load_schedule(services, caller.tenant, data.schedule or "")
        if not (caller.auditing and caller.auditing.covers(data.schedule or "")):
            raise missing("schedule")
        wanted = tuple(sorted(plan.candidates.values()))
    made = await command(request, partial(_export_all, sessions=wanted))
    sessions = tuple(session for session in wanted if f"of.{session}" in made.ids)
    name = made.ids["export"]
    await services.exports.begin(caller.tenant, name, sessions, caller.actor)
    location = {"Location": f"/api/v1/exports/{name}"}
    return Response(ExportMade(export=name, sessions=sessions), status_code=202, headers=location)


@get("/exports/{export:str}", guards=[may("auditor")])
async def read(request: AnyRequest, export: FromPath[str]) -> Export:
    status = await _mine(request, export)
    file = f"/api/v1/exports/{export}/file" if status.state == "done" else ""
    return Export(export=export, state=status.state, file=file, bytes=status.size, sha256=status.sha256, why=status.why)


@get("/exports/{export:str}/file", guards=[may("auditor")], media_type="application/zip", opt=says(409))
async def fetch(request: AnyRequest, export: FromPath[str]) -> StreamResponse:
    """The export as one zip file, for whoever asked for it."""
    status = await _mine(request, export)
    if status.state != "done":
        raise Denied(409, "refused", "the export is not done", headers={"Retry-After": "2"})
    for session in status.sessions:
        await must_be_shown(services_of(request), caller_of(request), session)
    headers = {
        "Content-Disposition": f'attachment; filename="vigil-{export}.zip"',
        "Content-Length": str(status.size),
        "Cache-Control": "private, no-store",
    }
    services, tenant = services_of(request), caller_of(request).tenant
    return StreamResponse(services.exports.read(tenant, export), media_type="application/zip", headers=headers)


async def _mine(request: AnyRequest, export: str) -> ExportStatus:
    """Whoever asked for it, while they still reach what it holds: the sessions of one schedule."""
    services, caller = services_of(request), caller_of(request)
    status = await services.exports.status(caller.tenant, export)
    if status is None or status.by != caller.actor:
        raise missing("export")
    await reach_session(services, caller, caller.within(("auditor",)), status.sessions[0], named="export")
    return status


async def _export_all(work: Work, *, sessions: tuple[str, ...]) -> Mapping[str, str]:
    """One export over all records that are sealed. Refused when none is."""
    ids: dict[str, str] = {}
    refusal = Refused("no record of this schedule is sealed yet")
    for session in sessions:
        try:
            ids |= await recordings.export(work, session)
            ids[f"of.{session}"] = "exported"
        except Refused as why:
            refusal = why
    if not ids:
        raise refusal
    return ids


HANDLERS = (make, read, fetch)
