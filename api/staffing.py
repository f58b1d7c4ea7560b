"""Invigilators of a schedule: assigned and removed one by one, as a list or from a file, also while the exam runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, post
from litestar.params import FromPath, JSONBody, RawBody

from api.bodies import Id, decoded, explain
from api.callers import load_schedule, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.schema import says
from api.services import Services
from api.table import BYTES, CSV, table
from commands import schedules
from commands.handler import Work
from domain.event import Refused
from domain.schedule import DECIDER, Schedule
from domain.staffing import warnings

SOME = 500  # in one call
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who: an account by its id (`user`), or by its e-mail address."""

    user: Id | None = None
    email: Email | None = None


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """`warnings` are in plain words, when there are more candidates for each than the schedule is set to."""

    user: str
    outcome: Literal["assigned", "already"]
    warnings: tuple[str, ...]


class AssignedRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one row: of a list by its place from 0; of a file as a spreadsheet counts, the header is row 1."""

    row: int
    outcome: Literal["assigned", "already", "refused"]
    user: str = ""
    email: str = ""
    field: str = ""
    rule: str = ""


class AssignedRows(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[AssignedRow, ...]
    warnings: tuple[str, ...]


class Removals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    users: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=SOME)]


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    outcome: Literal["removed", "not_assigned"]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """In the order that was asked."""

    users: tuple[Removal, ...]
    warnings: tuple[str, ...]


Row = tuple[int, Assignment | tuple[str, str]]  # by number; what is no good has a field and a rule instead


@post(
    "/schedules/{schedule:str}/invigilators", guards=[may("planner")], status_code=200, request_max_body_size=BYTES,
    opt=says(
        reads={"application/json": Assignment | tuple[Assignment, ...], CSV: str},
        answers={200: Assigned | AssignedRows},
    ),
)  # fmt: skip
async def assign(request: AnyRequest, schedule: FromPath[str], body: RawBody) -> Response[Assigned | AssignedRows]:
    """Assigns one invigilator, or a list or CSV file (`user` or `email`) of which every row is answered."""
    services = services_of(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CSV:
        return Response(await _assign(request, schedule, _rows_of_file(body)))
    data: Assignment | tuple[Assignment, ...] = decoded(Assignment | tuple[Assignment, ...], body)
    if isinstance(data, tuple):
        return Response(await _assign(request, schedule, list(enumerate(data))))
    made = await command(request, partial(_assign_one, schedule=schedule, who=data, services=services))
    outcome: Literal["assigned", "already"] = "already" if "already" in made.ids else "assigned"
    told = await staffing(request, schedule)
    return Response(Assigned(user=made.ids["user"], outcome=outcome, warnings=told))


@delete("/schedules/{schedule:str}/invigilators/{user:str}", guards=[may("planner")])
async def remove(request: AnyRequest, schedule: FromPath[str], user: FromPath[str]) -> None:
    """Takes an invigilator off the schedule; what they have open of it ends within five seconds."""
    await command(request, partial(schedules.remove_invigilator, name=schedule, who=user))


@post("/schedules/{schedule:str}/removals", guards=[may("planner")], status_code=200)
async def remove_some(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Removals]) -> Removed:
    """Takes invigilators off the schedule; each is answered. What they have open of it ends within five seconds."""
    made = await command(request, partial(_remove_all, schedule=schedule, users=data.users))
    return Removed(
        users=tuple(
            Removal(user=user, outcome="removed" if f"{n}.was" in made.ids else "not_assigned")
            for n, user in enumerate(data.users)
        ),
        warnings=await staffing(request, schedule),
    )


async def staffing(request: AnyRequest, schedule: str) -> tuple[str, ...]:
    """What a planner should know of the staffing as it is now."""
    return warned(await load_schedule(services_of(request), caller_of(request).tenant, schedule))


def warned(plan: Schedule) -> tuple[str, ...]:
    return warnings(len(plan.candidates), len(plan.invigilators), plan.candidates_per_invigilator)


async def _assign(request: AnyRequest, schedule: str, rows: list[Row]) -> AssignedRows:
    if len(rows) > SOME:
        raise Denied(422, "invalid", f"at most {SOME} invigilators in one call", field="body")
    made = await command(request, partial(_assign_all, schedule=schedule, rows=rows, services=services_of(request)))
    return AssignedRows(
        rows=tuple(_answer(n, row, made.ids) for n, row in rows), warnings=await staffing(request, schedule)
    )


def _answer(n: int, row: Assignment | tuple[str, str], ids: Mapping[str, str]) -> AssignedRow:
    if isinstance(row, tuple):
        return AssignedRow(row=n, outcome="refused", field=row[0], rule=row[1])
    user, email = row.user or ids.get(f"{n}.user", ""), row.email or ""
    if f"{n}.rule" in ids:
        return AssignedRow(
            row=n, outcome="refused", user=user, email=email, field=ids[f"{n}.field"], rule=ids[f"{n}.rule"]
        )
    return AssignedRow(row=n, outcome="already" if f"{n}.already" in ids else "assigned", user=user, email=email)


def _rows_of_file(raw: bytes) -> list[Row]:
    columns, rows = table(raw, frozenset(), ("user", "email"))
    return [(n, _row(columns, values)) for n, values in rows]


def _row(columns: list[str], values: list[str]) -> Assignment | tuple[str, str]:
    if len(values) > len(columns):
        return ("row", "there are more fields than columns")
    given = {name: value for name, value in zip(columns, values, strict=False) if value}
    try:
        return msgspec.convert(given, Assignment)
    except msgspec.ValidationError as error:
        return explain(str(error))


async def _assign_all(work: Work, *, schedule: str, rows: Iterable[Row], services: Services) -> Mapping[str, str]:
    """One command for all of them: who can be assigned is, and every other row is told why not."""
    answers: dict[str, str] = {}
    for n, row in rows:
        if isinstance(row, tuple):
            continue
        try:
            made = await _assign_one(work, schedule=schedule, who=row, services=services)
            answers |= {f"{n}.{name}": value for name, value in made.items()}
        except Refused as refusal:
            if refusal.kind == "not_found":
                raise
            answers |= {f"{n}.rule": refusal.rule, f"{n}.field": refusal.field}
    return answers


async def _assign_one(work: Work, *, schedule: str, who: Assignment, services: Services) -> Mapping[str, str]:
    if (who.user is None) == (who.email is None):
        raise Refused("say who by user or by email, one of them", field="user", kind="invalid")
    user = who.user or services.pseudonyms.user(work.order.tenant, who.email or "")
    if user in (await work.state(DECIDER, schedule)).invigilators:
        return {"user": user, "already": user}
    await schedules.assign_invigilator(work, schedule, user)
    return {"user": user}


async def _remove_all(work: Work, *, schedule: str, users: tuple[str, ...]) -> Mapping[str, str]:
    answers: dict[str, str] = {}
    for n, user in enumerate(users):
        if user in (await work.state(DECIDER, schedule)).invigilators:
            await schedules.remove_invigilator(work, schedule, user)
            answers[f"{n}.was"] = user
    return answers


HANDLERS = (assign, remove, remove_some)
