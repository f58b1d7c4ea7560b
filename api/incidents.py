"""Incidents: what was flagged, the pictures behind it, raising one by hand, and verdicts, which only people give."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec.structs import replace

from api.blind import hidden
from api.callers import WATCHERS, may, reach_session
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Limit, page
from api.problems import Denied, missing
from api.reading import names_of, rows_of
from api.recordings import on_record
from api.restriction import unrestricted
from commands import flags
from domain.captions import CAPTIONS
from domain.incidents import Provenance, Role, Sampled, Severity, Verdict
from projections import incidents
from projections.gradebook import GRADEBOOK

JUDGES = (*WATCHERS, "reviewer")
EVIDENCE = "evidence pictures"  # as the record names them where somebody looked


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence: when it was taken, where it is fetched, the score behind it, SHA-256 (hex) of what is stored.

    `role` is what it is kept for, null where that was not told; `caption` says it in words.
    """

    at: datetime
    picture: str
    raw_score: float
    sha256: str
    role: Role | None
    caption: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    by: str
    by_name: str | None
    at: datetime


class Tended(msgspec.Struct, frozen=True, kw_only=True):
    """One step of looking after an incident on the wall: `taken`, `released` (`why`), `set_aside` or `escalated`."""

    what: str
    by: str
    by_name: str | None
    at: datetime
    note: str | None
    why: str


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, worded as an observation. `ended_at` is None while it goes on; the last verdict counts.

    `samples` are those that it was opened on, each with its score and whether that showed it.

    Who has it now, or escalated it or set it aside, is None where nobody did. `tended` is all of that in order.
    """

    incident: str
    session: str
    kind: str
    severity: Severity
    started_at: datetime
    ended_at: datetime | None
    ended: str
    confidence: float | None
    peak: float | None
    provenance: Provenance | None
    samples: tuple[Sampled, ...]
    raised_by: str | None
    note: str | None
    evidence: tuple[Picture, ...]
    verdicts: tuple[Judged, ...]
    taken_by: str | None
    taken_by_name: str | None
    escalated_by: str | None
    set_aside_by: str | None
    tended: tuple[Tended, ...]


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    incidents: tuple[Incident, ...]
    next: str | None


class NewIncident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    severity: Severity
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class IncidentMade(msgspec.Struct, frozen=True, kw_only=True):
    incident: str


class NewVerdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verdict: Verdict
    reason: Annotated[str, msgspec.Meta(max_length=2000)]


@get("/sessions/{session:str}/incidents", guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted])
async def read(request: AnyRequest, session: FromPath[str], *, limit: Limit = USUAL, after: After = "") -> Incidents:
    """All incidents of a session, in the order in which they were flagged.

    In a blind review a reviewer sees the verdicts of others on an incident once they have given their own.
    """
    found = await rows_of(request, incidents.INCIDENTS, {"session": session})
    about = await rows_of(request, GRADEBOOK, {"key": f"{caller_of(request).tenant}/{session}"})
    kept = hidden(next(iter(about.rows.values()), None), caller_of(request))
    rows = (replace(row, verdicts=()) if row.incident in kept else row for row in found.rows.values())
    names = await names_of(request)
    shown = page(request, rows, lambda row: (row.position, row.incident), limit, after)
    return Incidents(incidents=tuple(incident_of(row, names) for row in shown.rows), next=shown.next)


@post("/sessions/{session:str}/incidents", guards=[may(*JUDGES)])
async def raise_by_hand(
    request: AnyRequest, session: FromPath[str], data: JSONBody[NewIncident]
) -> Response[IncidentMade]:
    made = await command(request, partial(flags.raise_by_hand, session=session, severity=data.severity, note=data.note))
    return Response(IncidentMade(incident=made.ids["incident"]))


@post("/sessions/{session:str}/incidents/{incident:str}/verdict", guards=[may(*JUDGES)], status_code=204)
async def judge(
    request: AnyRequest, session: FromPath[str], incident: FromPath[str], data: JSONBody[NewVerdict]
) -> None:
    """Says whether what was flagged is really there. It is no finding of misconduct, which is the institution's."""
    await _judge(request, session, incident, data)


@post("/incidents/{incident:str}/verdict", guards=[may(*JUDGES)], status_code=204)
async def judge_by_id(request: AnyRequest, incident: FromPath[str], data: JSONBody[NewVerdict]) -> None:
    """The same, for whoever knows the incident's id only."""
    await _judge(request, await _session_of(request, incident), incident, data)


@get(
    "/sessions/{session:str}/incidents/{incident:str}/pictures/{number:int}",
    guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted],
    media_type="image/jpeg",
)
async def picture(
    request: AnyRequest, session: FromPath[str], incident: FromPath[str], number: FromPath[int]
) -> Response[bytes]:
    """One picture of the evidence, numbered from 0, as it was taken.

    That pictures were opened is put on the record, once for each person, session and minute.
    """
    return await picture_of(request, session, incident, number)


async def picture_of(request: AnyRequest, session: str, incident: str, number: int) -> Response[bytes]:
    """The JPEG, for somebody who may. Raises `Denied` 404."""
    services, tenant = services_of(request), caller_of(request).tenant
    found = await rows_of(request, incidents.INCIDENTS, {"key": f"{tenant}/{session}/{incident}"})
    row = next(iter(found.rows.values()), None)
    if row is None or not 0 <= number < len(row.evidence):
        raise missing("picture", field="number")
    taken = row.evidence[number]
    jpeg = await services.open_picture(tenant, session, taken)
    if jpeg is None:
        raise missing("picture", field="number")
    await on_record(request, session, what=EVIDENCE)
    # Not for longer than looks count as one: who opens it later is asked for, and noted, again.
    headers = {"Cache-Control": "private, max-age=60", "ETag": f'"{taken.sha256}"'}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


async def _judge(request: AnyRequest, session: str, incident: str, data: NewVerdict) -> None:
    if caller_of(request).service:
        raise Denied(403, "forbidden", "a person gives a verdict, never a program")
    wanted = partial(flags.judge, session=session, incident=incident, verdict=data.verdict, reason=data.reason)
    await command(request, wanted)


async def _session_of(request: AnyRequest, incident: str) -> str:
    """The session that an incident belongs to, if the caller may judge there. Raises `Denied` 404."""
    services, caller = services_of(request), caller_of(request)
    found = await rows_of(request, incidents.INCIDENTS, {"incident": incident})
    for row in found.rows.values():
        try:
            await reach_session(services, caller, caller.roles.intersection(JUDGES), row.session)
        except Denied:
            break
        return row.session
    raise missing("incident")


def incident_of(row: incidents.Incident, names: dict[str, str | None]) -> Incident:
    at = f"/api/v1/sessions/{row.session}/incidents/{row.incident}/pictures"
    pictures = tuple(
        Picture(
            at=e.at, picture=f"{at}/{n}", raw_score=e.raw_score, sha256=e.sha256, role=e.role, caption=CAPTIONS[e.role]
        )
        for n, e in enumerate(row.evidence)
    )
    verdicts = tuple(
        Judged(verdict=v.verdict, reason=v.reason, by=v.by, by_name=names.get(v.by), at=v.at) for v in row.verdicts
    )
    return Incident(
        incident=row.incident, session=row.session, kind=row.kind, severity=row.severity, started_at=row.started_at,
        ended_at=row.ended_at, ended=row.ended, confidence=row.confidence, peak=row.peak, provenance=row.provenance,
        samples=row.samples, raised_by=row.raised_by, note=row.note, evidence=pictures, verdicts=verdicts,
        taken_by=row.taken_by, taken_by_name=names.get(row.taken_by or ""), escalated_by=row.escalated_by,
        set_aside_by=row.set_aside_by,
        tended=tuple(
            Tended(what=t.what, by=t.by, by_name=names.get(t.by), at=t.at, note=t.note, why=t.why) for t in row.tended
        ),
    )  # fmt: skip


HANDLERS = (read, raise_by_hand, judge, judge_by_id, picture)
