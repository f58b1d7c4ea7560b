"""Exports: a session's record, a schedule's, or a person's for themselves, made in the background, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream as StreamResponse

from api.bodies import Id
from api.callers import load_schedule, may, reach_session
from api.export_jobs import ExportStatus, Wanted
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied, missing
from api.reading import rows_of
from api.requests import OFFICER, asked
from api.restriction import must_be_shown
from api.schema import says
from commands import recordings, releasing
from commands.handler import UseCase, Work
from domain.event import Refused
from domain.release import Withheld
from projections.keeping import KEEPING

NOT_SEALED = "its record is not sealed yet"


class NewExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one `session`, of one `schedule`, or for the person who asks in a `request` for access.

    Of several sessions, those whose record is sealed. For a person, `withhold` says what is left out, each with the
    article of the GDPR that is the ground for it.
    """

    session: Id | None = None
    schedule: Id | None = None
    request: Id | None = None
    withhold: Annotated[tuple[Withheld, ...], msgspec.Meta(max_length=10)] = ()


class ExportMade(msgspec.Struct, frozen=True, kw_only=True):
    """`left_out` says of sessions that it does not hold why."""

    export: str
    sessions: tuple[str, ...]
    left_out: dict[str, str]


class Export(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far it came: sessions written, and media files of the one that is being written.

    When it is done, `file` is where it is fetched, with its size and SHA-256 (hex).
    """

    export: str
    state: Literal["running", "done", "failed"]
    sessions: int
    sessions_done: int
    media: int
    media_done: int
    request: str = ""
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    why: str = ""
    began_at: datetime | None = None


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller had made, newest first, for as long as it is kept: a day."""

    exports: tuple[Export, ...]


@post("/exports", guards=[may("auditor", OFFICER)], opt=limited("exports") | says(404), status_code=202)
async def make(request: AnyRequest, data: JSONBody[NewExport]) -> Response[ExportMade]:
    """Begins an export. That it was made is put on each record that it holds.

    The copy for a person is made by the data-protection officer, who alone can fetch it, looks it through and hands it
    over; another one may follow with more or less withheld. Each is noted on the request.
    """
    services, caller = services_of(request), caller_of(request)
    if sum(one is not None for one in (data.session, data.schedule, data.request)) != 1:
        raise Denied(422, "invalid", "name either a session, a schedule or a request", field="session")
    if data.request is not None:
        sessions, use_case = await _for_person(request, data.request, data.withhold)
    elif data.withhold:
        raise Denied(422, "invalid", "only of a copy for a person something is withheld", field="withhold")
    else:
        sessions = await _audited(request, data)
        use_case = partial(_export_all, sessions=sessions)
    made = await command(request, use_case)
    name, taken = made.ids["export"], tuple(session for session in sessions if f"of.{session}" in made.ids)
    left_out = {session: made.ids.get(f"why.{session}", NOT_SEALED) for session in sessions if session not in taken}
    wanted = Wanted(
        sessions=taken, by=caller.actor, left_out=left_out, request=data.request or "", withheld=data.withhold
    )
    await services.exports.begin(caller.tenant, name, wanted)
    location = {"Location": f"/api/v1/exports/{name}"}
    return Response(ExportMade(export=name, sessions=taken, left_out=left_out), status_code=202, headers=location)


@get("/exports/{export:str}", guards=[may("auditor", OFFICER)])
async def read(request: AnyRequest, export: FromPath[str]) -> Export:
    return _told(export, await _mine(request, export))


@get("/exports", guards=[may("auditor", OFFICER)])
async def read_mine(request: AnyRequest) -> Mine:
    services, caller = services_of(request), caller_of(request)
    shown = []
    for name in await services.exports.made_by(caller.tenant, caller.actor):
        try:
            shown.append(_told(name, await _mine(request, name)))
        except Denied:  # what it holds is out of the caller's reach by now
            continue
    return Mine(exports=tuple(shown))


@get("/exports/{export:str}/file", guards=[may("auditor", OFFICER)], media_type="application/zip", opt=says(409))
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


def _told(export: str, status: ExportStatus) -> Export:
    file = f"/api/v1/exports/{export}/file" if status.state == "done" else ""
    return Export(
        export=export, state=status.state, sessions=len(status.sessions), sessions_done=status.sessions_done,
        media=status.media, media_done=status.media_done, request=status.request, file=file, bytes=status.size,
        sha256=status.sha256, why=status.why, began_at=status.began_at,
    )  # fmt: skip


async def _mine(request: AnyRequest, export: str) -> ExportStatus:
    """Whoever asked for it, while they still reach what it holds: the sessions of one schedule, or of one person."""
    services, caller = services_of(request), caller_of(request)
    status = await services.exports.status(caller.tenant, export)
    if status is None or status.by != caller.actor:
        raise missing("export")
    if not status.request:
        await reach_session(services, caller, caller.within(("auditor",)), status.sessions[0], named="export")
    elif OFFICER not in caller.roles:
        raise missing("export")
    return status


async def _audited(request: AnyRequest, data: NewExport) -> tuple[str, ...]:
    """The session, or the schedule's, for an auditor who is assigned to it."""
    services, caller = services_of(request), caller_of(request)
    if "auditor" not in caller.roles:
        raise Denied(403, "forbidden", "auditors export records; you make copies for the person who asks for theirs")
    if data.session is not None:
        await reach_session(services, caller, caller.within(("auditor",)), data.session)
        return (data.session,)
    plan = await load_schedule(services, caller.tenant, data.schedule or "")
    if not (caller.auditing and caller.auditing.covers(data.schedule or "")):
        raise missing("schedule")
    return tuple(sorted(plan.candidates.values()))


async def _for_person(
    request: AnyRequest, name: str, withheld: tuple[Withheld, ...]
) -> tuple[tuple[str, ...], UseCase]:
    """The sessions of whoever asks in a request, and what releases a copy of their records."""
    caller = caller_of(request)
    if OFFICER not in caller.roles or caller.service:
        raise Denied(403, "forbidden", "the data-protection officer makes the copy for a person, and no program")
    row = await asked(request, name, field="request")
    found = await rows_of(request, KEEPING, {"subject": row.subject})
    theirs = {one.session for one in found.rows.values() if one.subject == row.subject}
    sessions = (row.session,) if row.session else tuple(sorted(theirs))
    return sessions, partial(releasing.release, name=name, sessions=sessions, withheld=withheld)


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
            ids[f"why.{session}"] = why.rule
    if "export" not in ids:
        raise refusal
    return ids


HANDLERS = (make, read_mine, read, fetch)
