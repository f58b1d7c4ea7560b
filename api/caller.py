"""A caller as the ledger knows them now: an account, a candidate, or a program, by what they are let in by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from api.problems import Denied
from api.services import Services
from api.tokens import BadToken, Token
from commands.service_tokens import Presented
from domain import record, schedule, service_token, user
from domain.auditing import Auditing
from domain.stream import Stream

Who = user.Role | Literal["candidate"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """`actor` is a pseudonym: an account's or a candidate's. `session` and `schedule` are set for a candidate only."""

    tenant: str
    actor: str
    roles: frozenset[Who]
    session: str = ""
    schedule: str = ""
    device: str = ""  # of a candidate
    expires_at: int = 0
    service: bool = False  # a program with a token; `actor` is the token's id
    auditing: Auditing | None = None  # while it runs
    sign_outs: int = 0  # of an account, as its token says
    by_record_link: bool = False  # a candidate, after the exam
    link: int = 0  # the number of their record link, if so

    @property
    def candidate(self) -> bool:
        return "candidate" in self.roles

    def within(self, roles: Iterable[Who]) -> frozenset[Who]:
        """Those of these roles that the caller has now: an auditor is one while they are assigned."""
        held = self.roles.intersection(roles)
        return held if self.auditing else held - {"auditor"}


def read(services: Services, text: str, at: datetime) -> Token:
    """What somebody is let in by. Raises `Denied` 401."""
    try:
        return services.tokens.read(text, at, "user", "candidate", "reader")
    except BadToken:
        raise unauthenticated("this sign-in is not valid, or no longer") from None


async def known(services: Services, token: Token, at: datetime) -> Caller:
    """The caller as the ledger knows them now; somebody who was removed or withdrawn is not let in."""
    if token.kind in {"user", "link"}:
        stream = str(Stream(token.tenant, "user", token.subject))
        _, account = await services.handler.load(user.DECIDER, stream, fresh=True)
        if not account.roles:
            raise unauthenticated("this account may no longer sign in")
        if token.sign_outs != account.sign_outs:
            raise unauthenticated("this account was signed out everywhere; sign in again")
        auditing = account.auditing if account.auditing and account.auditing.runs(at) else None
        return Caller(
            tenant=token.tenant, actor=token.subject, roles=frozenset(account.roles), expires_at=token.expires_at,
            auditing=auditing, sign_outs=token.sign_outs,
        )  # fmt: skip
    stream = str(Stream(token.tenant, schedule.DECIDER.kind, token.schedule))
    _, plan = await services.handler.load(schedule.DECIDER, stream, fresh=True)
    if plan.candidates.get(token.subject) != token.session:
        raise unauthenticated("this candidate is not enrolled any more")
    if token.kind in {"reader", "own_link"}:
        return await _reader(services, token)
    if plan.links.get(token.session, 0) != token.link:
        raise unauthenticated("your join link was replaced by a new one; open that one")
    return Caller(
        tenant=token.tenant, actor=token.subject, roles=frozenset({"candidate"}), session=token.session,
        schedule=token.schedule, device=token.device, expires_at=token.expires_at,
    )  # fmt: skip


async def _reader(services: Services, token: Token) -> Caller:
    """A candidate who came by their record link."""
    stream = str(Stream(token.tenant, record.DECIDER.kind, token.session))
    _, state = await services.handler.load(record.DECIDER, stream, fresh=True)
    if state.appeals.link != token.link:
        raise unauthenticated("your record link was replaced by a new one; open that one")
    return Caller(
        tenant=token.tenant, actor=token.subject, roles=frozenset({"candidate"}), session=token.session,
        schedule=token.schedule, expires_at=token.expires_at, by_record_link=True, link=token.link,
    )  # fmt: skip


async def a_program(services: Services, given: Presented, at: datetime) -> Caller:
    """The program that has this token. It is read afresh, so that a revocation holds at once in every process."""
    stream = str(Stream(services.tenant, "token", given.token))
    _, token = await services.handler.load(service_token.DECIDER, stream, fresh=True)
    if not (given.proves(token) and token.good(at)):
        raise unauthenticated("this token is not valid, or no longer")
    auditing = Auditing(everything=True, until=token.expires_at) if token.expires_at else None
    return Caller(
        tenant=services.tenant, actor=given.token, roles=frozenset(token.roles), service=True, auditing=auditing
    )


def unauthenticated(detail: str) -> Denied:
    """For whoever is not let in: 401, with why."""
    return Denied(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
