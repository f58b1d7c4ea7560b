"""Interventions: asked of one, several or all sessions of a schedule, and followed by the candidate's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import msgspec
import psycopg
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import WATCHERS, load_schedule, may
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from commands import interventions
from commands.handler import Busy, UseCase
from commands.ledger import LedgerAway
from domain.event import Refused
from domain.intervention import Kind
from domain.schedule import Schedule

AT_ONCE = 32
AGAIN = "this could not be done at the moment; try again with the same Idempotency-Key"
Wanted = Callable[[str], UseCase]


class NewIntervention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` is for `extra_time` and may come with `resume`. `text` is what the candidate reads.

    Minutes that do not fit before the session's end are refused, unless `move_end` moves that end as well.
    `reason_code` is a word of the institution's own list; it is kept in the clear and says nothing about anybody.
    """

    kind: Kind
    reason_code: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{0,64}$")] = ""
    text: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    minutes: float | None = None
    move_end: bool = False


class ForMany(NewIntervention, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sessions` names them, or "all" stands for everyone who is enrolled."""

    sessions: Literal["all"] | tuple[str, ...]


class InterventionMade(msgspec.Struct, frozen=True, kw_only=True):
    intervention: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one session's part. What `failed` may have happened or not: the same key makes it happen once."""

    session: str
    state: Literal["done", "refused", "failed"]
    id: str = ""
    field: str = ""
    rule: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    answers: tuple[Answer, ...]


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    stage: Literal["delivered", "acknowledged", "applied"]


@post("/sessions/{session:str}/interventions", guards=[may(*WATCHERS)], opt=limited("interventions"))
async def request_one(
    request: AnyRequest, session: FromPath[str], data: JSONBody[NewIntervention]
) -> Response[InterventionMade]:
    """Warns, pauses, resumes, adds time or ends. The session's state and clock change with it, or nothing does."""
    made = await command(request, _wanted(session, data))
    await _told(request, session)
    return Response(InterventionMade(intervention=made.ids["intervention"]))


@post(
    "/schedules/{schedule:str}/interventions", guards=[may(*WATCHERS)], opt=limited("interventions"), status_code=200
)  # fmt: skip
async def request_many(request: AnyRequest, schedule: FromPath[str], data: JSONBody[ForMany]) -> Answers:
    """The same for several sessions or all; each is answered by itself."""
    services, caller = services_of(request), caller_of(request)
    plan = await load_schedule(services, caller.tenant, schedule)
    return await for_each(request, chosen(plan, data.sessions), lambda session: _wanted(session, data), "intervention")


@post("/sessions/{session:str}/interventions/{intervention:str}/progress", guards=[may("candidate")], status_code=204)
async def progress(
    request: AnyRequest, session: FromPath[str], intervention: FromPath[str], data: JSONBody[Progress]
) -> None:
    """The candidate's page says how far it came. A later stage includes the ones before it."""
    await command(request, partial(interventions.advance, name=intervention, session=session, stage=data.stage))
    await _told(request, session)


def chosen(plan: Schedule, sessions: Literal["all"] | tuple[str, ...]) -> tuple[str, ...]:
    """The sessions meant, all of this schedule. Raises `Denied` 422."""
    known = set(plan.candidates.values())
    if sessions == "all":
        return tuple(sorted(known))
    if foreign := [n for n, session in enumerate(sessions) if session not in known]:
        raise Denied(422, "invalid", "this session is not of this schedule", field=f"sessions.{foreign[0]}")
    return tuple(dict.fromkeys(sessions))


async def for_each(request: AnyRequest, sessions: tuple[str, ...], wanted: Wanted, made: str) -> Answers:
    """Runs one command for each session, many at once; a refusal or failure of one leaves the others alone."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(session: str) -> Answer:
        async with gate:
            try:
                receipt = await command(request, wanted(session), part=session)
            except Refused as refusal:
                return Answer(session=session, state="refused", field=refusal.field, rule=refusal.rule)
            except (Busy, LedgerAway, psycopg.OperationalError):
                return Answer(session=session, state="failed", rule=AGAIN)
        await _told(request, session)
        return Answer(session=session, state="done", id=receipt.ids[made])

    return Answers(answers=tuple(await asyncio.gather(*(one(session) for session in sessions))))


def _wanted(session: str, data: NewIntervention) -> UseCase:
    return partial(
        interventions.request, session=session, kind=data.kind, reason_code=data.reason_code, text=data.text,
        minutes=data.minutes, move_end=data.move_end,
    )  # fmt: skip


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (request_one, request_many, progress)
