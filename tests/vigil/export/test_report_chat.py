"""Of the report: the chat, escaped, and which of its texts were canned."""

from __future__ import annotations

from domain.chat import CannedVersion, MessageSent
from domain.event import Private
from domain.recorded import Envelope, Recorded
from tests.domain.hall import at
from vigil.report_chat import talked


def sent(number: int, text: str | None, canned: CannedVersion | None = None) -> Recorded:
    words = Private("ada", text, session="s1", key_class="chat")
    side = "invigilator" if canned else "candidate"
    body = MessageSent(message=f"m{number}", side=side, by="kim", at=at("9:10"), text=words, canned=canned)  # type: ignore[arg-type]
    return Recorded(number, "t/chat/s1", number, at("9:10"), Envelope(actor="kim", command="c"), body)


def test_what_was_said_is_told_and_from_which_text_it_was() -> None:
    page = talked([sent(1, "Is <b>that</b> it?"), sent(2, "Wait, please.", CannedVersion("c7", 3)), sent(3, None)])
    for part in (
        "Is &lt;b&gt;that&lt;/b&gt; it?", "Wait, please. (canned message c7, version 3)", "candidate (kim)", "(erased)",
    ):  # fmt: skip
        assert part in page, page
