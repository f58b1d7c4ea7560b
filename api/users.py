"""Accounts of the staff and their roles."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from api.bodies import Id
from api.callers import may
from api.filters import Text, counted, named
from api.ordering import AnyRequest, command, services_of
from api.paging import USUAL, After, Limit, page
from api.reading import rows_of
from commands import users
from domain.auditing import Auditing
from domain.user import Role
from projections.people import PEOPLE, Person


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    password: Annotated[str, msgspec.Meta(min_length=12, max_length=1000)]
    roles: tuple[Role, ...] = ()


class UserMade(msgspec.Struct, frozen=True, kw_only=True):
    user: str


class RoleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Role


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of named `schedules`, or of `everything` that the tenant has; for at most 366 days."""

    schedules: Annotated[tuple[Id, ...], msgspec.Meta(max_length=100)] = ()
    everything: bool = False
    until: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Name and e-mail address are None once they have been erased. `locked_until` is set while sign-ins must wait.

    `auditing` is what an auditor is assigned to, also when it is over; without one they read nothing.
    """

    user: str
    name: str | None
    email: str | None
    roles: tuple[Role, ...]
    auditing: Auditing | None
    locked_until: datetime | None


class Users(msgspec.Struct, frozen=True, kw_only=True):
    """By name. `counts` is how many have each role."""

    users: tuple[User, ...]
    counts: dict[str, int]
    next: str | None


@get("/users", guards=[may("admin", "planner", "lead_invigilator", "data_protection_officer")])
async def read(
    request: AnyRequest, *, role: FromQuery[Role | None] = None, q: Text = "", limit: Limit = USUAL, after: After = ""
) -> Users:
    """All accounts, or those with a role.

    Planners find invigilators here, leads those who are locked out, data-protection officers the readers of a hold.
    """
    at = services_of(request).now()
    everybody = (await rows_of(request, PEOPLE)).rows.values()
    rows = (row for row in everybody if (role is None or role in row.roles) and named(q, row.name, row.email))
    found = page(request, rows, lambda row: (row.name or "", row.user), limit, after)
    counts = counted(role for row in everybody for role in row.roles)
    return Users(users=tuple(_shown(row, at) for row in found.rows), counts=counts, next=found.next)


def _shown(row: Person, at: datetime) -> User:
    locked_until = row.locked_until if row.locked_until and row.locked_until > at else None
    return User(
        user=row.user, name=row.name, email=row.email, roles=row.roles, auditing=row.auditing, locked_until=locked_until
    )


@post("/users", guards=[may("admin")])
async def register(request: AnyRequest, data: JSONBody[NewUser]) -> Response[UserMade]:
    """Makes an account. An address can have one."""
    services = services_of(request)
    use_case = partial(
        users.register, name=data.name, email=data.email, password_hash=await services.passwords.hash(data.password),
        roles=data.roles, pseudonyms=services.pseudonyms,
    )  # fmt: skip
    made = await command(request, use_case)
    return Response(UserMade(user=made.ids["user"]))


@post("/users/{user:str}/roles", guards=[may("admin")], status_code=204)
async def grant(request: AnyRequest, user: FromPath[str], data: JSONBody[RoleChange]) -> None:
    """Gives a role. An auditor reads nothing before they are assigned (`PUT /users/{user}/auditing`)."""
    await command(request, partial(users.grant_role, who=user, role=data.role))


@delete("/users/{user:str}/roles/{role:str}", guards=[may("admin")])
async def revoke(request: AnyRequest, user: FromPath[str], role: FromPath[Role]) -> None:
    """Takes a role away; it holds at the next request, and for open streams within five seconds."""
    await command(request, partial(users.revoke_role, who=user, role=role))


@put("/users/{user:str}/auditing", guards=[may("admin")], status_code=204)
async def audit(request: AnyRequest, user: FromPath[str], data: JSONBody[Assignment]) -> None:
    """Makes somebody an auditor of these schedules until a date, in the place of what they were assigned to before.

    When it ends, or the role is revoked, they read nothing at the next request.
    """
    use_case = partial(
        users.assign_auditor, who=user, schedules=data.schedules, everything=data.everything, until=data.until,
        reason=data.reason,
    )  # fmt: skip
    await command(request, use_case)


@post("/users/{user:str}/unlock", guards=[may("admin", "lead_invigilator")], status_code=204)
async def unlock(request: AnyRequest, user: FromPath[str]) -> None:
    """Lifts the wait after failed sign-ins, and counts from nothing again."""
    await command(request, partial(users.unlock, who=user))


@post("/users/{user:str}/sign-out", guards=[may("admin")], status_code=204)
async def sign_out(request: AnyRequest, user: FromPath[str]) -> None:
    """Signs somebody out everywhere; it holds at the next request, and for open streams within five seconds."""
    await command(request, partial(users.sign_out, who=user, everywhere=True))


HANDLERS = (read, register, grant, revoke, audit, unlock, sign_out)
