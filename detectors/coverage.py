"""How much each detector could see of each session. What was not seen is said, never taken for clean."""

from __future__ import annotations

from typing import Literal

import msgspec

from detectors.kinds import KINDS
from detectors.settings import Settings
from domain.policy import DetectorKind


class Counts(msgspec.Struct, kw_only=True):
    """Samples of one kind in one session. Each that was due is one of the other four.

    Due is each picture that came while the session was under observation, at most one each second; time without any
    picture is a gap in the recording, which says so itself.
    """

    due: int = 0
    taken: int = 0
    cannot_tell: int = 0
    overloaded: int = 0
    muted: int = 0


class Coverage:
    """The counts of one session, by kind."""

    def __init__(self) -> None:
        self.kinds: dict[DetectorKind, Counts] = {}

    def sampled(self, settings: Settings, told: bool) -> None:
        self._count(settings, "taken" if told else "cannot_tell")

    def overloaded(self, settings: Settings) -> None:
        self._count(settings, "overloaded")

    def _count(self, settings: Settings, what: Literal["taken", "cannot_tell", "overloaded"]) -> None:
        for kind in (setting.kind for setting in settings.detectors if setting.kind in KINDS):
            counts = self.kinds.setdefault(kind, Counts())
            name = what if settings.watches(kind) else "muted"
            counts.due += 1
            setattr(counts, name, getattr(counts, name) + 1)
