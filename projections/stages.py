"""How far an intervention came, by the event that says so."""

from __future__ import annotations

from domain.event import Event
from domain.intervention import Acknowledged, Applied, Delivered, Failed, Marked, Requested, Stage

STAGES: dict[type[Event], Stage] = {
    Requested: "requested",
    Delivered: "delivered",
    Acknowledged: "acknowledged",
    Applied: "applied",
    Marked: "applied",
    Failed: "failed",
}


def reached(before: Stage, body: Event) -> Stage:
    """A page that comes after the exam platform, or after an invigilator's mark, takes nothing back."""
    return before if before == "applied" else STAGES[type(body)]
