"""What a candidate sees of their own record, in plain words: what was kept, what people decided, and how to appeal.

What was flagged and nobody confirmed is no finding and is not shown: only what the last decision rests on as confirmed.
Of the staff it is said in which part they acted, and no name. That the candidate looked is put on the record.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import load_schedule, load_session, may, zone_of
from api.observed import observed
from api.ordering import AnyRequest, caller_of, command, services_of
from api.own_media import confirmed, in_words, withheld_of
from api.problems import Denied, missing
from api.reading import rows_of
from api.record_links import appeals_close, in_force, load_record, readable
from commands import recordings
from commands.keeping import retained
from domain.appeal import AppealState, AttachmentKind
from domain.chat import Side
from domain.consent import Answered
from domain.decision import Ground, Outcome
from domain.incidents import Severity
from domain.intervention import Kind
from domain.notice import notice
from domain.phase import Phase
from domain.purpose import Purpose
from domain.record import SealKind
from domain.release import What, Withheld
from projections.chat import CHAT
from projections.gradebook import GRADEBOOK, Account
from projections.gradebook_row import BreakTaken, Fault, Gap, Objection
from projections.incidents import INCIDENTS, Incident


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people confirmed to be there. It is no finding of misconduct: that is the institution's.

    `pictures` is where those behind it are fetched; none where they are withheld.
    """

    incident: str
    kind: str
    severity: Severity
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    pictures: tuple[str, ...]


class OwnDecision(msgspec.Struct, frozen=True, kw_only=True):
    """`reason` is None once it is erased. `seal` is the number of the seal that it rests on."""

    number: int
    outcome: Outcome
    ground: Ground | None
    reason: str | None
    at: datetime
    seal: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    side: Side
    at: datetime
    text: str | None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an invigilator did; `why` says why it did not work."""

    kind: Kind
    at: datetime
    stage: str
    minutes: float | None
    why: str


class Taped(msgspec.Struct, frozen=True, kw_only=True):
    """One track. It is played by `/sessions/{session}/own-recordings`; a copy is given on a request for access."""

    track: str
    started_at: datetime | None
    ended_at: datetime | None
    gaps: tuple[Gap, ...]
    late_s: float


class OwnSeal(msgspec.Struct, frozen=True, kw_only=True):
    """To be compared with a receipt: the one of the same number has the same root."""

    number: int
    kind: SealKind
    at: datetime
    root: str


class OwnAttachment(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    kind: AttachmentKind
    bytes: int


class OwnAppeal(msgspec.Struct, frozen=True, kw_only=True):
    """`ended_at` is when it was answered, with the `reason`, or withdrawn."""

    appeal: str
    text: str | None
    at: datetime
    decision: int
    incident: str
    state: AppealState
    attached: tuple[OwnAttachment, ...]
    reason: str | None
    ended_at: datetime | None


class OwnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`notice` is what holds for this session, one sentence a line; `observed` says how much could be seen, by kind.

    `withheld` is what the data-protection officer withheld of the last copy, and why: it is not shown here either.
    `appeals_close_at` is as of the last decision; `readable_until` is None while an answer or a new decision is owed.
    Media are kept until `media_kept_until` and the rest until `record_kept_until`, unless something is held for longer.
    """

    session: str
    title: str
    name: str | None
    number: str | None
    phase: Phase
    started_at: datetime | None
    ended_at: datetime
    time_zone: str
    notice: str
    decided_by: str
    consents: dict[Purpose, Answered]
    objections: tuple[Objection, ...]
    observed: dict[str, str]
    faults: tuple[Fault, ...]
    breaks: tuple[BreakTaken, ...]
    interventions: tuple[Done, ...]
    messages: tuple[Said, ...]
    recordings: tuple[Taped, ...]
    withheld: dict[What, str]
    decisions: tuple[OwnDecision, ...]
    findings: tuple[Finding, ...]
    appeals: tuple[OwnAppeal, ...]
    appeals_close_at: datetime
    readable_until: datetime | None
    media_kept_until: datetime
    record_kept_until: datetime
    seals: tuple[OwnSeal, ...]
    key_fingerprint: str
    contact_phone: str
    contact_email: str


@get("/sessions/{session:str}/own-record", guards=[may("candidate", by_record_link=True)])
async def own_record(request: AnyRequest, session: FromPath[str]) -> OwnRecord:
    """The candidate's own record, once their session is over."""
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    if not state.over or state.ended_at is None:
        raise Denied(409, "refused", "the session is not over yet")
    plan = await load_schedule(services, tenant, state.schedule)
    key = f"view {session} own record {services.now():%Y-%m-%dT%H:%M}"
    await command(request, partial(recordings.view, session=session, what="own record"), key=key)
    row = (await rows_of(request, GRADEBOOK, {"key": f"{tenant}/{session}"})).rows.get(f"{tenant}/{session}")
    if row is None:
        raise missing("record", field="session")
    policy, known = in_force(state, plan), await load_record(services, tenant, session)
    kept, withheld = retained(policy, state.ended_at), await withheld_of(request, session)
    return OwnRecord(
        session=session, title=plan.title, name=row.name, number=row.number, phase=state.phase,
        started_at=state.started_at, ended_at=state.ended_at, time_zone=zone_of(plan),
        notice=notice(policy, plan.assessment.opens_in), decided_by=policy.decided_by, consents=row.consents,
        objections=row.objections, observed=observed(row).observed, faults=row.faults, breaks=row.breaks,
        interventions=_done(row), messages=await _messages(request, session), recordings=_taped(row),
        withheld=in_words(withheld), decisions=_decisions(row), findings=await _findings(request, row, withheld),
        appeals=_appeals(row),
        appeals_close_at=appeals_close(state, plan, known), readable_until=readable(state, plan, known),
        media_kept_until=kept["media"], record_kept_until=kept["record"], seals=_seals(row),
        key_fingerprint=services.key_fingerprint, contact_phone=plan.contact.phone, contact_email=plan.contact.email,
    )  # fmt: skip


async def _messages(request: AnyRequest, session: str) -> tuple[Said, ...]:
    found = await rows_of(request, CHAT, {"session": session})
    rows = sorted(found.rows.values(), key=lambda row: row.position)
    return tuple(Said(side=row.side, at=row.at, text=row.text) for row in rows)


async def _findings(request: AnyRequest, row: Account, withheld: tuple[Withheld, ...]) -> tuple[Finding, ...]:
    """What the last decision rests on as confirmed; before a decision there is none."""
    findings = confirmed(row)
    if not findings:
        return ()
    hidden = {incident for one in withheld for incident in one.incidents}
    at = f"/api/v1/sessions/{row.session}/own-incidents"
    found = await rows_of(request, INCIDENTS, {"session": row.session})
    return tuple(
        Finding(
            incident=one.incident, kind=one.kind, severity=one.severity, started_at=one.started_at,
            ended_at=one.ended_at, reason=None if one.incident in hidden else _why(one),
            pictures=() if one.incident in hidden else tuple(
                f"{at}/{one.incident}/pictures/{number}" for number in range(len(one.evidence))
            ),
        )
        for one in sorted(found.rows.values(), key=lambda one: one.started_at)
        if one.incident in findings
    )  # fmt: skip


def _why(one: Incident) -> str | None:
    return next((given.reason for given in reversed(one.verdicts) if given.verdict == "confirmed"), None)


def _done(row: Account) -> tuple[Done, ...]:
    acts = sorted(row.interventions.values(), key=lambda one: one.at)
    return tuple(Done(kind=one.kind, at=one.at, stage=one.stage, minutes=one.minutes, why=one.why) for one in acts)


def _taped(row: Account) -> tuple[Taped, ...]:
    return tuple(
        Taped(track=track, started_at=t.started_at, ended_at=t.ended_at, gaps=t.gaps, late_s=t.late_s)
        for track, t in sorted(row.recordings.items())
    )


def _decisions(row: Account) -> tuple[OwnDecision, ...]:
    return tuple(
        OwnDecision(
            number=one.number, outcome=one.outcome, ground=one.ground, reason=one.reason, at=one.at, seal=one.seal
        )
        for one in row.decisions
    )


def _appeals(row: Account) -> tuple[OwnAppeal, ...]:
    return tuple(
        OwnAppeal(
            appeal=one.appeal, text=one.text, at=one.at, decision=one.decision, incident=one.incident,
            state=one.state, reason=one.reason, ended_at=one.ended_at,
            attached=tuple(
                OwnAttachment(number=found.number, kind=found.kind, bytes=found.bytes) for found in one.attached
            ),
        )
        for one in row.appeals
    )  # fmt: skip


def _seals(row: Account) -> tuple[OwnSeal, ...]:
    return tuple(OwnSeal(number=one.number, kind=one.kind, at=one.at, root=one.root) for one in row.seals)


HANDLERS = (own_record,)
