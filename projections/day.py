"""The gradebook without recordings, chats and seals: enough for the day on paper, and quick to fold as of a moment."""

from __future__ import annotations

from dataclasses import replace

from domain import incidents, intervention
from domain.session import SessionEvent
from projections.gradebook import GRADEBOOK
from projections.gradebook_row import Account
from projections.keys import ENROLMENT, events_of
from projections.model import Model

_EVENTS = ENROLMENT | events_of(
    SessionEvent, intervention.InterventionEvent, incidents.Opened, incidents.RaisedByPerson, incidents.EvidenceAdded,
    incidents.Closed,
)  # fmt: skip

DAY: Model[Account] = replace(GRADEBOOK, name="day", events=_EVENTS)
