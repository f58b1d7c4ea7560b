"""One session under observation: what a worker remembers of it between two pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from detectors import rules, sight
from detectors.changes import Change, Why
from detectors.kinds import KINDS, unsure
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
    seeing: sight.Sight = field(default_factory=sight.Sight)

    @classmethod
    def take(cls, session: str, settings: Settings, now: float) -> Seat:
        before = sight.Sight(told="unknown" if sight.NAME in settings.failing else None)
        return cls(settings, View(session), rules.begin(session, settings.still_open), now, before)

    @property
    def watched(self) -> bool:
        """Whether anything may be looked for at all."""
        return any(self.settings.watches(kind) for kind in KINDS)

    @property
    def open(self) -> bool:
        """Whether anything was told that is not over."""
        return self.seeing.told is not None or any(watch.open is not None for watch in self.state.watches.values())

    def due(self, at: datetime) -> bool:
        return self.state.at is None or (at - self.state.at).total_seconds() >= LEAST_S

    def step(self, observation: Observation) -> tuple[Change, ...]:
        self.state, changes = rules.step(self.state, self.settings, observation)
        return changes

    def look(self, observation: Observation) -> sight.Told:
        """Whether the session can be seen well from now on, or no more; None where nothing has changed."""
        if observation.cannot_tell in sight.OURS:
            return None
        reasons = unsure(observation, self.settings).values()
        self.seeing, told = sight.step(self.seeing, observation.at, reasons)
        return told

    def look_away(self) -> sight.Told:
        """Observation stops: whatever was told of how the session can be seen is over."""
        told: sight.Told = "well" if self.seeing.told else None
        self.seeing = sight.Sight()
        return told

    def leave(self, why: Why) -> tuple[Change, ...]:
        """Closes what is open, as of the last sample."""
        seen = [watch.open.seen_at for watch in self.state.watches.values() if watch.open is not None]
        at = self.state.at or max(seen, default=None)
        if at is None:
            return ()
        self.state, changes = rules.finish(self.state, at, why)
        return changes
