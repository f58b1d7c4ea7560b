"""What the detectors are told about one session: what its policy watches, what is muted, who may be in view."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.incidents import Severity
from domain.policy import DetectorKind, DetectorSetting


class StillOpen(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that an earlier worker opened and nobody has closed: how it was when last told."""

    incident: str
    kind: DetectorKind
    started_at: datetime
    seen_at: datetime
    severity: Severity
    peak: float = 0.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one session now. Pictures from before `since` are not looked at.

    `people` counts the candidate and those who may be in view beside them. `still_open`, and which detectors (or the
    sight) are `failing` by an earlier worker's word, are read once, when a worker meets the session.
    """

    detectors: tuple[DetectorSetting, ...]
    muted: frozenset[str] = frozenset()
    people: int = 1
    since: datetime | None = None
    still_open: tuple[StillOpen, ...] = ()
    failing: frozenset[str] = frozenset()

    def watches(self, kind: str) -> bool:
        return kind not in self.muted and any(setting.kind == kind for setting in self.detectors)

    def threshold(self, kind: str, default: float) -> float:
        """The score that the policy sets for `kind`, else the rule's own."""
        named = (setting.threshold for setting in self.detectors if setting.kind == kind)
        return next((value for value in named if value is not None), default)
