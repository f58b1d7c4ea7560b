"""What operators do by hand: accounts, rebuilding a read model."""

from __future__ import annotations

import os
from functools import partial
from typing import get_args

import click

from api.passwords import Passwords
from commands import users
from domain.event import Refused
from domain.user import Role
from vigil.settings import Settings
from vigil.wiring import Core, attached, core

ACTOR = "system/operator"


async def add_user(
    settings: Settings, tenant: str, email: str, name: str, roles: tuple[str, ...], password: str
) -> str:
    """Makes an account and says its id."""
    unknown = [role for role in roles if role not in get_args(Role)]
    if unknown:
        raise click.UsageError(f"there is no role {unknown[0]!r}; the roles are {', '.join(get_args(Role))}")
    async with core(attached(settings), "tool") as here:
        try:
            return await register(here, tenant, email, name, roles, password)  # type: ignore[arg-type]  # checked above
        except Refused as refusal:
            raise click.ClickException(refusal.rule) from refusal


async def register(here: Core, tenant: str, email: str, name: str, roles: tuple[Role, ...], password: str) -> str:
    """Registers an account as the operator. Raises `Refused` when the address has one."""
    hashed = await Passwords().hash(password)
    use_case = partial(
        users.register, name=name, email=email, password_hash=hashed, roles=roles, pseudonyms=here.pseudonyms
    )
    receipt = await here.act(tenant, ACTOR, f"account {os.urandom(16).hex()}", use_case)
    return receipt.ids["user"]
