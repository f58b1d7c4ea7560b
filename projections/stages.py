"""How far an intervention came, by the event that says so."""

from __future__ import annotations

from domain.event import Event
from domain.intervention import Acknowledged, Applied, Delivered, Failed, Requested, Stage

STAGES: dict[type[Event], Stage] = {
    Requested: "requested",
    Delivered: "delivered",
    Acknowledged: "acknowledged",
    Applied: "applied",
    Failed: "failed",
}
