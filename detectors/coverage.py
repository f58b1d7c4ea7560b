"""How much each detector could see of each session. What was not seen is said, never taken for clean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from detectors.kinds import GAP_S, KINDS
from detectors.seen import CannotTell
from detectors.settings import Settings
from domain.policy import DetectorKind

_Became = Literal["taken", "cannot_tell", "overloaded", "muted"]


class Counts(msgspec.Struct, kw_only=True):
    """Samples of one kind in one session. Each that was due is one of the other four.

    Due is each picture that came while the session was under observation, at most one each second. Of a time without
    pictures nothing is known here: `followed_s` is how long they came without a gap, whatever became of them, and
    `seen_s` how long those came that could tell. A sample that comes too late to be judged with the last cannot tell.
    """

    due: int = 0
    taken: int = 0
    cannot_tell: int = 0
    overloaded: int = 0
    muted: int = 0
    followed_s: float = 0.0
    seen_s: float = 0.0


class _Last(msgspec.Struct):
    """When the last sample came, and the last that could tell."""

    came_at: datetime | None = None
    told_at: datetime | None = None


class Coverage:
    """The counts of one session, by kind."""

    def __init__(self) -> None:
        self.kinds: dict[DetectorKind, Counts] = {}
        self._last: dict[DetectorKind, _Last] = {}

    def sampled(self, settings: Settings, at: datetime, unsure: Mapping[DetectorKind, CannotTell]) -> None:
        """A sample that was looked at; `unsure` are the kinds of which it says nothing."""
        for kind in _kinds(settings):
            self._count(settings, kind, at, "cannot_tell" if kind in unsure else "taken")

    def overloaded(self, settings: Settings, at: datetime) -> None:
        for kind in _kinds(settings):
            self._count(settings, kind, at, "overloaded")

    def interrupted(self) -> None:
        """Observation stops, as for a break: the time until it goes on is nobody's."""
        self._last.clear()

    def _count(self, settings: Settings, kind: DetectorKind, at: datetime, what: _Became) -> None:
        counts, last = self.kinds.setdefault(kind, Counts()), self._last.setdefault(kind, _Last())
        name = what if settings.watches(kind) else "muted"
        if name == "taken":
            judged, seen_s = _since(last.told_at, at)
            name = "taken" if judged else "cannot_tell"
            counts.seen_s += seen_s
            last.told_at = at
        elif name == "muted":
            last.told_at = None
        counts.followed_s += _since(last.came_at, at)[1]
        last.came_at = max(at, last.came_at or at)
        counts.due += 1
        setattr(counts, name, getattr(counts, name) + 1)


def _kinds(settings: Settings) -> list[DetectorKind]:
    return [setting.kind for setting in settings.detectors if setting.kind in KINDS]


def _since(last: datetime | None, at: datetime) -> tuple[bool, float]:
    """Whether a sample can be judged with the last one, and for how many seconds the two vouch. The first one can."""
    if last is None:
        return True, 0.0
    seconds = max(0.0, (at - last).total_seconds())
    return seconds <= GAP_S, seconds if seconds <= GAP_S else 0.0
