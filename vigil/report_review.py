"""Of the report that people read: what people decided on the record and noted, and when its priority was worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.decision import Decided, NoteAdded
from domain.priority import Prioritised
from domain.recorded import Recorded
from vigil.html import at as _at
from vigil.html import paragraph, private, section, table

Row = tuple[object, ...]


def reviewed(events: Sequence[Recorded]) -> str:
    decisions = [row for event in events for row in _decided(event)]
    others = [row for event in events for row in _said(event)]
    said = paragraph("People decide, never a program. A later decision replaces none: all stand here, the last counts.")
    head = ("Number", "When", "Decision", "By", "Reason", "Rests on")
    return section(
        "Decisions and notes", said, table(head, decisions, "Nobody has decided."),
        table(("When", "By", "What"), others, "No notes."),
    )  # fmt: skip


def _decided(event: Recorded) -> Iterator[Row]:
    match event.body:
        case Decided(number=number, outcome=outcome, ground=ground, reason=reason, by=by, at=at) as body:
            judged = ", ".join(f"{one.incident} {one.standing.replace('_', ' ')}" for one in body.incidents)
            rests = f"seal {body.seal}, root {body.root}" + (f"; {judged}" if judged else "; no incidents")
            yield number, _at(at), outcome + (f" ({ground})" if ground else ""), by, private(reason), rests
        case _:
            return


def _said(event: Recorded) -> Iterator[Row]:
    match event.body:
        case NoteAdded(text=text, by=by, at=at):
            yield _at(at), by, f"noted: {private(text)}"
        case Prioritised(number=number, weights_version=weights, seal=seal, why=why, by=by, at=at):
            because = f": {private(why)}" if why else ""
            yield _at(at), by, f"review order, version {number}, weights {weights}, on seal {seal}{because}"
        case _:
            return
