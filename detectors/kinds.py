"""The kinds of incident that a picture can show: what each reads in one sample, and how long that must last.

A new kind is a new row of `KINDS`. A kind says what is seen and never what it means: that is for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from detectors.seen import Box, Observation
from detectors.settings import Settings
from domain.incidents import Severity
from domain.policy import DetectorKind

GAP_S = 6.0  # samples further apart than this say nothing about the time between them
FACE = 0.75  # surely a face: a second person may rest on it
FACE_TRACE = 0.6  # enough of a face to say that somebody is there


class Reading(msgspec.Struct, frozen=True):
    """What one sample says of one kind. `raw_score` is the score that decided, held against `threshold`."""

    positive: bool
    confidence: float
    raw_score: float
    threshold: float


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One row. Times are in seconds, because samples come irregularly and some are missing.

    Opens when, within `window_s`, at least `needed` samples and at least `needed` of each `of` show it, the first and
    the last of them `span_s` apart or more; closes after `clear_s` without it. `version` changes with any of this.
    A window longer than twice the span holds enough samples however they are spaced, up to `GAP_S`.
    """

    name: DetectorKind
    version: str
    read: Callable[[Observation, Settings], Reading]
    thresholds: Callable[[Settings], dict[str, float]]
    severity: Severity
    needed: int = 2
    of: int = 3
    window_s: float = 8.5
    span_s: float
    clear_s: float = 6.0
    grave_after_s: float | None = None  # then it becomes `high`

    def severity_after(self, seconds: float) -> Severity:
        return "high" if self.grave_after_s is not None and seconds > self.grave_after_s else self.severity


def out_of_view(observation: Observation, settings: Settings) -> Reading:
    """Neither a person nor a face. A trace of either is enough to say nothing: not finding a face proves little."""
    thresholds = _out_of_view_thresholds(settings)
    person, face = _strongest(observation.persons), _strongest(observation.faces)
    trace, threshold = max(
        (person, thresholds["person"]), (face, thresholds["face"]), key=lambda pair: pair[0] - pair[1]
    )
    positive = person < thresholds["person"] and face < thresholds["face"]
    return Reading(positive, 1.0 - max(person, face), trace, threshold)


def several_people(observation: Observation, settings: Settings) -> Reading:
    """More persons, or more faces, than may be there. Either is enough: one finds who is half out of the picture."""
    thresholds = _several_people_thresholds(settings)
    person = _strongest(observation.persons, settings.people)
    face = _strongest(observation.faces, settings.people)
    score, threshold = max(
        (person, thresholds["person"]), (face, thresholds["face"]), key=lambda pair: pair[0] - pair[1]
    )
    return Reading(score >= threshold, score, score, threshold)


def _out_of_view_thresholds(settings: Settings) -> dict[str, float]:
    return {"person": settings.threshold("out_of_view", 0.3), "face": FACE_TRACE}


def _several_people_thresholds(settings: Settings) -> dict[str, float]:
    return {"person": settings.threshold("several_people", 0.38), "face": FACE}


def _strongest(boxes: tuple[Box, ...], passed_over: int = 0) -> float:
    """The best score, or the best after the `passed_over` better ones; 0 when there are not so many."""
    scores = sorted((box.score for box in boxes), reverse=True)
    return scores[passed_over] if len(scores) > passed_over else 0.0


KINDS: Mapping[DetectorKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="out_of_view", version="out_of_view/2", read=out_of_view, thresholds=_out_of_view_thresholds,
            severity="warn", span_s=4.0, grave_after_s=30.0,
        ),
        Kind(
            name="several_people", version="several_people/2", read=several_people,
            thresholds=_several_people_thresholds, severity="high", span_s=1.5,
        ),
    )
}  # fmt: skip
