"""The read model `tokens`: a row for each service token. Neither secret nor hash is in it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import service_token
from domain.recorded import Recorded, Stored
from domain.user import Role
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["TOKENS", "Issued"]


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """`issued_by` and `revoked_by` are pseudonyms of accounts."""

    token: str
    name: str
    roles: tuple[Role, ...]
    expires_at: datetime
    issued_at: datetime
    issued_by: str
    revoked_at: datetime | None = None
    revoked_by: str | None = None


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: Issued | None, recorded: Recorded) -> Issued | None:
    match recorded.body:
        case service_token.Issued(name=name, roles=roles, expires_at=expires_at):
            return Issued(
                token=parsed(recorded.stream).name, name=name, roles=roles, expires_at=expires_at,
                issued_at=recorded.recorded_at, issued_by=recorded.envelope.actor,
            )  # fmt: skip
        case service_token.Revoked() if row:
            return replace(row, revoked_at=recorded.recorded_at, revoked_by=recorded.envelope.actor)
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/token/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


TOKENS: Model[Issued] = Model(
    name="tokens", version=1, row=Issued, events=events_of(service_token.ServiceTokenEvent), keys=keys, fold=fold,
    streams=streams, suspects=_suspects,
)  # fmt: skip
