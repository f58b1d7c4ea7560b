"""Of the report: help, with what was written escaped and what was erased said."""

from __future__ import annotations

from domain import help as asking
from domain.event import Event, Private
from domain.recorded import Envelope, Recorded
from tests.domain.hall import at
from vigil.report_help import helped


def told(*happened: Event) -> str:
    envelope = Envelope(actor="someone", command="c")
    return helped([Recorded(n, "t/session/s1", n, at("9:00"), envelope, body) for n, body in enumerate(happened, 1)])


def words(text: str | None) -> Private:
    return Private("ada", text, session="s1", key_class="chat")


def test_what_was_asked_and_answered_is_told() -> None:
    asked = asking.HelpRequested(help="h1", at=at("9:10"), topic="technical", text=words("No <b>picture</b>"))
    answered = asking.HelpAnswered(help="h1", at=at("9:12"), by="kim", text=words(None))
    page = told(asked, asking.HelpTaken(help="h1", at=at("9:11"), by="kim"), answered)
    for part in ("asked for (technical): No &lt;b&gt;picture&lt;/b&gt;", "taken by kim", "answered by kim: (erased)"):
        assert part in page, page


def test_nothing_asked_is_said_too() -> None:
    assert "The candidate asked for none." in told()
