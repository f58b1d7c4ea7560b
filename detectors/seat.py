"""One session under observation: what a worker remembers of it between two samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from detectors import rules, sight
from detectors.changes import Change, Why
from detectors.frames import Frames
from detectors.hearing import Ear
from detectors.kinds import KINDS, kinds_of, unsure
from detectors.pipeline import View
from detectors.seen import Observation, Source
from detectors.settings import Settings

LEAST_S = 1.0  # samples closer together than this are not due


@dataclass
class Seat:
    """A session's place: the settings in force, the pipeline's view and the ear, and the rules' state of each source.

    Pictures and sound come by clocks of their own, and each is judged by itself.
    """

    settings: Settings
    view: View
    state: rules.State  # of pictures
    heard: rules.State  # of sound
    came_at: float  # when the last sample came, on the worker's own clock
    ear: Ear = field(default_factory=Ear)
    seeing: sight.Sight = field(default_factory=sight.Sight)
    hearing: sight.Sight = field(default_factory=sight.Sight)
    frames: Frames = field(default_factory=Frames)

    @classmethod
    def take(cls, session: str, settings: Settings, now: float) -> Seat:
        told = {name: "unknown" if name in settings.failing else None for name in sight.NAMES.values()}
        seeing, hearing = (sight.Sight(told=told[name]) for name in (sight.NAME, sight.HEARING))
        seen = tuple(left for left in settings.still_open if KINDS[left.kind].source == "camera")
        heard = tuple(left for left in settings.still_open if KINDS[left.kind].source == "sound")
        states = rules.begin(session, seen), rules.begin(session, heard)
        return cls(settings, View(session), *states, came_at=now, seeing=seeing, hearing=hearing)

    def watched(self, source: Source) -> bool:
        """Whether anything may be looked or listened for at all."""
        return any(self.settings.watches(kind.name) for kind in kinds_of(source))

    @property
    def company(self) -> bool:
        """Whether more than one person is in view, as far as is known."""
        several = self.state.watches.get("several_people")
        return several is not None and several.open is not None

    @property
    def open(self) -> bool:
        """Whether anything was told that is not over."""
        watches = (*self.state.watches.values(), *self.heard.watches.values())
        told = self.seeing.told or self.hearing.told
        return told is not None or any(watch.open is not None for watch in watches)

    def due(self, at: datetime, source: Source = "camera") -> bool:
        last = self.state.at if source == "camera" else self.heard.at
        return last is None or (at - last).total_seconds() >= LEAST_S

    def step(self, observation: Observation, jpeg: bytes | None = None) -> tuple[Change, ...]:
        """What a sample changes; `jpeg` is its picture, which may be kept."""
        if observation.source == "sound":
            self.heard, changes = rules.step(self.heard, self.settings, observation)
            return changes
        self.state, changes = rules.step(self.state, self.settings, observation)
        return self.frames.follow(changes, self.state, observation.at, jpeg)

    def look(self, observation: Observation) -> sight.Told:
        """Whether the session can be seen well from now on, or heard, or no more; None where nothing has changed."""
        if observation.cannot_tell in sight.OURS:
            return None
        reasons = unsure(observation, self.settings).values()
        if observation.source == "sound":
            self.hearing, told = sight.step(self.hearing, observation.at, reasons, sight.MICROPHONE)
            return told
        self.seeing, told = sight.step(self.seeing, observation.at, reasons)
        return told

    def look_away(self) -> dict[Source, sight.Told]:
        """Observation stops: whatever was told of how the session can be seen and heard is over."""
        before: dict[Source, sight.Sight] = {"camera": self.seeing, "sound": self.hearing}
        self.seeing = self.hearing = sight.Sight()
        return {source: "well" for source, one in before.items() if one.told}

    def leave(self, why: Why) -> tuple[Change, ...]:
        """Closes what is open, as of the last sample."""
        self.state, seen = _finish(self.state, why)
        self.heard, heard = _finish(self.heard, why)
        if seen:
            seen = self.frames.follow(seen, self.state, seen[0].at, None)
        return (*seen, *heard)


def _finish(state: rules.State, why: Why) -> tuple[rules.State, tuple[Change, ...]]:
    seen = [watch.open.seen_at for watch in state.watches.values() if watch.open is not None]
    at = state.at or max(seen, default=None)
    return (state, ()) if at is None else rules.finish(state, at, why)
