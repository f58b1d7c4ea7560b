"""Outages: one call declares one, marks it in each session that ran then, gives the time back and tells everybody."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from api.callers import WATCHERS, load_schedule, may
from api.each import Answer, enrolled, for_each
from api.ordering import AnyRequest, caller_of, command, services_of
from api.reading import names_of, rows_of
from commands import outages
from domain.outage import Whose
from projections.live import LIVE, Live
from projections.outages import OUTAGES

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class NewOutage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to` is now at the latest. `cause` is kept in the clear and names nobody; `text` is what the candidates read."""

    began_at: Time = msgspec.field(name="from")
    ended_at: Time = msgspec.field(name="to")
    whose: Whose
    cause: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class OutageMade(msgspec.Struct, frozen=True, kw_only=True):
    """`answers` are those of the sessions, each by itself; said again, only what `failed` is still done."""

    outage: str
    answers: tuple[Answer, ...]


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A session that ran then, and how much time it got back."""

    session: str
    name: str | None
    number: str | None
    phase: str
    given_s: int


class OutageRead(msgspec.Struct, frozen=True, kw_only=True):
    """`to_reopen` are the sessions that ended in a fault and can be reopened; they get their time back then."""

    outage: str
    began_at: datetime = msgspec.field(name="from")
    ended_at: datetime = msgspec.field(name="to")
    whose: Whose
    cause: str
    text: str | None
    at: datetime
    by: str
    by_name: str | None
    sessions: tuple[Affected, ...]
    to_reopen: tuple[str, ...]


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    outages: tuple[OutageRead, ...]


@post("/schedules/{schedule:str}/outages", guards=[may("planner", "lead_invigilator")], status_code=200)
async def declare(request: AnyRequest, schedule: FromPath[str], data: JSONBody[NewOutage]) -> OutageMade:
    """Declares an outage that is over, or lasted until now. The same times again give nothing twice.

    Time is given back for as long as a session's clock ran meanwhile, and its end moves where it must.
    """
    use_case = partial(
        outages.declare, name=schedule, began_at=data.began_at, ended_at=data.ended_at, whose=data.whose,
        cause=data.cause, text=data.text,
    )  # fmt: skip
    name = (await command(request, use_case)).ids["outage"]
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    told = await for_each(
        request, enrolled(plan), lambda session: partial(outages.mark, session=session, name=name), "outage"
    )
    return OutageMade(outage=name, answers=told.answers)


@get("/schedules/{schedule:str}/outages", guards=[may("planner", *WATCHERS, "reviewer", "auditor")])
async def read(request: AnyRequest, schedule: FromPath[str]) -> Outages:
    """Every outage that was declared, the first one first, with the sessions that it hit."""
    rows = list((await rows_of(request, LIVE, {"schedule": schedule})).rows.values())
    declared = (await rows_of(request, OUTAGES, {"schedule": schedule})).rows.values()
    names = await names_of(request)
    listed = [
        OutageRead(
            outage=one.outage, began_at=one.began_at, ended_at=one.ended_at, whose=one.whose, cause=one.cause,
            text=one.text, at=one.at, by=one.by, by_name=names.get(one.by),
            sessions=tuple(_affected(row, one.outage) for row in rows if one.outage in row.outages),
            to_reopen=tuple(
                row.session for row in rows if one.outage in row.outages and row.phase == "ended_in_fault"
            ),
        )
        for one in declared
    ]  # fmt: skip
    return Outages(outages=tuple(sorted(listed, key=lambda one: (one.began_at, one.at))))


def _affected(row: Live, outage: str) -> Affected:
    return Affected(session=row.session, name=row.name, number=row.number, phase=row.phase, given_s=row.outages[outage])


HANDLERS = (declare, read)
