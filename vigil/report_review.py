"""Of the report that people read: what people decided on the record and noted, and when its priority was worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.appeal import AppealAnswered, AppealAttached, Appealed, AppealWithdrawn
from domain.decision import Decided, NoteAdded
from domain.priority import Prioritised
from domain.recorded import Recorded
from vigil.html import at as _at
from vigil.html import paragraph, private, section, table

Row = tuple[object, ...]


def reviewed(events: Sequence[Recorded]) -> str:
    """Decisions and notes, then appeals where there are any."""
    return _reviewed(events) + _appeals(events)


def _appeals(events: Sequence[Recorded]) -> str:
    rows = [row for event in events for row in _appealed(event)]
    if not rows:
        return ""
    said = paragraph(
        "An appeal is answered by nobody who watched, raised an incident, judged or decided. After one is upheld"
        " somebody decides anew."
    )
    return section("Appeals", said, table(("Appeal", "When", "By", "What"), rows))


def _appealed(event: Recorded) -> Iterator[Row]:
    match event.body:
        case Appealed(appeal=name, text=text, by=by, at=at, decision=decision, incident=incident):
            against = f"decision {decision}" if decision else "what happened before any decision"
            about = f", about {incident}" if incident else ""
            yield name, _at(at), by, f"appealed against {against}{about}: {private(text)}"
        case AppealAttached(appeal=name, number=number, kind=kind, bytes=size, at=at):
            yield name, _at(at), "the candidate", f"sent attachment {number}, {kind}, {size} bytes"
        case AppealWithdrawn(appeal=name, by=by, at=at):
            yield name, _at(at), by, "withdrew it"
        case AppealAnswered(appeal=name, answer=answer, reason=reason, by=by, at=at):
            yield name, _at(at), by, f"{answer}: {private(reason)}"
        case _:
            return


def _reviewed(events: Sequence[Recorded]) -> str:
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
