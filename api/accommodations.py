"""Accommodations: what single candidates are allowed or spared. Nobody is told why, and nothing here asks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, RawBody

from api import hints
from api.bodies import Id, decoded
from api.callers import load_schedule, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.schema import says
from commands import accommodations
from commands.handler import Work
from domain.accommodation import Accommodation
from domain.event import Refused
from domain.granting import LONGEST_OBJECT, OBJECTS

SOME = 500  # in one call
Objects = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_OBJECT)], ...], msgspec.Meta(max_length=OBJECTS)
]


class Grant(Accommodation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`extra_time_percent` is of the exam's duration; give that or minutes. `rest_break_minutes` stop the clock.

    `people` may be in view beside the candidate, and `objects` on the desk; `several_people` is muted then. `muted` are
    detectors that stay silent; `identity_route` is how the candidate is identified instead of with pictures.
    """

    session: Id
    objects: Objects = ()


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    session: str


class GrantRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one of a list, by its place from 0."""

    row: int
    session: str
    outcome: Literal["granted", "refused"]
    field: str = ""
    rule: str = ""


class GrantRows(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[GrantRow, ...]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What one candidate is allowed. `objects` is None once it has been erased."""

    session: str
    accommodation: Accommodation
    objects: tuple[str, ...] | None


class Accommodations(msgspec.Struct, frozen=True, kw_only=True):
    accommodations: tuple[Read, ...]


@get("/schedules/{schedule:str}/accommodations", guards=[may("planner")])
async def read(request: AnyRequest, schedule: FromPath[str]) -> Accommodations:
    """All that is granted to candidates of this schedule, by session."""
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    found = []
    for session, (accommodation, objects) in sorted(plan.accommodations.items()):
        text = objects.text if objects else ""
        named = None if text is None else tuple(text.split("\n")) if text else ()
        found.append(Read(session=session, accommodation=accommodation, objects=named))
    return Accommodations(accommodations=tuple(found))


@post(
    "/schedules/{schedule:str}/accommodations", guards=[may("planner")], status_code=200,
    opt=says(reads={"application/json": Grant | tuple[Grant, ...]}, answers={200: Granted | GrantRows}),
)  # fmt: skip
async def grant(request: AnyRequest, schedule: FromPath[str], body: RawBody) -> Response[Granted | GrantRows]:
    """Grants one accommodation, or a list of which each is answered; what a candidate had before is replaced.

    It holds at once, also in a running session, and asks for no new notice. Time that was given stays given.
    """
    data: Grant | tuple[Grant, ...] = decoded(Grant | tuple[Grant, ...], body)
    many = (data,) if isinstance(data, Grant) else data
    if len(many) > SOME:
        raise Denied(422, "invalid", f"at most {SOME} accommodations in one call", field="body")
    if isinstance(data, Grant):
        await command(request, partial(_grant, schedule=schedule, one=data))
        await _told(request, [data.session])
        return Response(Granted(session=data.session))
    made = await command(request, partial(_grant_all, schedule=schedule, many=many))
    rows = [
        GrantRow(
            row=n, session=one.session, outcome="refused", field=made.ids[f"{n}.field"], rule=made.ids[f"{n}.rule"]
        )
        if f"{n}.rule" in made.ids
        else GrantRow(row=n, session=one.session, outcome="granted")
        for n, one in enumerate(many)
    ]
    await _told(request, [row.session for row in rows if row.outcome == "granted"])
    return Response(GrantRows(rows=tuple(rows)))


@delete("/schedules/{schedule:str}/accommodations/{session:str}", guards=[may("planner")])
async def withdraw(request: AnyRequest, schedule: FromPath[str], session: FromPath[str]) -> None:
    """Nothing is allowed any more from now on. Time that a running session was given stays given."""
    await command(request, partial(accommodations.withdraw, name=schedule, session=session))
    await _told(request, [session])


async def _grant(work: Work, *, schedule: str, one: Grant) -> None:
    plain = Accommodation(**{field: getattr(one, field) for field in Accommodation.__struct_fields__})
    await accommodations.grant(work, schedule, one.session, plain, one.objects)


async def _grant_all(work: Work, *, schedule: str, many: tuple[Grant, ...]) -> Mapping[str, str]:
    """One command for all of them: each that can be granted is."""
    answers: dict[str, str] = {}
    for n, one in enumerate(many):
        try:
            await _grant(work, schedule=schedule, one=one)
        except Refused as refusal:
            answers |= {f"{n}.rule": refusal.rule, f"{n}.field": refusal.field}
    return answers


async def _told(request: AnyRequest, sessions: list[str]) -> None:
    told: hints.Hints = request.app.state.hints
    for session in sessions:
        await told.say(hints.candidate(session))


HANDLERS = (read, grant, withdraw)
