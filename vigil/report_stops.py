"""Of the report that people read: what invigilators did to a session, and when it was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from commands.envelope import tag_of
from domain import intervention, session, stops
from domain.reasons import worded
from domain.recorded import Recorded
from domain.stream import parse
from vigil.html import at as _at
from vigil.html import paragraph, private, section, table

Row = tuple[object, ...]


def interventions(events: Sequence[Recorded]) -> str:
    rows = [row for event in events for row in _intervention(event)]
    said = paragraph("A look that was passed or not is what an invigilator saw, never a verdict.")
    return section("Interventions", table(("When", "Intervention", "What"), rows), said if rows else "")


def stopped(events: Sequence[Recorded]) -> str:
    """Pauses, locks and breaks. Nothing is observed meanwhile, which is neither clean nor an incident."""
    said = paragraph(
        "While a session is paused, locked or on a break nothing is observed. A break that took longer is no incident."
    )
    rows = [row for event in events for row in _stop(event)]
    return section("Pauses, locks and breaks", said, table(("When", "What", "For how long"), rows))


def _intervention(event: Recorded) -> Iterator[Row]:
    name = parse(event.stream).name.partition(".")[2]
    match event.body:
        case intervention.Requested() as b:
            what = f"{b.break_kind} break" if b.break_kind else b.kind.replace("_", " ")
            minutes = f", {b.minutes:g} min" if b.minutes else ""
            text = f": {private(b.text)}" if b.text else ""
            yield _at(b.at), name, f"{what} ({worded(b.kind, b.reason_code)}{minutes}) by {b.by}{text}"
        case intervention.Delivered(at=at) | intervention.Acknowledged(at=at):
            yield _at(at), name, tag_of(event.body).partition(".")[2]
        case intervention.Applied(at=at, where=where):
            yield _at(at), name, f"applied on the {where}"
        case intervention.Marked(at=at, by=by, result=result, note=note):
            text = f": {private(note)}" if note else ""
            yield _at(at), name, f"{result.replace('_', ' ')}, says {by}{text}"
        case intervention.Failed(at=at, why=why):
            yield _at(at), name, f"failed: {why}"


def _stop(event: Recorded) -> Iterator[Row]:
    match event.body:
        case session.Paused(at=at):
            yield _at(at), "paused", ""
        case session.Resumed(at=at, stopped_s=stopped_s):
            yield _at(at), "resumed", _stood(stopped_s)
        case stops.Locked(at=at):
            yield _at(at), "locked", ""
        case stops.Unlocked(at=at, to="paused"):
            yield _at(at), "unlocked, and paused still", ""
        case stops.Unlocked(at=at, stopped_s=stopped_s):
            yield _at(at), "unlocked", _stood(stopped_s)
        case stops.BreakRequested(at=at, kind=kind):
            yield _at(at), f"asked for a {kind} break", ""
        case stops.BreakRequestClosed(at=at, why=why):
            yield _at(at), f"the request for a break was {why.replace('_', ' ')}", ""
        case stops.BreakStarted(at=at, kind=kind, until=until, intervention=by):
            granted = "" if by else ", granted beforehand"
            yield _at(at), f"{kind} break{granted}", f"allowed for {_minutes(at, until)} min"
        case stops.BreakEnded(at=at, why=why, stopped_s=stopped_s, over_s=over_s):
            over = f"; {over_s:.0f} s longer than allowed" if over_s else ""
            yield _at(at), f"the break ended ({why.replace('_', ' ')})", f"{_stood(stopped_s)}{over}"


def _stood(seconds: float) -> str:
    return f"the clock stood for {seconds:.0f} s"


def _minutes(since: datetime, until: datetime) -> str:
    return f"{(until - since).total_seconds() / 60:g}"
