"""Help: a candidate raises a hand; invigilators see the queue, take a request and answer it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import WATCHERS, load_session, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.reading import names_of, rows_of
from commands import help as helping
from commands.handler import UseCase
from domain.event import Refused
from domain.help import FINAL, LONGEST, Topic
from projections.live import LIVE

Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class HelpWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: Topic
    text: Text = ""


class HelpMade(msgspec.Struct, frozen=True, kw_only=True):
    """The request that is open: a second one changes nothing while the first waits."""

    help: str


class HelpAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Text = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One open request. `waiting_s` is how long ago it was made; names and `text` are None once erased."""

    help: str
    session: str
    name: str | None
    number: str | None
    phase: str
    topic: Topic
    at: datetime
    waiting_s: float
    text: str | None
    taken_by: str | None
    taken_by_name: str | None


class HelpQueue(msgspec.Struct, frozen=True, kw_only=True):
    waiting: tuple[Waiting, ...]
    server_time: datetime


@post("/sessions/{session:str}/help", guards=[may("candidate")])
async def ask(request: AnyRequest, session: FromPath[str], data: JSONBody[HelpWanted]) -> Response[HelpMade]:
    """Raises a hand, before and while the exam goes on. One request is open at a time."""
    made = await _do(request, session, partial(helping.request, session=session, topic=data.topic, text=data.text))
    return Response(HelpMade(help=made["help"]))


@delete("/sessions/{session:str}/help", guards=[may("candidate")])
async def withdraw(request: AnyRequest, session: FromPath[str]) -> None:
    """Takes the hand down; nothing when it is not up."""
    await _do(request, session, partial(helping.withdraw, session=session))


@get("/schedules/{schedule:str}/help", guards=[may(*WATCHERS, "planner")])
async def queue(request: AnyRequest, schedule: FromPath[str]) -> HelpQueue:
    """Who waits for help, the longest first. A candidate whose page lost its connection stays in it."""
    rows = (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()
    names, at = await names_of(request), services_of(request).now()
    waiting = [
        Waiting(
            help=row.help.help, session=row.session, name=row.name, number=row.number, phase=row.phase,
            topic=row.help.topic, at=row.help.at, waiting_s=max(0.0, (at - row.help.at).total_seconds()),
            text=row.help.text, taken_by=row.help.taken_by or None, taken_by_name=names.get(row.help.taken_by),
        )
        for row in rows
        if row.help and not row.withdrawn and row.phase not in FINAL
    ]  # fmt: skip
    return HelpQueue(waiting=tuple(sorted(waiting, key=lambda one: (one.at, one.help))), server_time=at)


@post("/sessions/{session:str}/help/{help:str}/take", guards=[may(*WATCHERS)], status_code=204)
async def take(request: AnyRequest, session: FromPath[str], help: FromPath[str]) -> None:  # noqa: A002 - as the path has it
    """Says that you deal with it. Who comes second is told who was first."""
    await _do(request, session, partial(helping.take, session=session, name=help))


@post("/sessions/{session:str}/help/{help:str}/release", guards=[may(*WATCHERS)], status_code=204)
async def release(request: AnyRequest, session: FromPath[str], help: FromPath[str]) -> None:  # noqa: A002
    """Gives it back to the queue. A lead may do so for somebody else."""
    lead = "lead_invigilator" in caller_of(request).roles
    await _do(request, session, partial(helping.release, session=session, name=help, lead=lead))


@post("/sessions/{session:str}/help/{help:str}/answer", guards=[may(*WATCHERS)], status_code=204)
async def answer(
    request: AnyRequest,
    session: FromPath[str],
    help: FromPath[str],  # noqa: A002
    data: JSONBody[HelpAnswer],
) -> None:
    """Closes it, with a word to the candidate or without."""
    await _do(request, session, partial(helping.answer, session=session, name=help, text=data.text))


async def _do(request: AnyRequest, session: str, use_case: UseCase) -> dict[str, str]:
    try:
        made = await command(request, use_case)
    except Refused as refusal:
        if refusal.field != "taken_by":
            raise
        state = await load_session(services_of(request), caller_of(request).tenant, session)
        owner = state.help.open.taken_by if state.help.open else ""
        name = (await names_of(request)).get(owner) or "somebody else"
        raise Denied(409, "refused", f"{name} deals with this request", field="taken_by") from None
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))
    return dict(made.ids)


HANDLERS = (ask, withdraw, queue, take, release, answer)
