"""Candidates of a schedule: enrolling one or a list, withdrawing, and the join links that bring them in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.callers import Caller, load_schedule, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.reading import rows_of
from api.services import Services
from api.tokens import Token, ends
from commands import schedules
from commands.handler import Work
from commands.ids import session_id
from domain.event import Refused
from domain.schedule import Schedule
from domain.session import Phase
from projections.live import LIVE


class NewCandidate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`number` is the institution's own for this person; it decides who is the same person."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
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


class CandidateRead(msgspec.Struct, frozen=True, kw_only=True):
    """Name and number are None once they have been erased."""

    session: str
    name: str | None
    number: str | None
    phase: Phase
    withdrawn: bool
    join_link: str | None


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    candidates: tuple[CandidateRead, ...]


@get("/schedules/{schedule:str}/candidates", guards=[may("planner")])
async def read(request: AnyRequest, schedule: FromPath[str]) -> Candidates:
    """Who is enrolled, by name, each with a join link."""
    services, tenant = services_of(request), caller_of(request).tenant
    plan = await load_schedule(services, tenant, schedule)
    rows = (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()
    found = [
        CandidateRead(
            session=row.session, name=row.name, number=row.number, phase=row.phase, withdrawn=row.withdrawn,
            join_link=None if row.withdrawn else join_link(services, tenant, schedule, plan, row.subject),
        )
        for row in sorted(rows, key=lambda row: (row.name or "", row.session))
    ]  # fmt: skip
    return Candidates(candidates=tuple(found))


@post("/schedules/{schedule:str}/candidates", guards=[may("planner")])
async def enrol(
    request: AnyRequest, schedule: FromPath[str], data: JSONBody[NewCandidate | tuple[NewCandidate, ...]]
) -> Response[Enrolled | Rows]:
    """Enrols one candidate (201), or a list of which every row is answered (200); each gets a session and a link."""
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
        return Response(Enrolled(session=made.ids["session"], join_link=link))
    made = await command(request, partial(_enrol_all, schedule=schedule, many=many, services=services))
    plan = await load_schedule(services, caller.tenant, schedule)
    rows = []
    for n, candidate in enumerate(many):
        if session := made.ids.get(f"{n}.session"):
            link = join_link(services, caller.tenant, schedule, plan, _subject(services, caller, candidate))
            rows.append(Row(row=n, state="enrolled", session=session, join_link=link))
        else:
            field, rule = made.ids.get(f"{n}.field", ""), made.ids[f"{n}.rule"]
            rows.append(Row(row=n, state="refused", field=field, rule=rule))
    return Response(Rows(rows=tuple(rows)), status_code=200)


@delete("/schedules/{schedule:str}/candidates/{session:str}", guards=[may("planner")])
async def withdraw(request: AnyRequest, schedule: FromPath[str], session: FromPath[str]) -> None:
    """Withdraws a candidate who has not started; their link is void at once."""
    await command(request, partial(schedules.withdraw, name=schedule, session=session))


def join_link(services: Services, tenant: str, schedule: str, plan: Schedule, subject: str) -> str:
    """The address that a candidate is sent. Its token is in the fragment, which no server or proxy ever logs.

    The token outlives the window, because that may be moved; `POST /join` looks at the window that holds then.
    """
    assert plan.window is not None
    token = Token(
        kind="join", tenant=tenant, subject=subject, schedule=schedule, session=session_id(schedule, subject),
        expires_at=ends(plan.window.closes_at, _MOVED_AT_MOST),
    )  # fmt: skip
    return f"{services.public_url.rstrip('/')}/join#{services.tokens.sign(token)}"


async def _enrol_all(
    work: Work, *, schedule: str, many: tuple[NewCandidate, ...], services: Services
) -> Mapping[str, str]:
    """One command for the whole list: what can be enrolled is, and every other row is told why not."""
    answers: dict[str, str] = {}
    for n, candidate in enumerate(many):
        try:
            made = await schedules.enrol(work, schedule, _known(candidate), services.pseudonyms)
            answers[f"{n}.session"] = made["session"]
        except Refused as refusal:
            if refusal.kind == "not_found":
                raise
            answers |= {f"{n}.rule": refusal.rule, f"{n}.field": refusal.field}
    return answers


def _known(candidate: NewCandidate) -> schedules.Candidate:
    return schedules.Candidate(name=candidate.name, number=candidate.number, email=candidate.email)


def _subject(services: Services, caller: Caller, candidate: NewCandidate) -> str:
    return services.pseudonyms.candidate(caller.tenant, candidate.number)


_MOVED_AT_MOST = timedelta(days=365)

HANDLERS = (read, enrol, withdraw)
