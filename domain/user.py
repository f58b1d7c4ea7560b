"""A user: an account of the institution's staff, its roles and its sign-ins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.auditing import AssignAuditor, Auditing, AuditorAssigned, assign, assigned
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
    """Also of an address that has no account: whoever guesses must not see the difference."""

    at: datetime


class LockedOut(Event, frozen=True, kw_only=True, tag="user.locked_out"):
    """Nobody can sign in until then. Whoever is signed in stays so."""

    at: datetime
    until: datetime


class Unlocked(Event, frozen=True, kw_only=True, tag="user.unlocked"):
    """A person has lifted the wait."""


class SignedOut(Event, frozen=True, kw_only=True, tag="user.signed_out"):
    """`everywhere`: every sign-in from before it has ended; otherwise the one that asked threw itself away."""

    at: datetime
    everywhere: bool = False


UserEvent = (
    Registered | RoleGranted | RoleRevoked | AuditorAssigned
    | SignedIn | SignInFailed | LockedOut | Unlocked | SignedOut
)  # fmt: skip

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


class Unlock(Command, frozen=True, kw_only=True):
    pass


class SignOut(Command, frozen=True, kw_only=True):
    at: datetime
    everywhere: bool


UserCommand = Register | GrantRole | RevokeRole | AssignAuditor | SignIn | Unlock | SignOut

# State.

TRIES = 5  # failed sign-ins in a row; from then on each makes the address wait
LONGEST_WAIT = timedelta(minutes=15)
WAIT = "there were too many failed sign-ins with this address"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do. `password` is needed to check a sign-in and is never shown."""

    registered: bool = False
    name: Private | None = None
    email: Private | None = None
    password: Private | None = None
    roles: frozenset[Role] = frozenset()
    auditing: Auditing | None = None  # an auditor without one reads nothing
    failures: int = 0  # in a row
    locked_until: datetime | None = None
    sign_outs: int = 0  # everywhere; a sign-in is good while it was made after the same number

    def left_s(self, at: datetime) -> float:
        """For how many seconds nobody can sign in yet."""
        return max((self.locked_until - at).total_seconds(), 0.0) if self.locked_until else 0.0


def evolve(state: User, event: UserEvent) -> User:
    match event:
        case Registered(name=name, email=email, password=password):
            return replace(state, registered=True, name=name, email=email, password=password)
        case RoleGranted(role=role):
            return replace(state, roles=state.roles | {role})
        case RoleRevoked(role=role):
            kept = None if role == "auditor" else state.auditing
            return replace(state, roles=state.roles - {role}, auditing=kept)
        case AuditorAssigned():
            return replace(state, auditing=assigned(event))
        case SignedIn():
            return replace(state, failures=0, locked_until=None)
        case SignInFailed():
            return replace(state, failures=state.failures + 1)
        case LockedOut(until=until):
            return replace(state, locked_until=until)
        case Unlocked():
            return replace(state, failures=0, locked_until=None)
        case SignedOut(everywhere=everywhere):
            return replace(state, sign_outs=state.sign_outs + everywhere)
        case _:
            assert_never(event)


def decide(command: UserCommand, state: User) -> tuple[UserEvent, ...]:
    if isinstance(command, Register):
        if state.registered:
            raise Refused("somebody with this e-mail address has an account already", field="email")
        return (Registered(name=command.name, email=command.email, password=command.password),)
    if isinstance(command, SignIn):
        return _sign_in(command, state)
    if not state.registered:
        raise Refused("there is no such user", field="user", kind="not_found")
    match command:
        case GrantRole(role=role):
            return () if role in state.roles else (RoleGranted(role=role),)
        case RevokeRole(role=role):
            return (RoleRevoked(role=role),) if role in state.roles else ()
        case AssignAuditor():
            granted = () if "auditor" in state.roles else (RoleGranted(role="auditor"),)
            return (*granted, *assign(command, state.auditing))
        case Unlock():
            return (Unlocked(),) if state.failures else ()
        case SignOut(at=at, everywhere=everywhere):
            return (SignedOut(at=at, everywhere=everywhere),)
        case _:
            assert_never(command)


def wait_after(failures: int) -> timedelta:
    """How long an address waits after so many failures in a row: 1, 2, 4 and more minutes, never above the longest."""
    if failures < TRIES:
        return timedelta()
    return min(timedelta(minutes=2 ** min(failures - TRIES, 10)), LONGEST_WAIT)


def _sign_in(command: SignIn, state: User) -> tuple[UserEvent, ...]:
    """Counted for every address alike, whether there is an account or not."""
    if state.left_s(command.at):
        raise Refused(WAIT)
    if command.matched and state.registered:
        return (SignedIn(at=command.at),)
    failed = SignInFailed(at=command.at)
    wait = wait_after(state.failures + 1)
    return (failed, LockedOut(at=command.at, until=command.at + wait)) if wait else (failed,)


DECIDER: Decider[User, UserCommand, UserEvent] = Decider("user", User(), evolve, decide, UserEvent)
