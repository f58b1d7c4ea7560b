"""Of the command `vigil`: accounts of the staff, and tokens of other programs."""

from __future__ import annotations

from functools import partial

import click
import uvloop

from vigil.settings import Settings


@click.group()
def user() -> None:
    """Accounts of the institution's staff."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, required=True, help="May be given several times.")
@click.option("--audits", multiple=True, help="A schedule that an auditor may read, or `everything`. Several times.")
@click.option("--audit-days", type=click.IntRange(1, 366), default=30, show_default=True, help="For so many days.")
@click.option("--audit-reason", default="", help="Why; needed with --audits.")
@click.option("--tenant", default="main", show_default=True)
@click.password_option()
@click.pass_obj
def user_add(
    settings: Settings, email: str, name: str, roles: tuple[str, ...], audits: tuple[str, ...], audit_days: int,
    audit_reason: str, tenant: str, password: str,
) -> None:  # fmt: skip
    """Make an account. An auditor reads nothing until they are assigned, here or by an administrator."""
    from vigil.tools import Audit, add_user

    schedules = () if audits == ("everything",) else audits
    audit = Audit(schedules=schedules, days=audit_days, reason=audit_reason) if audits else None
    made = partial(add_user, settings, tenant=tenant, email=email, name=name, roles=roles, password=password)
    click.echo(uvloop.run(made(audit=audit)))


@click.group()
def token() -> None:
    """Tokens with which other programs call."""


@token.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="May be given several times.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="When it ends.")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def token_add(settings: Settings, name: str, roles: tuple[str, ...], days: int, tenant: str) -> None:
    """Issue a token for the program NAME and print it, once."""
    from vigil.tools import add_token

    click.echo(uvloop.run(add_token(settings, tenant=tenant, name=name, roles=roles, days=days)))


@token.command("list")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def token_list(settings: Settings, tenant: str) -> None:
    """List the tokens that still open something."""
    from vigil.tools import list_tokens

    click.echo(uvloop.run(list_tokens(settings, tenant=tenant)))


@token.command("revoke")
@click.argument("token")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def token_revoke(settings: Settings, token: str, tenant: str) -> None:
    """Revoke a token, named by its id."""
    from vigil.tools import revoke_token

    click.echo(uvloop.run(revoke_token(settings, tenant=tenant, token=token)))
