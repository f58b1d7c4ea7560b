"""The read model `canned`: a row for each canned message that is not removed."""

from __future__ import annotations

import msgspec

from domain import canned
from domain.canned import CannedEvent
from domain.recorded import Recorded, Stored
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["CANNED", "CannedRow"]


class CannedRow(msgspec.Struct, frozen=True, kw_only=True):
    """`version` counts the changes of this text, from 1."""

    canned: str
    label: str
    text: str
    version: int


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: CannedRow | None, recorded: Recorded) -> CannedRow | None:
    match recorded.body:
        case canned.Removed():
            return None
        case canned.Added(label=label, text=text) | canned.Changed(label=label, text=text):
            version = row.version + 1 if row else 1
            return CannedRow(canned=parsed(recorded.stream).name, label=label, text=text, version=version)
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/canned/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


CANNED: Model[CannedRow] = Model(
    name="canned", version=1, row=CannedRow, events=events_of(CannedEvent), keys=keys, fold=fold, streams=streams,
    suspects=_suspects,
)  # fmt: skip
