"""Interventions: asked of one, several or all sessions of a schedule, followed to their end, and taken back."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal, get_args

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import WATCHERS, load_session, may
from api.each import Answers, for_chosen
from api.limits import limited
from api.opening import decoder
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.reading import names_of, rows_of
from api.restriction import unrestricted
from api.sessions import Because
from commands import interventions
from commands.envelope import read as read_event
from commands.handler import UseCase
from commands.ledger import read_stream
from domain.enrolment import CandidateEnrolled
from domain.intervention import ON_PLATFORM, Asked, Kind, Result, Stage, Where
from domain.reasons import REASONS, worded
from domain.recorded import Recorded, Stored
from domain.stops import BreakKind
from domain.stream import Stream
from projections.gradebook import GRADEBOOK

TAG = CandidateEnrolled.__struct_config__.tag
NOT_CONNECTED = "an exam platform keeps a clock of its own, and has not said that it has done the same: do it there too"


class NewIntervention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` is for `extra_time` and `break`, and may come with `resume`. `text` is what the candidate reads.

    Minutes that do not fit before the session's end are refused, unless `move_end` moves that end as well. On a
    `comfort` break the clock runs, on a `rest` break it stands. `reason_code` is one of `GET /reasons` or of the
    institution's own list; it is kept in the clear and says nothing about anybody. To `terminate` takes a lead
    invigilator, a reason (`text`) and the candidate's name, typed (`confirm_name`).
    """

    kind: Asked
    reason_code: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{0,64}$")] = ""
    text: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    minutes: float | None = None
    move_end: bool = False
    break_kind: BreakKind = "comfort"
    confirm_name: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ForMany(NewIntervention, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sessions` names them, or "all" stands for everyone who is enrolled."""

    sessions: Literal["all"] | tuple[str, ...]


class InterventionMade(msgspec.Struct, frozen=True, kw_only=True):
    """`advice` is what is left to do by hand, in words; "" when nothing is."""

    intervention: str
    advice: str = ""


class InterventionRead(msgspec.Struct, frozen=True, kw_only=True):
    """One intervention: by whom, why (`reason` in words), how far it came, and where it took effect last.

    `result` is of what the candidate had to show, `why` says why it failed. `advice` is what is left to do by hand.
    """

    intervention: str
    kind: Kind
    stage: Stage
    at: datetime
    by: str
    by_name: str | None
    reason_code: str
    reason: str
    minutes: float | None
    where: Where | None
    result: Result | None
    why: str
    advice: str


class InterventionsRead(msgspec.Struct, frozen=True, kw_only=True):
    """In the order in which they were asked for."""

    interventions: tuple[InterventionRead, ...]


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`where` is "platform" when an exam platform says, with its service token, that it has `applied` it too."""

    stage: Literal["delivered", "acknowledged", "applied"]
    where: Where = "page"


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an invigilator saw of what the candidate was asked to show."""

    result: Result
    note: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A code, in words."""

    code: str
    words: str


class Reasons(msgspec.Struct, frozen=True, kw_only=True):
    """By kind of intervention; the first is meant where none is given."""

    reasons: dict[Asked, tuple[Reason, ...]]


@post("/sessions/{session:str}/interventions", guards=[may(*WATCHERS)], opt=limited("interventions"))
async def request_one(
    request: AnyRequest, session: FromPath[str], data: JSONBody[NewIntervention]
) -> Response[InterventionMade]:
    """Warns, pauses, locks, gives a break or time, asks for a look, or ends; the session changes with it, or nothing.

    A mere invigilator who wants to `terminate` gets a 403: only a lead invigilator ends an exam.
    """
    name = None
    if data.kind == "terminate":
        if "lead_invigilator" not in caller_of(request).roles:
            raise Denied(403, "forbidden", "only a lead invigilator ends an exam", field="kind")
        name = await _name(request, session)
    made = await command(request, _wanted(session, data, name))
    await _told(request, session)
    advice = NOT_CONNECTED if data.kind in ON_PLATFORM else ""
    return Response(InterventionMade(intervention=made.ids["intervention"], advice=advice))


@get("/sessions/{session:str}/interventions", guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted])
async def read(request: AnyRequest, session: FromPath[str]) -> InterventionsRead:
    """What was done to a session and by whom, so that two who act see each other."""
    names = await names_of(request)
    found = await rows_of(request, GRADEBOOK, {"key": f"{caller_of(request).tenant}/{session}"})
    known = [one for row in found.rows.values() for one in row.interventions.items()]
    return InterventionsRead(
        interventions=tuple(
            InterventionRead(
                intervention=name, kind=one.kind, stage=one.stage, at=one.at, by=one.by, by_name=names.get(one.by),
                reason_code=one.reason_code, reason=worded(one.kind, one.reason_code), minutes=one.minutes,
                where=one.where, result=one.result, why=one.why,
                advice=NOT_CONNECTED if one.kind in ON_PLATFORM and one.where != "platform" else "",
            )
            for name, one in sorted(known, key=lambda each: (each[1].at, each[0]))
        )
    )  # fmt: skip


@post(
    "/schedules/{schedule:str}/interventions", guards=[may(*WATCHERS)], opt=limited("interventions"), status_code=200
)  # fmt: skip
async def request_many(request: AnyRequest, schedule: FromPath[str], data: JSONBody[ForMany]) -> Answers:
    """The same for several sessions or all; each is answered by itself. Exams are ended one at a time (422)."""
    if data.kind == "terminate":
        raise Denied(422, "invalid", "an exam is ended one at a time", field="kind")
    wanted = partial(_wanted, data=data)
    return await for_chosen(request, schedule, data.sessions, wanted, "intervention")


@post(
    "/sessions/{session:str}/interventions/{intervention:str}/progress", guards=[may("candidate", *WATCHERS)],
    status_code=204,
)  # fmt: skip
async def progress(
    request: AnyRequest, session: FromPath[str], intervention: FromPath[str], data: JSONBody[Progress]
) -> None:
    """The candidate's page says how far it came, where a later stage includes the ones before it.

    A connected exam platform, which has a service token, says that it has applied it as well. Nobody else may (403).
    """
    caller = caller_of(request)
    if not (caller.candidate if data.where == "page" else caller.service):
        who = "the candidate's page" if data.where == "page" else "a connected exam platform"
        raise Denied(403, "forbidden", f"only {who} can say that", field="where")
    use_case = partial(interventions.advance, name=intervention, session=session, stage=data.stage, where=data.where)
    await command(request, use_case)
    await _told(request, session)


@post(
    "/sessions/{session:str}/interventions/{intervention:str}/result", guards=[may(*WATCHERS)], status_code=204
)  # fmt: skip
async def mark(request: AnyRequest, session: FromPath[str], intervention: FromPath[str], data: JSONBody[Seen]) -> None:
    """Marks what the candidate was asked to show as passed or not: a result, never a verdict. The first one counts."""
    use_case = partial(interventions.mark, name=intervention, session=session, result=data.result, note=data.note)
    await command(request, use_case)
    await _told(request, session)


@post("/sessions/{session:str}/reinstate", guards=[may("lead_invigilator")], status_code=204)
async def reinstate(request: AnyRequest, session: FromPath[str], data: JSONBody[Because]) -> None:
    """Takes a termination back: the session is paused, with the time that was left, until it is resumed."""
    await command(request, partial(interventions.reinstate, session=session, reason=data.reason))
    await _told(request, session)


@get("/reasons", guards=[may("planner", *WATCHERS, "reviewer", "auditor")])
async def read_reasons() -> Reasons:
    """The codes that say why somebody intervenes, in words. An institution may use codes of its own beside them."""
    listed = {
        kind: tuple(Reason(code=code, words=words) for code, words in REASONS[kind].items()) for kind in get_args(Asked)
    }
    return Reasons(reasons=listed)


def _wanted(session: str, data: NewIntervention, name: str | None = None) -> UseCase:
    return partial(
        interventions.request, session=session, kind=data.kind, reason_code=data.reason_code, text=data.text,
        minutes=data.minutes, move_end=data.move_end, break_kind=data.break_kind, confirm_name=data.confirm_name,
        name=name,
    )  # fmt: skip


async def _name(request: AnyRequest, session: str) -> str | None:
    """What the candidate was last enrolled as, from the ledger itself; None once that is forgotten."""
    services, tenant = services_of(request), caller_of(request).tenant
    plan = (await load_session(services, tenant, session)).schedule
    async with services.pool.connection() as conn:
        rows = await read_stream(conn, str(Stream(tenant, "schedule", plan)))
    enrolled = [row for row in rows if row.tag == TAG and _enrols(row, session)]
    for event in await decoder(services.handler.keys)(enrolled[-1:]):
        if isinstance(event, Recorded) and isinstance(event.body, CandidateEnrolled):
            return event.body.name.text
    return None


def _enrols(row: Stored, session: str) -> bool:
    body = read_event(row)[1]
    return isinstance(body, CandidateEnrolled) and body.session == session


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (read, request_one, request_many, progress, mark, reinstate, read_reasons)
