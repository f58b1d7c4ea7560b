"""One command for each of several sessions of a schedule: each is answered by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import msgspec
import psycopg

from api import hints
from api.ordering import AnyRequest, command
from api.problems import Denied
from commands.handler import Busy, UseCase
from commands.ledger import LedgerAway
from domain.event import Refused
from domain.schedule import Schedule

AT_ONCE = 32
AGAIN = "this could not be done at the moment; try again with the same Idempotency-Key"
Wanted = Callable[[str], UseCase]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one session's part. What `failed` may have happened or not: the same key makes it happen once."""

    session: str
    state: Literal["done", "refused", "failed"]
    id: str = ""
    field: str = ""
    rule: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    answers: tuple[Answer, ...]


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
        told: hints.Hints = request.app.state.hints
        await told.say(hints.candidate(session))
        return Answer(session=session, state="done", id=receipt.ids[made])

    return Answers(answers=tuple(await asyncio.gather(*(one(session) for session in sessions))))
