"""Of the report that people read: the chat, with which of its texts were canned and in which version."""

from __future__ import annotations

from collections.abc import Sequence

from domain import chat
from domain.recorded import Recorded
from vigil.html import at, private, section, table


def talked(events: Sequence[Recorded]) -> str:
    sent = [event.body for event in events if isinstance(event.body, chat.MessageSent)]
    rows = [(at(one.at), f"{one.side} ({one.by})", private(one.text) + _ready(one.canned)) for one in sent]
    return section("Chat", table(("When", "From", "Message"), rows))


def _ready(text: chat.CannedVersion | None) -> str:
    return f" (canned message {text.canned}, version {text.version})" if text else ""
