"""How much each detector could see of each session. What was not seen is said, never taken for clean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from detectors.kinds import GAP_S, kinds_of
from detectors.seen import CannotTell, Lost, Source
from detectors.settings import Settings
from domain.policy import DetectorKind

_Became = Literal["taken", "overloaded", "muted"] | Lost


class Counts(msgspec.Struct, kw_only=True):
    """Samples of one kind in one session. Each that was due is one of the other four.

    Due is each picture that came while the session was under observation, at most one each second. Of a time without
    pictures nothing is known here: `followed_s` is how long they came without a gap, whatever became of them, and
    `seen_s` how long those came that could tell. A sample that comes too late to be judged with the last cannot tell.
    `reasons` holds, for each reason, the samples that could not tell for it.
    """

    due: int = 0
    taken: int = 0
    cannot_tell: int = 0
    overloaded: int = 0
    muted: int = 0
    followed_s: float = 0.0
    seen_s: float = 0.0
    reasons: dict[str, int] = {}


class _Last(msgspec.Struct):
    """When the last sample came, and the last that could tell."""

    came_at: datetime | None = None
    told_at: datetime | None = None


class Coverage:
    """The counts of one session, by kind."""

    def __init__(self) -> None:
        self.kinds: dict[DetectorKind, Counts] = {}
        self._last: dict[DetectorKind, _Last] = {}

    def sampled(
        self, settings: Settings, at: datetime, unsure: Mapping[DetectorKind, CannotTell], source: Source = "camera"
    ) -> None:
        """A sample that was looked at or heard; `unsure` are the kinds of which it says nothing."""
        for kind in _kinds(settings, source):
            self._count(settings, kind, at, unsure.get(kind, "taken"))

    def overloaded(self, settings: Settings, at: datetime, source: Source = "camera") -> None:
        for kind in _kinds(settings, source):
            self._count(settings, kind, at, "overloaded")

    def interrupted(self) -> None:
        """Observation stops, as for a break: the time until it goes on is nobody's."""
        self._last.clear()

    def _count(self, settings: Settings, kind: DetectorKind, at: datetime, what: _Became) -> None:
        counts, last = self.kinds.setdefault(kind, Counts()), self._last.setdefault(kind, _Last())
        became = what if settings.watches(kind) else "muted"
        if became == "taken":
            judged, seen_s = _since(last.told_at, at)
            became = "taken" if judged else "late"
            counts.seen_s += seen_s
            last.told_at = at
        counts.followed_s += _since(last.came_at, at)[1]
        last.came_at = max(at, last.came_at or at)
        counts.due += 1
        match became:
            case "taken":
                counts.taken += 1
            case "overloaded":
                counts.overloaded += 1
            case "muted":
                counts.muted += 1
                last.told_at = None
            case reason:
                counts.cannot_tell += 1
                counts.reasons[reason] = counts.reasons.get(reason, 0) + 1


def _kinds(settings: Settings, source: Source) -> list[DetectorKind]:
    named = {setting.kind for setting in settings.detectors}
    return [kind.name for kind in kinds_of(source) if kind.name in named]


def _since(last: datetime | None, at: datetime) -> tuple[bool, float]:
    """Whether a sample can be judged with the last one, and for how many seconds the two vouch. The first one can."""
    if last is None:
        return True, 0.0
    seconds = max(0.0, (at - last).total_seconds())
    return seconds <= GAP_S, seconds if seconds <= GAP_S else 0.0
