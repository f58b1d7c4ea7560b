"""Accounts of the institution's staff. Passwords are hashed outside (argon2id takes its time) and come in as hashes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from commands.handler import Work
from commands.ids import Pseudonyms
from domain import schedule, user
from domain.auditing import AssignAuditor
from domain.event import Private, Refused


async def register(
    work: Work, *, name: str, email: str, password_hash: str, roles: tuple[user.Role, ...], pseudonyms: Pseudonyms
) -> Mapping[str, str]:
    """The account's id is a pseudonym of its e-mail address, so that an address can have one account only."""
    if "@" not in email:
        raise Refused("an e-mail address is expected", field="email", kind="invalid")
    who = pseudonyms.user(work.order.tenant, email)

    def private(text: str) -> Private:
        return Private(who, text, key_class="profile")

    order = user.Register(name=private(name), email=private(email), password=private(password_hash))
    await work.do(user.DECIDER, who, order)
    for role in roles:
        await work.do(user.DECIDER, who, user.GrantRole(role=role))
    return {"user": who}


async def grant_role(work: Work, who: str, role: user.Role) -> None:
    await work.do(user.DECIDER, who, user.GrantRole(role=role))


async def assign_auditor(
    work: Work, who: str, *, schedules: tuple[str, ...], everything: bool, until: datetime, reason: str
) -> None:
    """Makes somebody an auditor of these schedules, or of everything, until then, and of nothing else."""
    why = Private(who, reason, key_class="profile")
    order = AssignAuditor(at=work.at, schedules=schedules, everything=everything, until=until, reason=why)
    await work.do(user.DECIDER, who, order)
    for name in schedules:
        if (await work.state(schedule.DECIDER, name)).phase == "absent":
            raise Refused(f"there is no schedule {name}", field="schedules", kind="invalid")


async def revoke_role(work: Work, who: str, role: user.Role) -> None:
    await work.do(user.DECIDER, who, user.RevokeRole(role=role))


async def unlock(work: Work, who: str) -> None:
    await work.do(user.DECIDER, who, user.Unlock())


async def sign_in(work: Work, who: str, *, matched: bool) -> Mapping[str, str]:
    """Notes the attempt. `sign_outs`, when it succeeded, is how often the account was signed out everywhere before."""
    made = await work.do(user.DECIDER, who, user.SignIn(at=work.at, matched=matched))
    account = await work.state(user.DECIDER, who)
    return {"sign_outs": str(account.sign_outs)} if any(isinstance(event, user.SignedIn) for event in made) else {}


async def sign_out(work: Work, who: str, *, everywhere: bool) -> None:
    """Notes it; everywhere also ends whatever was signed in before."""
    await work.do(user.DECIDER, who, user.SignOut(at=work.at, everywhere=everywhere))
