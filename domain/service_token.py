"""A service token: what another program signs in with. It has roles of its own, an end, and can be revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Refused
from domain.user import Role

# Events. Tags and field names are on disk for ever.


class Issued(Event, frozen=True, kw_only=True, tag="token.issued"):
    """`name` is the program's, never a person's. `sha256` is of the secret: 256 random bits, kept nowhere."""

    name: str
    roles: tuple[Role, ...]
    expires_at: datetime
    sha256: str


class Revoked(Event, frozen=True, kw_only=True, tag="token.revoked"):
    pass


ServiceTokenEvent = Issued | Revoked

# Commands.


class Issue(Command, frozen=True, kw_only=True):
    at: datetime
    name: str
    roles: tuple[Role, ...]
    expires_at: datetime
    sha256: str


class Revoke(Command, frozen=True, kw_only=True):
    pass


ServiceTokenCommand = Issue | Revoke

# State.

LONGEST = timedelta(days=366)


class ServiceToken(msgspec.Struct, frozen=True, kw_only=True):
    issued: bool = False
    revoked: bool = False
    name: str = ""
    roles: frozenset[Role] = frozenset()
    expires_at: datetime | None = None
    sha256: str = ""

    def good(self, at: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.issued and not self.revoked and self.expires_at is not None and at < self.expires_at


def evolve(state: ServiceToken, event: ServiceTokenEvent) -> ServiceToken:
    match event:
        case Issued(name=name, roles=roles, expires_at=expires_at, sha256=sha256):
            return replace(
                state, issued=True, name=name, roles=frozenset(roles), expires_at=expires_at, sha256=sha256
            )  # fmt: skip
        case Revoked():
            return replace(state, revoked=True)
        case _:
            assert_never(event)


def decide(command: ServiceTokenCommand, state: ServiceToken) -> tuple[ServiceTokenEvent, ...]:
    match command:
        case Issue():
            return _issue(command, state)
        case Revoke():
            if not state.issued:
                raise Refused("there is no such token", field="token", kind="not_found")
            return () if state.revoked else (Revoked(),)
        case _:
            assert_never(command)


def _issue(command: Issue, state: ServiceToken) -> tuple[ServiceTokenEvent, ...]:
    if state.issued:
        raise Refused("this token was issued already")
    name, roles = command.name.strip(), tuple(sorted(set(command.roles)))
    if not name:
        raise Refused("a token needs a name that says which program has it", field="name", kind="invalid")
    if not roles:
        raise Refused("a token needs at least one role", field="roles", kind="invalid")
    if not command.at < command.expires_at <= command.at + LONGEST:
        rule = f"a token ends in the future, at most {LONGEST.days} days from now"
        raise Refused(rule, field="expires_at", kind="invalid")
    return (Issued(name=name, roles=roles, expires_at=command.expires_at, sha256=command.sha256),)


DECIDER: Decider[ServiceToken, ServiceTokenCommand, ServiceTokenEvent] = Decider(
    "token", ServiceToken(), evolve, decide, ServiceTokenEvent
)
