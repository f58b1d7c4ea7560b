"""What is going on in the sessions that one person answers for, as a hand-over lists it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

import msgspec

from domain.duty import Duty
from domain.hand_over import Standing
from domain.help import Topic
from domain.incidents import Severity
from domain.phase import OVER
from domain.triage import UNTOUCHED
from projections.allowed import Allowance
from projections.live_row import Live

__all__ = ["GoingOn", "going_on", "in_numbers"]


class OpenOne(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that goes on and that nobody has set aside, or that somebody has taken or escalated.

    What is told of an incident only while it goes on is None afterwards.
    """

    session: str
    incident: str
    kind: str | None = None
    severity: Severity | None = None
    started_at: datetime | None = None
    taken_by: str | None = None
    escalated_by: str | None = None


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A request for help that is open."""

    session: str
    help: str
    topic: Topic
    at: datetime
    taken_by: str | None


class Standstill(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is paused or locked, or on a break: since when, and until when where that is known."""

    session: str
    phase: str
    since: datetime | None
    until: datetime | None = None


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is allowed, and never why."""

    session: str
    allowed: Allowance


class GoingOn(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` are those that the person answers for and that are not over."""

    user: str
    sessions: tuple[str, ...]
    incidents: tuple[OpenOne, ...]
    help: tuple[Asking, ...]
    pauses: tuple[Standstill, ...]
    breaks: tuple[Standstill, ...]
    accommodations: tuple[Allowed, ...]


def going_on(user: str, duty: Duty, rows: Iterable[Live]) -> GoingOn:
    """In the order of the sessions. What somebody has taken is listed with them, whoever answers for the session."""
    every = sorted((row for row in rows if not row.withdrawn), key=lambda row: row.session)
    mine = [row for row in every if user in duty.answering(row.session)]
    theirs = {row.session for row in mine}
    going = [row for row in mine if row.phase not in OVER]
    return GoingOn(
        user=user,
        sessions=tuple(row.session for row in going),
        incidents=tuple(
            one for row in every for one in _open(row) if row.session in theirs or one.taken_by == user
        ),
        help=tuple(
            Asking(
                session=row.session, help=row.help.help, topic=row.help.topic, at=row.help.at,
                taken_by=row.help.taken_by or None,
            )
            for row in every
            if row.help and (row.session in theirs or row.help.taken_by == user)
        ),
        pauses=tuple(
            Standstill(session=row.session, phase=row.phase, since=row.clock.stopped_since)
            for row in going
            if row.phase in ("paused", "locked")
        ),
        breaks=tuple(
            Standstill(
                session=row.session, phase=row.phase, since=row.clock.on_break.since, until=row.clock.on_break.until
            )
            for row in going
            if row.clock.on_break
        ),
        accommodations=tuple(Allowed(session=row.session, allowed=row.allowed) for row in going if row.allowed),
    )  # fmt: skip


def in_numbers(listed: GoingOn) -> Standing:
    """What the event of a hand-over keeps of a list."""
    text = msgspec.json.encode(listed, order="deterministic")
    return Standing(
        incidents=len(listed.incidents), help=len(listed.help), pauses=len(listed.pauses), breaks=len(listed.breaks),
        accommodations=len(listed.accommodations), sha256=sha256(text).hexdigest(),
    )  # fmt: skip


def _open(row: Live) -> list[OpenOne]:
    found = []
    for incident in sorted(row.open.keys() | row.triage.keys()):
        flag, tended = row.open.get(incident), row.triage.get(incident, UNTOUCHED)
        if tended.set_aside_by is None:
            found.append(
                OpenOne(
                    session=row.session, incident=incident, kind=flag.kind if flag else None,
                    severity=flag.severity if flag else None, started_at=flag.started_at if flag else None,
                    taken_by=tended.taken_by, escalated_by=tended.escalated_by,
                )
            )  # fmt: skip
    return found
