"""Chat between a candidate and the invigilators, and broadcasts to a whole schedule."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec.structs import replace

from api import hints
from api.bodies import Id
from api.callers import WATCHERS, Caller, may
from api.each import Answers, for_chosen
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command
from api.paging import USUAL, After, Limit, page
from api.problems import Denied
from api.reading import names_of, rows_of
from api.restriction import unrestricted
from commands import chats
from domain.chat import CannedVersion, Side
from projections.chat import CHAT, Message


class NewMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text, or the id of a canned message, which invigilators send as it is now."""

    text: str = ""
    canned: Id | None = None


class Broadcast(NewMessage, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sessions: Literal["all"] | tuple[str, ...] = "all"


class MessageMade(msgspec.Struct, frozen=True, kw_only=True):
    message: str


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message. Who wrote it, and from which canned text, is told to the staff only.

    `text` is None once it has been erased.
    """

    message: str
    side: Side
    at: datetime
    text: str | None
    delivered: bool
    read: bool
    by: str | None = None
    by_name: str | None = None
    canned: CannedVersion | None = None


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """`unread` is how many of the other side's nobody has read on the caller's own, of the whole chat."""

    messages: tuple[ChatMessage, ...]
    unread: int
    next: str | None


@get("/sessions/{session:str}/messages", guards=[may("candidate", *WATCHERS, "reviewer", "auditor"), unrestricted])
async def read(request: AnyRequest, session: FromPath[str], *, limit: Limit = USUAL, after: After = "") -> Messages:
    """The chat, oldest first."""
    found = await rows_of(request, CHAT, {"session": session})
    shown = page(request, found.rows.values(), lambda row: (row.position, row.message), limit, after)
    side = _side(caller_of(request))
    unread = sum(row.side != side and row.read_at is None for row in found.rows.values())
    if side == "candidate":
        return Messages(messages=tuple(_shown(row) for row in shown.rows), unread=unread, next=shown.next)
    names = await names_of(request)
    told = (replace(_shown(row), by=row.by, by_name=names.get(row.by), canned=row.canned) for row in shown.rows)
    return Messages(messages=tuple(told), unread=unread, next=shown.next)


@post("/sessions/{session:str}/messages", guards=[may("candidate", *WATCHERS)], opt=limited("messages"))
async def send(request: AnyRequest, session: FromPath[str], data: JSONBody[NewMessage]) -> Response[MessageMade]:
    """Sends one message. The same text twice is two messages, and one under the same `Idempotency-Key`."""
    side = _side(caller_of(request))
    _must_say(data, side)
    made = await command(request, partial(chats.send, session=session, side=side, text=data.text, canned=data.canned))
    await _told(request, session)
    return Response(MessageMade(message=made.ids["message"]))


@post("/sessions/{session:str}/messages/{message:str}/delivered", guards=[may("candidate", *WATCHERS)], status_code=204)
async def mark_delivered(request: AnyRequest, session: FromPath[str], message: FromPath[str]) -> None:
    """Says that a message of the other side has come."""
    side = _side(caller_of(request))
    await command(request, partial(chats.mark_delivered, session=session, message=message, side=side))
    await _told(request, session)


@post("/sessions/{session:str}/messages/{message:str}/read", guards=[may("candidate", *WATCHERS)], status_code=204)
async def mark_read(request: AnyRequest, session: FromPath[str], message: FromPath[str]) -> None:
    """Says that a message of the other side was read."""
    side = _side(caller_of(request))
    await command(request, partial(chats.mark_read, session=session, message=message, side=side))
    await _told(request, session)


@post("/schedules/{schedule:str}/broadcasts", guards=[may(*WATCHERS)], opt=limited("broadcasts"), status_code=200)
async def broadcast(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Broadcast]) -> Answers:
    """Sends one message to every session of a schedule, or to some; each is answered by itself."""
    _must_say(data, "invigilator")
    return await for_chosen(
        request,
        schedule,
        data.sessions,
        lambda session: partial(chats.send, session=session, side="invigilator", text=data.text, canned=data.canned),
        "message",
    )


def _must_say(data: NewMessage, side: Side) -> None:
    if data.canned is not None and side == "candidate":
        raise Denied(422, "invalid", "canned messages are for invigilators", field="canned")
    if data.canned is not None and data.text:
        raise Denied(422, "invalid", "a text or a canned message, not both", field="canned")


def _shown(row: Message) -> ChatMessage:
    return ChatMessage(
        message=row.message, side=row.side, at=row.at, text=row.text, delivered=row.delivered_at is not None,
        read=row.read_at is not None,
    )  # fmt: skip


def _side(caller: Caller) -> Side:
    return "candidate" if caller.candidate else "invigilator"


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (read, send, mark_delivered, mark_read, broadcast)
