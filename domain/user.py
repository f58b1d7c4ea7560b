"""A user: an account of the institution's staff, its roles and its sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused

Role = Literal[
    "admin", "planner", "lead_invigilator", "invigilator", "reviewer", "auditor", "data_protection_officer",
]  # fmt: skip

# Events. Tags and field names are on disk for ever.


class Registered(Event, frozen=True, kw_only=True, tag="user.registered"):
    """`password` is an argon2id hash in PHC form, kept under the user's key like everything else about them."""

    name: Private
    email: Private
    password: Private


class RoleGranted(Event, frozen=True, kw_only=True, tag="user.role_granted"):
    role: Role


class RoleRevoked(Event, frozen=True, kw_only=True, tag="user.role_revoked"):
    role: Role


class SignedIn(Event, frozen=True, kw_only=True, tag="user.signed_in"):
    at: datetime


class SignInFailed(Event, frozen=True, kw_only=True, tag="user.sign_in_failed"):
    at: datetime


UserEvent = Registered | RoleGranted | RoleRevoked | SignedIn | SignInFailed

# Commands.


class Register(Command, frozen=True, kw_only=True):
    name: Private
    email: Private
    password: Private


class GrantRole(Command, frozen=True, kw_only=True):
    role: Role


class RevokeRole(Command, frozen=True, kw_only=True):
    role: Role


class SignIn(Command, frozen=True, kw_only=True):
    at: datetime
    matched: bool  # the password was right


UserCommand = Register | GrantRole | RevokeRole | SignIn

# State.

TRIES, LOCKED_S = 10, 300  # failed sign-ins in a row, and how long the account then waits


class User(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do. `password` is needed to check a sign-in and is never shown."""

    registered: bool = False
    name: Private | None = None
    email: Private | None = None
    password: Private | None = None
    roles: frozenset[Role] = frozenset()
    failures: tuple[datetime, ...] = ()


def evolve(state: User, event: UserEvent) -> User:
    match event:
        case Registered(name=name, email=email, password=password):
            return replace(state, registered=True, name=name, email=email, password=password)
        case RoleGranted(role=role):
            return replace(state, roles=state.roles | {role})
        case RoleRevoked(role=role):
            return replace(state, roles=state.roles - {role})
        case SignedIn():
            return replace(state, failures=())
        case SignInFailed(at=at):
            return replace(state, failures=(*state.failures, at)[-TRIES:])
        case _:
            assert_never(event)


def decide(command: UserCommand, state: User) -> tuple[UserEvent, ...]:
    if isinstance(command, Register):
        if state.registered:
            raise Refused("somebody with this e-mail address has an account already", field="email")
        return (Registered(name=command.name, email=command.email, password=command.password),)
    if not state.registered:
        raise Refused("there is no such user", field="user", kind="not_found")
    match command:
        case GrantRole(role=role):
            return () if role in state.roles else (RoleGranted(role=role),)
        case RevokeRole(role=role):
            return (RoleRevoked(role=role),) if role in state.roles else ()
        case SignIn(at=at, matched=matched):
            if len(state.failures) == TRIES and (at - state.failures[-1]).total_seconds() < LOCKED_S:
                raise Refused("too many failed sign-ins; wait five minutes and try again")
            return (SignedIn(at=at),) if matched else (SignInFailed(at=at),)
        case _:
            assert_never(command)


DECIDER: Decider[User, UserCommand, UserEvent] = Decider("user", User(), evolve, decide, UserEvent)
