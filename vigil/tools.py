"""What operators do by hand: accounts, rebuilding a read model."""

from __future__ import annotations

import os
from functools import partial
from typing import get_args

import click
import msgspec

from api.passwords import Passwords
from commands import users
from domain.event import Refused
from domain.user import Role
from vigil.settings import Settings
from vigil.wiring import Core, attached, core

ACTOR = "system/operator"


async def add_user(
    settings: Settings, *, tenant: str, email: str, name: str, roles: tuple[str, ...], password: str
) -> str:
    """Makes an account and says its id."""
    try:
        granted = msgspec.convert(roles, tuple[Role, ...])
    except msgspec.ValidationError:
        raise click.UsageError(f"the roles are {', '.join(get_args(Role))}") from None
    async with core(attached(settings), "tool") as here:
        try:
            return await register(
                here,
                tenant=tenant,
                email=email,
                name=name,
                roles=granted,
                password=password,
            )
        except Refused as refusal:
            raise click.ClickException(refusal.rule) from refusal


async def register(here: Core, *, tenant: str, email: str, name: str, roles: tuple[Role, ...], password: str) -> str:
    """Registers an account as the operator. Raises `Refused` when the address has one."""
    hashed = await Passwords().hash(password)
    use_case = partial(
        users.register, name=name, email=email, password_hash=hashed, roles=roles, pseudonyms=here.pseudonyms
    )
    receipt = await here.act(tenant, ACTOR, f"account {os.urandom(16).hex()}", use_case)
    return receipt.ids["user"]
