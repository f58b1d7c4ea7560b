"""Messages between a candidate and the invigilators."""

from __future__ import annotations

from collections.abc import Mapping

from commands import canned_messages
from commands.handler import Work
from domain import chat, session_rules
from domain.event import Private, Refused


async def send(
    work: Work, session: str, *, side: chat.Side, text: str = "", canned: str | None = None
) -> Mapping[str, str]:
    """Sends a text, or a canned message as it is now."""
    source = None
    if canned is not None:
        text, source = await canned_messages.as_it_is(work, canned)
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    message = work.new_id("message " + session)
    words = Private(state.subject, text, session=session, key_class="chat")
    order = chat.Send(message=message, side=side, by=work.order.actor, at=work.at, text=words, canned=source)
    await work.do(chat.DECIDER, session, order)
    return {"message": message}


async def mark_delivered(work: Work, session: str, message: str, *, side: chat.Side) -> None:
    await work.do(chat.DECIDER, session, chat.MarkDelivered(message=message, side=side))


async def mark_read(work: Work, session: str, message: str, *, side: chat.Side) -> None:
    await work.do(chat.DECIDER, session, chat.MarkRead(message=message, side=side, by=work.order.actor))
