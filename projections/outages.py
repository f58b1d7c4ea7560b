"""The read model `outages`: a row for each outage that was declared."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.outage import OutageDeclared, Whose
from domain.recorded import Recorded
from domain.stream import Stream
from projections.keys import events_of, parsed, whole_stream
from projections.model import Model

__all__ = ["OUTAGES", "Declared"]


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what the candidates were told; None once forgotten."""

    outage: str
    schedule: str
    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str
    text: str | None
    by: str
    at: datetime


def keys(recorded: Recorded) -> tuple[str, ...]:
    at = parsed(recorded.stream)
    return (f"{at.tenant}/{at.name}/{recorded.body.outage}",) if isinstance(recorded.body, OutageDeclared) else ()


def fold(row: Declared | None, recorded: Recorded) -> Declared | None:
    match recorded.body:
        case OutageDeclared() as body:
            return Declared(
                outage=body.outage, schedule=parsed(recorded.stream).name, began_at=body.began_at,
                ended_at=body.ended_at, whose=body.whose, cause=body.cause, text=body.text.text, by=body.by, at=body.at,
            )  # fmt: skip
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, schedule, _ = key.split("/", 2)
    return (str(Stream(tenant, "duty", schedule)),)


OUTAGES: Model[Declared] = Model(
    name="outages", version=1, row=Declared, events=events_of(OutageDeclared), index=("schedule",), keys=keys,
    fold=fold, streams=streams, suspects=whole_stream,
)  # fmt: skip
