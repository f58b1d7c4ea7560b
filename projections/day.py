"""The read model `day`: a row for each session, with what attendance and the report of the day are made of.

Beside the account that the gradebook has, it keeps who was admitted late, when what was flagged, and what help was
asked for. So its version also counts the gradebook's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain import help as asking
from domain import incidents, intervention, session
from domain.recorded import Recorded
from domain.session import SessionEvent
from projections import gradebook
from projections.gradebook_row import Account
from projections.keys import (
    ENROLMENT,
    about_session,
    events_of,
    parsed,
    schedule_of_session,
    session_streams,
    session_suspects,
)
from projections.model import Model

__all__ = ["DAY", "Asked", "Day", "Flagged", "LateEntry"]

OWN = 1  # counts the changes of what stands here


class LateEntry(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    by: str


class Flagged(msgspec.Struct, frozen=True, kw_only=True):
    """When it began; `by` is "" where a detector or the candidate's page flagged it."""

    at: datetime
    by: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for help, and what became of it. `by` took or answered it."""

    topic: asking.Topic
    at: datetime
    state: Literal["requested", "taken", "answered", "withdrawn"] = "requested"
    by: str = ""
    ended_at: datetime | None = None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `schedule` is the account's, for the index."""

    session: str
    schedule: str = ""
    account: Account
    late: LateEntry | None = None
    flagged: dict[str, Flagged] = {}
    help: dict[str, Asked] = {}


_EVENTS = ENROLMENT | events_of(
    SessionEvent, intervention.InterventionEvent, incidents.Opened, incidents.RaisedByPerson, incidents.EvidenceAdded,
    incidents.Closed,
)  # fmt: skip


def fold(row: Day | None, recorded: Recorded) -> Day | None:
    account = gradebook.fold(row.account if row else None, recorded)
    assert account is not None  # the gradebook takes no row away
    row = row or Day(session=parsed(recorded.stream).session or account.session, account=account)
    return _own(replace(row, session=account.session, schedule=account.schedule, account=account), recorded)


def _own(row: Day, recorded: Recorded) -> Day:
    match recorded.body:
        case session.AdmittedLate(at=at, by=by):
            return replace(row, late=LateEntry(at=at, by=by))
        case incidents.Opened(incident=name, started_at=at):
            return replace(row, flagged=row.flagged | {name: Flagged(at=at)})
        case incidents.RaisedByPerson(incident=name, at=at):
            return replace(row, flagged=row.flagged | {name: Flagged(at=at, by=recorded.envelope.actor)})
        case asking.HelpRequested(help=name, topic=topic, at=at):
            return replace(row, help=row.help | {name: Asked(topic=topic, at=at)})
        case asking.HelpTaken(help=name, by=by) if name in row.help:
            return _helped(row, name, replace(row.help[name], state="taken", by=by))
        case asking.HelpReleased(help=name) if name in row.help:
            return _helped(row, name, replace(row.help[name], state="requested", by=""))
        case asking.HelpAnswered(help=name, by=by, at=at) if name in row.help:
            return _helped(row, name, replace(row.help[name], state="answered", by=by, ended_at=at))
        case asking.HelpWithdrawn(help=name, at=at) if name in row.help:
            return _helped(row, name, replace(row.help[name], state="withdrawn", ended_at=at))
    return row


def _helped(row: Day, name: str, asked: Asked) -> Day:
    return replace(row, help=row.help | {name: asked})


DAY: Model[Day] = Model(
    name="day", version=gradebook.GRADEBOOK.version + OWN, row=Day, events=_EVENTS, index=("schedule",),
    keys=about_session, fold=fold, streams=session_streams, leads=schedule_of_session, suspects=session_suspects,
)  # fmt: skip
