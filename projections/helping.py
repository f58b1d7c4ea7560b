"""What help was asked for in a session, and what became of it."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from domain.help import HelpAnswered, HelpEvent, HelpReleased, HelpRequested, HelpTaken, HelpWithdrawn
from projections.gradebook_row import Asked


def helped(known: dict[str, Asked], event: HelpEvent) -> dict[str, Asked]:
    """Requests by their name, the first one first."""
    asked = known.get(event.help)
    if isinstance(event, HelpRequested):
        return known | {event.help: Asked(topic=event.topic, at=event.at)}
    return known if asked is None else known | {event.help: _after(asked, event)}


def _after(asked: Asked, event: HelpTaken | HelpReleased | HelpAnswered | HelpWithdrawn) -> Asked:
    match event:
        case HelpTaken(by=by):
            return replace(asked, state="taken", by=by)
        case HelpReleased():
            return replace(asked, state="requested", by="")
        case HelpAnswered(by=by, at=at):
            return replace(asked, state="answered", by=by, ended_at=at)
        case HelpWithdrawn(at=at):
            return replace(asked, state="withdrawn", ended_at=at)
        case _:
            assert_never(event)
