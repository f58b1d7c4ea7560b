"""The day on paper: who attended, and the invigilators' report of the day, signed when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.callers import WATCHERS, Who, load_schedule, may
from api.day_lines import HEAD, lines
from api.day_page import Shown, page
from api.moments import position_of
from api.opening import decoder
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.reading import names_of, rows_of
from api.restriction import restricted, sees_all, shown
from api.sheet import CSV, sheet
from commands import day_report
from domain import duty
from domain.day_report import LONGEST, Signature
from domain.phase import RUNNING, WAITING
from domain.stream import Stream
from projections.day import DAY
from projections.day_report import (
    Attended,
    DayReport,
    Identified,
    OnBreak,
    attended,
    breaks,
    canonical,
    identified,
    report_of,
)
from projections.duty import DUTY
from projections.gradebook import GRADEBOOK, Account
from projections.outages import OUTAGES
from projections.refold import fold_as_of

READERS: tuple[Who, ...] = ("planner", *WATCHERS, "reviewer", "auditor")
AsOf = Annotated[str, QueryParameter(max_length=64)]
COLUMNS = (
    "number", "name", "attendance", "admitted late by", "identity", "identity by", "started", "ended", "state",
    "extra minutes", "breaks", "break minutes",
)  # fmt: skip


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate. Names are None once erased. `late` is who was admitted after the last entry."""

    session: str
    name: str | None
    number: str | None
    attended: Attended
    late_by: str | None
    identity: Identified | None
    started_at: datetime | None
    ended_at: datetime | None
    phase: str
    extra_s: int
    breaks: tuple[OnBreak, ...]


class AttendanceList(msgspec.Struct, frozen=True, kw_only=True):
    """By number. `counts` says how many were present, late, did not show up, and so on; `people` names the staff."""

    schedule: str
    title: str
    position: int
    counts: dict[Attended, int]
    candidates: tuple[Attendee, ...]
    people: dict[str, str | None]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None
    number: str | None


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """`current` is whether nothing has become known since."""

    version: int
    sha256: str
    position: int
    note: str | None
    by: str
    by_name: str | None
    at: datetime
    current: bool


class DayReportRead(msgspec.Struct, frozen=True, kw_only=True):
    """`report` is what is signed; its SHA-256 (hex) is of its JSON in UTF-8, keys sorted, without spaces.

    It holds pseudonyms only. `sessions` and `people` say who they are, as long as that is not erased. As of the
    position of a signature the report is what was signed then. `version` is the one that a signature would have.
    """

    position: int
    title: str
    report: DayReport
    sha256: str
    version: int
    sessions: dict[str, Named]
    people: dict[str, str | None]
    signatures: tuple[Signed, ...]


class NewSignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sha256` is of the report that was read: nobody signs what has become known since."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    note: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""


class SignatureMade(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class _Facts(NamedTuple):
    position: int
    accounts: tuple[Account, ...]
    report: DayReport
    sha256: str


@get("/schedules/{schedule:str}/attendance", guards=[may(*READERS)])
async def attendance(request: AnyRequest, schedule: FromPath[str]) -> AttendanceList:
    """Who came, when, who said that it was them, and how long they sat."""
    return await _attendance(request, schedule)


@get("/schedules/{schedule:str}/attendance.csv", guards=[may(*READERS)], media_type=CSV)
async def attendance_sheet(request: AnyRequest, schedule: FromPath[str]) -> Response[str]:
    """The same for a spreadsheet, in the schedule's time zone. No cell of it is ever a formula."""
    listed = await _attendance(request, schedule)
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    zone = ZoneInfo(plan.window.time_zone) if plan.window else None

    def local(at: datetime | None) -> str:
        return at.astimezone(zone).isoformat(timespec="seconds") if at else ""

    rows = [
        (
            row.number, row.name, row.attended, listed.people.get(row.late_by or ""),
            row.identity and row.identity.standing, listed.people.get(row.identity.by) if row.identity else None,
            local(row.started_at), local(row.ended_at), row.phase, f"{row.extra_s / 60:g}", len(row.breaks),
            f"{sum(_minutes(one) for one in row.breaks):.0f}",
        )
        for row in listed.candidates
    ]  # fmt: skip
    return sheet(f"attendance-{schedule}", COLUMNS, rows)


@get("/schedules/{schedule:str}/day-report", guards=[may(*READERS)])
async def read(request: AnyRequest, schedule: FromPath[str], as_of: AsOf = "") -> DayReportRead:
    """Irregularities, faults, interventions, help, outages and duty of the day, now or as of a time or position."""
    return await _read(request, schedule, await _facts(request, schedule, as_of))


@get("/schedules/{schedule:str}/day-report.html", guards=[may(*READERS)], media_type="text/html")
async def read_page(request: AnyRequest, schedule: FromPath[str], as_of: AsOf = "") -> Response[str]:
    """The same to read and to print."""
    return page(await _shown(request, schedule, as_of))


@get("/schedules/{schedule:str}/day-report.csv", guards=[may(*READERS)], media_type=CSV)
async def read_sheet(request: AnyRequest, schedule: FromPath[str], as_of: AsOf = "") -> Response[str]:
    """The same for a spreadsheet, a line for each thing that happened. No cell of it is ever a formula."""
    return sheet(f"day-{schedule}", HEAD, lines(await _shown(request, schedule, as_of)))


@post("/schedules/{schedule:str}/day-report/signature", guards=[may(*WATCHERS)], status_code=200)
async def sign(request: AnyRequest, schedule: FromPath[str], data: JSONBody[NewSignature]) -> SignatureMade:
    """Signs the report when the exam is over. What becomes known later makes another version to sign."""
    services = services_of(request)
    plan = await load_schedule(services, caller_of(request).tenant, schedule)
    facts = await _facts(request, schedule)
    if facts.sha256 != data.sha256 and not await _was_signed(request, schedule, data.sha256):
        raise Denied(409, "refused", "something has become known since; read the report once more", field="sha256")
    open_still = plan.phase == "active" and plan.window is not None and services.now() < plan.window.closes_at
    on = RUNNING | WAITING if open_still else RUNNING
    running = sum(account.phase in on for account in facts.accounts)
    use_case = partial(
        day_report.sign, schedule=schedule, sha256=data.sha256, position=facts.position, running=running,
        note=data.note,
    )  # fmt: skip
    return SignatureMade(version=int((await command(request, use_case)).ids["version"]))


async def _attendance(request: AnyRequest, schedule: str) -> AttendanceList:
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    rows = tuple(sorted(map(_attendee, _there(found.rows.values())), key=lambda one: (one.number or "", one.session)))
    names = await names_of(request)
    known = {who for row in rows for who in (row.late_by, row.identity and row.identity.by) if who}
    return AttendanceList(
        schedule=schedule, title=plan.title, position=found.position, candidates=rows,
        counts=dict(Counter(row.attended for row in rows)), people={who: names.get(who) for who in sorted(known)},
    )  # fmt: skip


async def _facts(request: AnyRequest, schedule: str, as_of: str = "") -> _Facts:
    services, tenant = services_of(request), caller_of(request).tenant
    decode, found = decoder(services.handler.keys), None
    if not as_of:
        found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    async with services.pool.connection() as conn:
        position = found.position if found else await position_of(conn, as_of)
        its_own, on_duty = (str(Stream(tenant, kind, schedule)) for kind in ("schedule", "duty"))
        rows = found.rows if found else await fold_as_of(conn, decode, DAY, position, streams=[its_own])
        outages = await fold_as_of(conn, decode, OUTAGES, position, streams=[on_duty])
        rotas = await fold_as_of(conn, decode, DUTY, position, streams=[on_duty])
        if found is None and not sees_all(caller_of(request)):
            rows = shown(rows, await restricted(conn, tenant), caller_of(request))
    accounts = _there(rows.values())
    report = report_of(schedule, accounts, outages.values(), next(iter(rotas.values()), None))
    return _Facts(position, accounts, report, sha256(canonical(report)).hexdigest())


async def _signatures(request: AnyRequest, schedule: str) -> tuple[Signature, ...]:
    stream = str(Stream(caller_of(request).tenant, "duty", schedule))
    return (await services_of(request).handler.load(duty.DECIDER, stream, fresh=True))[1].signed


async def _was_signed(request: AnyRequest, schedule: str, digest: str) -> bool:
    """By the caller: they say the same again."""
    mine = caller_of(request).actor
    return any((one.sha256, one.by) == (digest, mine) for one in await _signatures(request, schedule))


async def _read(request: AnyRequest, schedule: str, facts: _Facts) -> DayReportRead:
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    names, known = await names_of(request), await _signatures(request, schedule)
    last = known[-1] if known else None
    return DayReportRead(
        position=facts.position, title=plan.title, report=facts.report, sha256=facts.sha256,
        version=1 if last is None else last.version + (last.sha256 != facts.sha256),
        sessions={
            one.session: Named(name=one.name, number=one.number) for one in facts.accounts
        },
        people={who: names.get(who) for who in sorted(_staff(facts.report))},
        signatures=tuple(
            Signed(
                version=one.version, sha256=one.sha256, position=one.position, note=one.note.text if one.note else None,
                by=one.by, by_name=names.get(one.by), at=one.at, current=one.sha256 == facts.sha256,
            )
            for one in known
        ),
    )  # fmt: skip


async def _shown(request: AnyRequest, schedule: str, as_of: str) -> Shown:
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    told = await _read(request, schedule, await _facts(request, schedule, as_of))
    named = {session: (one.number or "", one.name or "(erased)") for session, one in told.sessions.items()}
    signatures = [(one.version, one.by_name or one.by, one.at, one.current, one.note or "") for one in told.signatures]
    zone = plan.window.time_zone if plan.window else "UTC"
    return Shown(told.title, zone, told.report, told.sha256, told.position, named, told.people, signatures)


def _staff(report: DayReport) -> set[str]:
    found = {turn.user for turn in report.duty} | {one.by for one in report.outages}
    for one in report.sessions:
        found |= {each.by for each in one.irregularities} | {each.by for each in one.interventions}
        found |= {each.by for each in one.help}
        found |= {one.identity.by} if one.identity else set()
        found |= {one.late.by} if one.late else set()
    return found - {""}


def _there(rows: Iterable[Account]) -> tuple[Account, ...]:
    return tuple(account for account in rows if not account.withdrawn)


def _attendee(account: Account) -> Attendee:
    return Attendee(
        session=account.session, name=account.name, number=account.number, attended=attended(account),
        late_by=account.late.by if account.late else None, identity=identified(account),
        started_at=account.clock.started_at, ended_at=account.clock.ended_at, phase=account.phase,
        extra_s=account.clock.extra_s, breaks=breaks(account),
    )  # fmt: skip


def _minutes(one: OnBreak) -> float:
    return (one.ended_at - one.began_at).total_seconds() / 60 if one.ended_at else 0.0


HANDLERS = (attendance, attendance_sheet, read, read_page, read_sheet, sign)
