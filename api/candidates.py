"""Candidates of a schedule: enrolling one or a list, withdrawing, and the join links that bring them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, RawBody

from api.bodies import Id, decoded
from api.callers import Caller, load_schedule, may
from api.enrolling import READS, Line, NewCandidate, lines
from api.filters import Phases, Text, counted, named
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Limit, page
from api.problems import Denied
from api.reading import rows_of
from api.schema import says
from api.services import Services
from api.staffing import warned
from api.table import BYTES, CSV, ROWS
from api.tokens import Token, ends
from commands import schedules
from commands.handler import Work
from commands.ids import session_id
from domain.event import Refused
from domain.phase import Phase
from domain.schedule import DECIDER, Schedule
from projections.live import LIVE

AT_ONCE = 250  # candidates of a file in one command
Outcome = Literal["enrolled", "already_enrolled", "refused"]


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """`warnings` say in plain words where staffing falls short."""

    session: str
    join_link: str
    warnings: tuple[str, ...]


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    session: str
    join_link: str


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one row of a list, by its place from 0: enrolled with a join link, or refused with the rule."""

    row: int
    state: Literal["enrolled", "refused"]
    session: str = ""
    join_link: str = ""
    field: str = ""
    rule: str = ""


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]


class RowOfFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one row of a CSV file, counted as a spreadsheet does: the header is row 1."""

    row: int
    number: str
    outcome: Outcome
    session: str = ""
    join_link: str = ""
    field: str = ""
    rule: str = ""


class RowsOfFile(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[RowOfFile, ...]
    warnings: tuple[str, ...]


class SomeSessions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sessions: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=ROWS)]


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    session: str
    outcome: Literal["withdrawn", "not_enrolled", "refused"]
    rule: str = ""


class Withdrawals(msgspec.Struct, frozen=True, kw_only=True):
    """In the order that was asked."""

    sessions: tuple[Withdrawal, ...]


class CandidateRead(msgspec.Struct, frozen=True, kw_only=True):
    """Name and number are None once they have been erased."""

    session: str
    name: str | None
    number: str | None
    phase: Phase
    withdrawn: bool
    join_link: str | None


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """`counts` is how many sessions are in each state; withdrawn candidates are listed, and not counted."""

    candidates: tuple[CandidateRead, ...]
    counts: dict[str, int]
    next: str | None


@get("/schedules/{schedule:str}/candidates", guards=[may("planner")])
async def read(
    request: AnyRequest,
    schedule: FromPath[str],
    *,
    phase: Phases = None,
    q: Text = "",
    limit: Limit = USUAL,
    after: After = "",
) -> Candidates:
    """Who is enrolled, by name, each with a join link."""
    services, tenant = services_of(request), caller_of(request).tenant
    plan = await load_schedule(services, tenant, schedule)
    rows = (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()
    wanted = (row for row in rows if (not phase or row.phase in phase) and named(q, row.name, row.number))
    found = page(request, wanted, lambda row: (row.name or "", row.session), limit, after)
    shown = (
        CandidateRead(
            session=row.session, name=row.name, number=row.number, phase=row.phase, withdrawn=row.withdrawn,
            join_link=None if row.withdrawn else join_link(services, tenant, schedule, plan, row.subject),
        )
        for row in found.rows
    )  # fmt: skip
    counts = counted(row.phase for row in rows if not row.withdrawn)
    return Candidates(candidates=tuple(shown), counts=counts, next=found.next)


@post(
    "/schedules/{schedule:str}/candidates", guards=[may("planner")], request_max_body_size=BYTES,
    opt=says(reads=READS, answers={200: Rows | RowsOfFile, 201: Enrolled}),
)  # fmt: skip
async def enrol(request: AnyRequest, schedule: FromPath[str], body: RawBody) -> Response[Enrolled | Rows | RowsOfFile]:
    """Enrols one candidate (201), or a list or CSV file of which every row is answered (200).

    Each candidate gets a session and a link.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CSV:
        return Response(await _enrol_file(request, schedule, lines(body)), status_code=200)
    data: NewCandidate | tuple[NewCandidate, ...] = decoded(NewCandidate | tuple[NewCandidate, ...], body)
    services, caller = services_of(request), caller_of(request)
    many = (data,) if isinstance(data, NewCandidate) else data
    most = services.limits.candidates_a_call
    if len(many) > most:
        raise Denied(422, "invalid", f"at most {most} candidates in one call", field="body")
    if isinstance(data, NewCandidate):
        use_case = partial(schedules.enrol, name=schedule, candidate=_known(data), pseudonyms=services.pseudonyms)
        made = await command(request, use_case)
        plan = await load_schedule(services, caller.tenant, schedule)
        link = join_link(services, caller.tenant, schedule, plan, _subject(services, caller, data))
        return Response(Enrolled(session=made.ids["session"], join_link=link, warnings=warned(plan)))
    made = await command(request, partial(_enrol_all, schedule=schedule, many=list(enumerate(many)), services=services))
    plan = await load_schedule(services, caller.tenant, schedule)
    rows = []
    for n, candidate in enumerate(many):
        if session := made.ids.get(f"{n}.session"):
            link = join_link(services, caller.tenant, schedule, plan, _subject(services, caller, candidate))
            rows.append(Row(row=n, state="enrolled", session=session, join_link=link))
        else:
            field, rule = made.ids.get(f"{n}.field", ""), made.ids[f"{n}.rule"]
            rows.append(Row(row=n, state="refused", field=field, rule=rule))
    return Response(Rows(rows=tuple(rows), warnings=warned(plan)), status_code=200)


@delete("/schedules/{schedule:str}/candidates/{session:str}", guards=[may("planner")])
async def withdraw(request: AnyRequest, schedule: FromPath[str], session: FromPath[str]) -> None:
    """Withdraws a candidate who has not started; their link is void at once."""
    await command(request, partial(schedules.withdraw, name=schedule, session=session))


@post("/schedules/{schedule:str}/candidates/{session:str}/link", guards=[may("planner")])
async def renew_link(request: AnyRequest, schedule: FromPath[str], session: FromPath[str]) -> Renewed:
    """Makes a new join link for a candidate, because the old one got into wrong hands.

    The old one is void, and whoever came in by it is out within five seconds until they open the new one.
    """
    await command(request, partial(schedules.renew_link, name=schedule, session=session))
    services, tenant = services_of(request), caller_of(request).tenant
    plan = await load_schedule(services, tenant, schedule)
    subject = next(subject for subject, name in plan.candidates.items() if name == session)
    return Renewed(session=session, join_link=join_link(services, tenant, schedule, plan, subject))


@post("/schedules/{schedule:str}/withdrawals", guards=[may("planner")], status_code=200)
async def withdraw_some(request: AnyRequest, schedule: FromPath[str], data: JSONBody[SomeSessions]) -> Withdrawals:
    """Withdraws candidates by their sessions; each is answered, and who has started already stops no other."""
    made = await command(request, partial(_withdraw_all, schedule=schedule, some=data.sessions))
    return Withdrawals(
        sessions=tuple(
            Withdrawal(session=name, outcome="refused", rule=made.ids[f"{n}.rule"])
            if f"{n}.rule" in made.ids
            else Withdrawal(session=name, outcome="withdrawn" if f"{n}.was" in made.ids else "not_enrolled")
            for n, name in enumerate(data.sessions)
        )
    )


def join_link(services: Services, tenant: str, schedule: str, plan: Schedule, subject: str) -> str:
    """The address that a candidate is sent. Its token is in the fragment, which no server or proxy ever logs.

    The token outlives the window, because that may be moved; `POST /join` looks at the window that holds then.
    """
    assert plan.window is not None
    session = session_id(schedule, subject)
    token = Token(
        kind="join", tenant=tenant, subject=subject, schedule=schedule, session=session,
        expires_at=ends(plan.window.closes_at, _MOVED_AT_MOST), link=plan.links.get(session, 0),
    )  # fmt: skip
    return f"{services.public_url.rstrip('/')}/join#{services.tokens.sign(token)}"


async def _enrol_file(request: AnyRequest, schedule: str, found: list[Line]) -> RowsOfFile:
    """Enrols in several commands, each under its part of the request's key, so that no stream is held for long."""
    services, caller = services_of(request), caller_of(request)
    good = [(line.row, line.candidate) for line in found if line.candidate]
    ids: dict[str, str] = {}
    for first in range(0, len(good), AT_ONCE):
        use_case = partial(_enrol_all, schedule=schedule, many=good[first : first + AT_ONCE], services=services)
        ids |= (await command(request, use_case, part=f"from {first}", first=first == 0)).ids
    plan = await load_schedule(services, caller.tenant, schedule)
    rows = []
    for line in found:
        n = line.row
        session = ids.get(f"{n}.session") or ids.get(f"{n}.already", "")
        if session and line.candidate:
            link = join_link(services, caller.tenant, schedule, plan, _subject(services, caller, line.candidate))
            outcome: Outcome = "enrolled" if f"{n}.session" in ids else "already_enrolled"
            rows.append(RowOfFile(row=n, number=line.number, outcome=outcome, session=session, join_link=link))
        else:
            field, rule = ids.get(f"{n}.field", line.field), ids.get(f"{n}.rule", line.rule)
            rows.append(RowOfFile(row=n, number=line.number, outcome="refused", field=field, rule=rule))
    return RowsOfFile(rows=tuple(rows), warnings=warned(plan))


async def _enrol_all(
    work: Work, *, schedule: str, many: Iterable[tuple[int, NewCandidate]], services: Services
) -> Mapping[str, str]:
    """One command for all of them: who can be enrolled is, and every other row is told why not."""
    answers: dict[str, str] = {}
    for n, candidate in many:
        try:
            made = await schedules.enrol(work, schedule, _known(candidate), services.pseudonyms)
            answers[f"{n}.session"] = made["session"]
        except Refused as refusal:
            if refusal.kind == "not_found":
                raise
            answers |= {f"{n}.rule": refusal.rule, f"{n}.field": refusal.field}
            subject = services.pseudonyms.candidate(work.order.tenant, candidate.number)
            if session := (await work.state(DECIDER, schedule)).candidates.get(subject):
                answers[f"{n}.already"] = session
    return answers


async def _withdraw_all(work: Work, *, schedule: str, some: tuple[str, ...]) -> Mapping[str, str]:
    """One command for all of them; the answers are by place."""
    answers: dict[str, str] = {}
    for n, session in enumerate(some):
        if session not in (await work.state(DECIDER, schedule)).candidates.values():
            continue
        try:
            await schedules.withdraw(work, schedule, session)
            answers[f"{n}.was"] = session
        except Refused as refusal:
            answers[f"{n}.rule"] = refusal.rule
    return answers


def _known(candidate: NewCandidate) -> schedules.Candidate:
    return schedules.Candidate(name=candidate.name, number=candidate.number, email=candidate.email)


def _subject(services: Services, caller: Caller, candidate: NewCandidate) -> str:
    return services.pseudonyms.candidate(caller.tenant, candidate.number)


_MOVED_AT_MOST = timedelta(days=365)

HANDLERS = (read, enrol, withdraw, withdraw_some, renew_link)
