"""The kinds of incident that pictures show or sound lets hear, and how long each must last.

A new kind is a new row of `KINDS`, with what it reads in one sample from `readings.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from detectors import readings
from detectors.readings import Reading
from detectors.seen import CannotTell, Observation, Source
from detectors.settings import Settings
from domain.incidents import Severity, graver
from domain.policy import DetectorKind

GAP_S = 6.0  # samples further apart than this say nothing about the time between them


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One row. Times are in seconds, because samples come irregularly and some are missing.

    Opens when, within `window_s`, at least `needed` samples and at least `needed` of each `of` show it, the first and
    the last of them `span_s` apart or more; closes after `clear_s` without it. `version` changes with any of this.
    A window longer than twice the span holds enough samples however they are spaced, up to `GAP_S`. `detector` is what
    it is read from, `source` where its samples come from.
    """

    name: DetectorKind
    version: str
    detector: Literal["persons+faces", "objects", "faces", "voice"]
    source: Source = "camera"
    read: Callable[[Observation, Settings], Reading]
    thresholds: Callable[[Settings], dict[str, float]]
    severity: Severity
    needed: int = 2
    of: int = 3
    window_s: float = 8.5
    span_s: float
    clear_s: float = 6.0
    grave_after_s: float | None = None  # then it becomes as grave as this:
    grave: Severity = "high"

    def severity_after(self, seconds: float, before: Severity | None = None, *, grave: bool = False) -> Severity:
        """How grave it is after so long, or at once where it is `grave`; never less than it was `before`."""
        late = self.grave_after_s is not None and seconds > self.grave_after_s
        return graver(self.grave if late or grave else self.severity, before)


def kinds_of(source: Source) -> list[Kind]:
    """The kinds that are read from samples of this source."""
    return [kind for kind in KINDS.values() if kind.source == source]


def unsure(observation: Observation, settings: Settings) -> dict[DetectorKind, CannotTell]:
    """The kinds that are looked for and of which this sample says nothing, each with why."""
    watched = [kind for kind in kinds_of(observation.source) if settings.watches(kind.name)]
    if observation.cannot_tell is not None:
        return {kind.name: observation.cannot_tell for kind in watched}
    said = {kind.name: kind.read(observation, settings).cannot_tell for kind in watched}
    return {name: why for name, why in said.items() if why is not None}


_LYING: tuple[readings.Thing, ...] = ("second_screen", "book")
KINDS: Mapping[DetectorKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="out_of_view", version="out_of_view/3", detector="persons+faces", read=readings.out_of_view,
            thresholds=readings.out_of_view_thresholds, severity="warn", span_s=2.0, grave_after_s=30.0,
        ),
        Kind(
            name="several_people", version="several_people/2", detector="persons+faces", read=readings.several_people,
            thresholds=readings.several_people_thresholds, severity="high", span_s=1.5,
        ),
        Kind(
            name="handheld_device", version="handheld_device/1", detector="objects",
            read=partial(readings.thing, "handheld_device"),
            thresholds=partial(readings.thing_thresholds, "handheld_device"), severity="warn", span_s=1.5,
            grave_after_s=10.0,
        ),
        *(
            Kind(  # what lies or stands there has time: a longer look, and no hurry
                name=name, version=f"{name}/1", detector="objects", read=partial(readings.thing, name),
                thresholds=partial(readings.thing_thresholds, name), severity="info", needed=3, of=5, window_s=12.5,
                span_s=4.0, clear_s=10.0,
            )
            for name in _LYING
        ),
        Kind(
            name="face_not_visible", version="face_not_visible/1", detector="persons+faces",
            read=readings.face_not_visible, thresholds=readings.face_not_visible_thresholds, severity="info", needed=3,
            of=5, window_s=12.5, span_s=4.0, grave_after_s=20.0, grave="warn",
        ),
        Kind(
            name="looking_away", version="looking_away/3", detector="persons+faces", read=readings.looking_away,
            thresholds=readings.looking_away_thresholds, severity="info", span_s=2.0, clear_s=8.0,
        ),
        Kind(
            name="voice", version="voice/1", detector="voice", source="sound", read=readings.voice,
            thresholds=readings.voice_thresholds, severity="info", span_s=4.0, grave="warn",
        ),
    )
}  # fmt: skip
