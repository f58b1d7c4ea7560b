"""The read model `people`: a row for each account of the staff. Passwords are not in it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import user
from domain.auditing import Auditing, AuditorAssigned, assigned
from domain.recorded import Recorded, Stored
from domain.user import Role
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["PEOPLE", "Person"]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Name and e-mail address are None once forgotten."""

    user: str
    name: str | None = None
    email: str | None = None
    roles: tuple[Role, ...] = ()
    auditing: Auditing | None = None
    registered_at: datetime | None = None
    locked_until: datetime | None = None


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: Person | None, recorded: Recorded) -> Person | None:
    if row is None:  # an address without an account has failed sign-ins, too
        if not isinstance(recorded.body, user.Registered):
            return None
        row = Person(user=parsed(recorded.stream).name)
    match recorded.body:
        case user.Registered(name=name, email=email):
            return replace(row, name=name.text, email=email.text, registered_at=recorded.recorded_at)
        case user.RoleGranted(role=role):
            return replace(row, roles=tuple(sorted({*row.roles, role})))
        case user.RoleRevoked(role=role):
            kept = None if role == "auditor" else row.auditing
            return replace(row, roles=tuple(r for r in row.roles if r != role), auditing=kept)
        case AuditorAssigned() as event:
            return replace(row, auditing=assigned(event))
        case user.LockedOut(until=until):
            return replace(row, locked_until=until)
        case user.SignedIn() | user.Unlocked() if row.locked_until:
            return replace(row, locked_until=None)
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/user/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


_EVENTS = events_of(
    user.Registered, user.RoleGranted, user.RoleRevoked, AuditorAssigned, user.LockedOut, user.SignedIn, user.Unlocked,
)  # fmt: skip

PEOPLE: Model[Person] = Model(
    name="people", version=3, row=Person, events=_EVENTS, keys=keys, fold=fold, streams=streams, suspects=_suspects
)
