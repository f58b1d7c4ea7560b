"""Accounts of the staff and their roles."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, post
from litestar.params import FromPath, JSONBody

from api.callers import may
from api.ordering import AnyRequest, command, services_of
from commands import users
from domain.user import Role


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    password: Annotated[str, msgspec.Meta(min_length=12, max_length=1000)]
    roles: tuple[Role, ...] = ()


class UserMade(msgspec.Struct, frozen=True, kw_only=True):
    user: str


class RoleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Role


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
    await command(request, partial(users.grant_role, who=user, role=data.role))


@delete("/users/{user:str}/roles/{role:str}", guards=[may("admin")])
async def revoke(request: AnyRequest, user: FromPath[str], role: FromPath[Role]) -> None:
    """Takes a role away; it holds at the next request, and for open streams within five seconds."""
    await command(request, partial(users.revoke_role, who=user, role=role))


HANDLERS = (register, grant, revoke)
