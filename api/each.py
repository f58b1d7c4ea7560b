"""One command for each of several sessions of a schedule: each is answered by itself.

The whole request has a receipt of its own under the caller's key, written before any part. So a key that was used for
something else is refused before anything happens, and a repetition means the same sessions, whoever has been enrolled
meanwhile. Each part has a key that derives from the caller's: a repetition does what a crash left undone, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
import psycopg

from api import hints
from api.ordering import AnyRequest, command
from commands.handler import Busy, UseCase, Work
from commands.ledger import LedgerAway
from domain import schedule
from domain.event import Refused
from domain.schedule import Schedule

AT_ONCE = 32
Chosen = Literal["all"] | tuple[str, ...]
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


def enrolled(plan: Schedule) -> tuple[str, ...]:
    """The sessions of everyone who is enrolled now."""
    return tuple(sorted(plan.candidates.values()))


async def for_chosen(request: AnyRequest, name: str, sessions: Chosen, wanted: Wanted, made: str) -> Answers:
    """As `for_each`, for the sessions of a schedule that the caller means. Raises `Refused`, `KeyReused`."""

    async def settle(work: Work) -> Mapping[str, str]:
        everyone = enrolled(await work.state(schedule.DECIDER, name))
        if sessions == "all":
            return {"sessions": " ".join(everyone)}
        known = set(everyone)
        for n, session in enumerate(sessions):
            if session not in known:
                rule = "this session is not of this schedule"
                raise Refused(rule, field=f"sessions.{n}", kind="invalid")
        return {"sessions": " ".join(dict.fromkeys(sessions))}

    settled = await command(request, settle)
    return await for_each(request, tuple(settled.ids["sessions"].split()), wanted, made)


async def for_each(request: AnyRequest, sessions: tuple[str, ...], wanted: Wanted, made: str) -> Answers:
    """Runs one command for each session, many at once; a refusal or failure of one leaves the others alone.

    The request must have made a command under its own key before.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(session: str) -> Answer:
        async with gate:
            try:
                receipt = await command(request, wanted(session), part=session, first=False)
            except Refused as refusal:
                return Answer(session=session, state="refused", field=refusal.field, rule=refusal.rule)
            except (Busy, LedgerAway, psycopg.OperationalError):
                return Answer(session=session, state="failed", rule=AGAIN)
        told: hints.Hints = request.app.state.hints
        await told.say(hints.candidate(session))
        return Answer(session=session, state="done", id=receipt.ids[made])

    return Answers(answers=tuple(await asyncio.gather(*(one(session) for session in sessions))))
