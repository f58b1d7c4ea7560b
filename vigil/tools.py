"""What operators do by hand: accounts and service tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import get_args

import click
import msgspec

from api.passwords import Passwords
from commands import service_tokens, users
from commands.handler import UseCase, Work
from commands.service_tokens import Presented
from domain.event import Refused
from domain.user import Role
from projections.reader import NotThereYet, find
from projections.tokens import TOKENS
from vigil.settings import Settings
from vigil.wiring import Core, attached, core

ACTOR = "system/operator"


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor is assigned to for so many days: these schedules, or everything where there are none."""

    schedules: tuple[str, ...] = ()
    days: int
    reason: str


async def add_user(
    settings: Settings, *, tenant: str, email: str, name: str, roles: tuple[str, ...], password: str,
    audit: Audit | None = None,
) -> str:  # fmt: skip
    """Makes an account and says its id."""
    granted = _roles(roles)
    async with core(attached(settings), "tool") as here:
        try:
            return await register(
                here,
                tenant=tenant,
                email=email,
                name=name,
                roles=granted,
                password=password,
                audit=audit,
            )
        except Refused as refusal:
            raise click.ClickException(refusal.rule) from refusal


async def add_token(settings: Settings, *, tenant: str, name: str, roles: tuple[str, ...], days: int) -> str:
    """Issues a service token and says what goes behind `Authorization: Bearer`: here and never again."""
    granted, secret = _roles(roles), service_tokens.fresh_secret()

    async def issue(work: Work) -> Mapping[str, str]:
        return await service_tokens.issue(
            work, name=name, roles=granted, expires_at=work.at + timedelta(days=days),
            sha256=service_tokens.hashed(secret),
        )  # fmt: skip

    return str(Presented((await _act(settings, tenant, "token", issue))["token"], secret))


async def revoke_token(settings: Settings, *, tenant: str, token: str) -> str:
    await _act(settings, tenant, "revoke", partial(service_tokens.revoke, token=token))
    return f"{token} is revoked"


async def list_tokens(settings: Settings, *, tenant: str) -> str:
    """A line for each token that still opens something: its id, end, roles and name."""
    async with core(attached(settings), "tool") as here, here.pool.connection() as conn:
        try:
            found, now = await find(conn, TOKENS, tenant), here.now()
        except NotThereYet:
            raise click.ClickException("the list is being put together; try again in a moment") from None
    rows = [row for row in found.rows.values() if row.revoked_at is None and row.expires_at > now]
    rows.sort(key=lambda row: row.expires_at)
    return "\n".join(f"{r.token}  {r.expires_at:%Y-%m-%d %H:%M} UTC  {','.join(r.roles)}  {r.name}" for r in rows)


async def _act(settings: Settings, tenant: str, what: str, use_case: UseCase) -> Mapping[str, str]:
    async with core(attached(settings), "tool") as here:
        try:
            return (await here.act(tenant, ACTOR, f"{what} {os.urandom(16).hex()}", use_case)).ids
        except Refused as refusal:
            raise click.ClickException(refusal.rule) from refusal


def _roles(roles: tuple[str, ...]) -> tuple[Role, ...]:
    try:
        return msgspec.convert(roles, tuple[Role, ...])
    except msgspec.ValidationError:
        raise click.UsageError(f"the roles are {', '.join(get_args(Role))}") from None


async def register(
    here: Core, *, tenant: str, email: str, name: str, roles: tuple[Role, ...], password: str,
    audit: Audit | None = None,
) -> str:  # fmt: skip
    """Registers an account as the operator. Raises `Refused` when the address has one."""
    hashed = await Passwords().hash(password)

    async def make(work: Work) -> Mapping[str, str]:
        made = await users.register(
            work, name=name, email=email, password_hash=hashed, roles=roles, pseudonyms=here.pseudonyms
        )
        if audit:
            await users.assign_auditor(
                work, made["user"], schedules=audit.schedules, everything=not audit.schedules,
                until=work.at + timedelta(days=audit.days), reason=audit.reason,
            )  # fmt: skip
        return made

    receipt = await here.act(tenant, ACTOR, f"account {os.urandom(16).hex()}", make)
    return receipt.ids["user"]
