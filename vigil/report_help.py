"""Of the report that people read: what help the candidate asked for, and what they got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain import help as asking
from domain.recorded import Recorded
from vigil.html import at as _at
from vigil.html import private, section, table

Row = tuple[object, ...]


def helped(events: Sequence[Recorded]) -> str:
    rows = [row for event in events for row in _help(event)]
    return section("Help", table(("When", "What"), rows, "The candidate asked for none."))


def _help(event: Recorded) -> Iterator[Row]:
    match event.body:
        case asking.HelpRequested(at=at, topic=topic, text=text):
            yield _at(at), f"asked for ({topic})" + (f": {private(text)}" if text else "")
        case asking.HelpTaken(at=at, by=by):
            yield _at(at), f"taken by {by}"
        case asking.HelpReleased(at=at, by=by):
            yield _at(at), f"given back to the queue by {by}"
        case asking.HelpAnswered(at=at, by=by, text=text):
            yield _at(at), f"answered by {by}" + (f": {private(text)}" if text else "")
        case asking.HelpWithdrawn(at=at):
            yield _at(at), "withdrawn"
