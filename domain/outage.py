"""An outage: declared once for a schedule, a fault of each session that ran then, and given back as time.

What it gives back is in `outage_rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain.event import Command, Event, Private, Refused

Whose = Literal["ours", "network", "exam_platform", "power"]
WORDS: dict[Whose, str] = {
    "ours": "our own systems",
    "network": "the network",
    "exam_platform": "the exam platform",
    "power": "power",
}
LONGEST = timedelta(hours=12)

# Values.


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what the candidates are told. It is about nobody, and sealed under a key of the schedule's own."""

    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str
    text: Private
    by: str
    at: datetime


class Span(msgspec.Struct, frozen=True, kw_only=True):
    began_at: datetime
    ended_at: datetime


# Events: of a schedule's duty, and of a session. Tags and field names are on disk for ever.


class OutageDeclared(Event, frozen=True, kw_only=True, tag="duty.outage_declared"):
    outage: str
    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str
    text: Private
    by: str
    at: datetime


class OutageMarked(Event, frozen=True, kw_only=True, tag="session.outage_marked"):
    """The session ran while there was an outage: a fault, never counted as conduct."""

    outage: str
    at: datetime
    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str


# Commands: to a schedule's duty, and to a session.


class DeclareOutage(Command, frozen=True, kw_only=True):
    outage: str
    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str
    text: Private
    by: str
    at: datetime


class MarkOutage(Command, frozen=True, kw_only=True):
    outage: str
    at: datetime
    began_at: datetime
    ended_at: datetime
    whose: Whose
    cause: str


def declared(command: DeclareOutage, known: Mapping[str, Outage]) -> tuple[OutageDeclared, ...]:
    """One declaration of what is the same outage."""
    if command.outage in known or same(known, command.began_at, command.ended_at, command.whose):
        return ()
    if command.began_at >= command.ended_at:
        raise Refused("an outage ends after it began", field="to", kind="invalid")
    if command.ended_at > command.at:
        rule = "an outage is declared up to now at most; pause the sessions while it lasts, and declare it then"
        raise Refused(rule, field="to", kind="invalid")
    if command.ended_at - command.began_at > LONGEST:
        raise Refused("an outage lasts 12 hours at most", field="from", kind="invalid")
    for field, words in (("cause", command.cause), ("text", command.text.text or "")):
        if not words.strip():
            raise Refused("say it in a few words", field=field, kind="invalid")
    return (
        OutageDeclared(
            outage=command.outage, began_at=command.began_at, ended_at=command.ended_at, whose=command.whose,
            cause=command.cause, text=command.text, by=command.by, at=command.at,
        ),
    )  # fmt: skip


def same(known: Mapping[str, Outage], began_at: datetime, ended_at: datetime, whose: Whose) -> str:
    """The name of the outage that was declared with these times; "" when there is none."""
    meant = (began_at, ended_at, whose)
    return next((name for name, one in known.items() if (one.began_at, one.ended_at, one.whose) == meant), "")


def evolve(known: dict[str, Outage], event: OutageDeclared) -> dict[str, Outage]:
    outage = Outage(
        began_at=event.began_at, ended_at=event.ended_at, whose=event.whose, cause=event.cause, text=event.text,
        by=event.by, at=event.at,
    )  # fmt: skip
    return known | {event.outage: outage}


def marked(known: dict[str, Span], event: OutageMarked) -> dict[str, Span]:
    return known | {event.outage: Span(began_at=event.began_at, ended_at=event.ended_at)}
