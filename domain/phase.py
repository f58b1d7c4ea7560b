"""The states of a session, by the groups that rules ask for."""

from __future__ import annotations

from typing import Literal

Phase = Literal[
    "absent", "expected", "checking", "ready", "in_progress", "paused", "locked", "on_break",
    "submitted", "terminated", "no_show", "declined", "ended_in_fault",
]  # fmt: skip
OVER: frozenset[str] = frozenset({"submitted", "terminated", "no_show", "declined", "ended_in_fault"})
WAITING: frozenset[str] = frozenset({"expected", "checking", "ready"})
RUNNING: frozenset[str] = frozenset({"in_progress", "paused", "locked", "on_break"})
Track = Literal["camera", "screen"]


def said(phase: Phase) -> str:
    """A state in words."""
    return phase.replace("_", " ")
