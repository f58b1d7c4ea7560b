"""The read model `chat`: a row for each message."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import chat
from domain.recorded import Recorded
from domain.stream import Stream
from projections.keys import events_of, parsed, whole_stream
from projections.model import Model

__all__ = ["CHAT", "Message"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one side wrote to the other. `text` is None once forgotten; `position` is of the sending."""

    message: str
    session: str
    side: chat.Side
    by: str
    at: datetime
    text: str | None
    position: int
    canned: chat.CannedVersion | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    read_by: str | None = None


def keys(recorded: Recorded) -> tuple[str, ...]:
    match recorded.body:
        case chat.MessageSent(message=name) | chat.MessageDelivered(message=name) | chat.MessageRead(message=name):
            at = parsed(recorded.stream)
            return (f"{at.tenant}/{at.name}/{name}",)
    return ()


def fold(row: Message | None, recorded: Recorded) -> Message | None:
    match recorded.body:
        case chat.MessageSent(message=name, side=side, by=by, at=at, text=text, canned=canned):
            return Message(
                message=name, session=parsed(recorded.stream).name, side=side, by=by, at=at, text=text.text,
                position=recorded.position, canned=canned,
            )  # fmt: skip
        case chat.MessageDelivered() if row:
            return replace(row, delivered_at=recorded.recorded_at)
        case chat.MessageRead(by=by) if row:
            return replace(
                row, delivered_at=row.delivered_at or recorded.recorded_at, read_at=recorded.recorded_at, read_by=by
            )
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, session, _ = key.split("/", 2)
    return (str(Stream(tenant, "chat", session)),)


CHAT: Model[Message] = Model(
    name="chat", version=2, row=Message, events=events_of(chat.ChatEvent), index=("session",), keys=keys, fold=fold,
    streams=streams, suspects=whole_stream,
)  # fmt: skip
