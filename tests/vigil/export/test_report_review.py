"""Of the report: decisions and notes, with what was written escaped and what was erased said."""

from __future__ import annotations

from domain.decision import Decided, NoteAdded
from domain.event import Event, Private
from domain.priority import WEIGHTS, Prioritised
from domain.recorded import Envelope, Recorded
from domain.verdict import Judged
from tests.domain.hall import at
from vigil.report_review import reviewed

INCIDENTS = (Judged(incident="i1", kind="out_of_view", severity="high", standing="confirmed", by=("kim",)),)


def told(*happened: Event) -> str:
    envelope = Envelope(actor="someone", command="c")
    return reviewed([Recorded(n, "t/record/s1", n, at("9:00"), envelope, body) for n, body in enumerate(happened, 1)])


def words(text: str | None) -> Private:
    return Private("ada", text, session="s1", key_class="notes")


def test_all_decisions_are_told_with_what_they_rest_on() -> None:
    first = Decided(
        number=1, outcome="referred", ground="incident", reason=words("Somebody <b>spoke</b>"), by="kim",
        at=at("12:00"), seal=1, root="a0", incidents=INCIDENTS,
    )  # fmt: skip
    last = Decided(
        number=2, outcome="clear", ground=None, reason=words(None), by="lee", at=at("13:00"), seal=2, root="b0",
        incidents=(),
    )  # fmt: skip
    page = told(first, last)
    for part in (
        "referred (incident)", "Somebody &lt;b&gt;spoke&lt;/b&gt;", "seal 1, root a0; i1 confirmed",
        "<td>clear</td><td>lee</td><td>(erased)</td><td>seal 2, root b0; no incidents</td>",
    ):  # fmt: skip
        assert part in page, page


def test_notes_and_the_review_order_are_told_and_no_number_about_anybody() -> None:
    order = Prioritised(
        number=2, weights_version="1", weights=dict(WEIGHTS), inputs=INCIDENTS, muted=(), seal=1, policy=1,
        policy_today=2, at=at("12:00"), by="kim", why=words("Many alarms"),
    )  # fmt: skip
    page = told(NoteAdded(note="n1", text=words("The alarm rang"), by="lee", at=at("12:00")), order)
    assert "noted: The alarm rang" in page
    assert "review order, version 2, weights 1, on seal 1: Many alarms" in page
    assert "16" not in page


def test_nothing_decided_is_said_too() -> None:
    assert "Nobody has decided." in told()
    assert "No notes." in told()
