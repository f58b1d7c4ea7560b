"""One session under observation: what a worker remembers of it between two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detectors import rules
from detectors.changes import Change, Why
from detectors.kinds import KINDS
from detectors.pipeline import View
from detectors.seen import Observation
from detectors.settings import Settings

LEAST_S = 1.0  # pictures closer together than this are not due


@dataclass
class Seat:
    """A session's place: the settings in force, the pipeline's view, the rules' state."""

    settings: Settings
    view: View
    state: rules.State
    came_at: float  # when the last picture came, on the worker's own clock

    @classmethod
    def take(cls, session: str, settings: Settings, now: float) -> Seat:
        return cls(settings, View(session), rules.begin(session, settings.still_open), now)

    @property
    def watched(self) -> bool:
        """Whether anything may be looked for at all."""
        return any(self.settings.watches(kind) for kind in KINDS)

    @property
    def open(self) -> bool:
        return any(watch.open is not None for watch in self.state.watches.values())

    def due(self, at: datetime) -> bool:
        return self.state.at is None or (at - self.state.at).total_seconds() >= LEAST_S

    def step(self, observation: Observation) -> tuple[Change, ...]:
        self.state, changes = rules.step(self.state, self.settings, observation)
        return changes

    def leave(self, why: Why) -> tuple[Change, ...]:
        """Closes what is open, as of the last sample."""
        seen = [watch.open.seen_at for watch in self.state.watches.values() if watch.open is not None]
        at = self.state.at or max(seen, default=None)
        if at is None:
            return ()
        self.state, changes = rules.finish(self.state, at, why)
        return changes
