"""The read model `requests`: a row for each request of a person about their data. What they wrote is not in it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import request
from domain.grounds import Ground
from domain.recorded import Recorded, Stored
from domain.release import Released, Withheld
from domain.request import Channel, Kind, Proof, RequestEvent, Standing
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["REQUESTS", "Asked", "Copy"]


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What was made for the person, of which sessions, and what of it was withheld."""

    export: str
    by: str
    at: datetime
    sessions: tuple[str, ...] = ()
    withheld: tuple[Withheld, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `asked_by` is the first of the two who say that it be executed; `executed_by` are both.

    `ground` is why it is not granted, or not wholly. `sessions` are those that its execution took hold of.
    """

    request: str
    kind: Kind = "access"
    subject: str = ""
    session: str = ""
    channel: Channel = "letter"
    standing: Standing = "none"
    received_at: datetime | None = None
    received_by: str = ""
    due_at: datetime | None = None
    proof: Proof | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    ground: Ground | None = None
    asked_by: str = ""
    executed_at: datetime | None = None
    executed_by: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    released: tuple[Copy, ...] = ()
    answered_at: datetime | None = None
    position: int = 0


def fold(row: Asked | None, recorded: Recorded) -> Asked | None:
    row = replace(row or Asked(request=parsed(recorded.stream).name), position=recorded.position)
    match recorded.body:
        case request.Received() as body:
            return replace(
                row, standing="received", kind=body.kind, subject=body.subject, session=body.session,
                channel=body.channel, received_at=body.at, received_by=body.by, due_at=body.due_at,
            )  # fmt: skip
        case request.IdentityChecked(proof=proof):
            return replace(row, standing="checked", proof=proof)
        case request.Granted(at=at, by=by):
            return replace(row, standing="granted", decided_at=at, decided_by=by)
        case request.GrantedInPart(at=at, by=by, ground=ground):
            return replace(row, standing="granted", decided_at=at, decided_by=by, ground=ground)
        case request.RequestRefused(at=at, by=by, ground=ground):
            return replace(row, standing="refused", decided_at=at, decided_by=by, ground=ground)
        case request.ExecutionAsked(by=by):
            return replace(row, asked_by=by)
        case request.Executed(at=at, by=both, sessions=sessions):
            return replace(row, standing="executed", executed_at=at, executed_by=both, sessions=sessions)
        case Released(at=at, by=by, export=export, sessions=sessions, withheld=withheld):
            copy = Copy(export=export, by=by, at=at, sessions=sessions, withheld=withheld)
            return replace(row, released=(*row.released, copy))
        case request.Answered(at=at):
            return replace(row, standing="answered", answered_at=at)
    return row


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/request/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


REQUESTS: Model[Asked] = Model(
    name="requests", version=3, row=Asked, events=events_of(RequestEvent), index=("subject", "standing"), keys=keys,
    fold=fold, streams=streams, suspects=_suspects,
)  # fmt: skip
