"""What one sample says of each kind. A reading says what is seen and never what it means: that is for people."""

from __future__ import annotations

from typing import Literal

import msgspec

from detectors.seen import Box, CannotTell, Observation
from detectors.settings import Settings

FACE = 0.75  # surely a face: a second person may rest on it
FACE_TRACE = 0.6  # enough of a face to say that somebody is there
FAR = 0.3  # of the picture's height: whoever is smaller holds things that are too small to be found

Thing = Literal["handheld_device", "second_screen", "book"]
# On clips without any such thing hands, badges and furniture score up to 0.3.
_THINGS: dict[Thing, float] = {"handheld_device": 0.4, "second_screen": 0.45, "book": 0.4}


class Reading(msgspec.Struct, frozen=True):
    """What one sample says of one kind. `raw_score` is the score that decided, held against `threshold`.

    With `cannot_tell` it says nothing: neither that it is there nor that it is not.
    """

    positive: bool
    confidence: float
    raw_score: float
    threshold: float
    cannot_tell: CannotTell | None = None


def unsure(why: CannotTell) -> Reading:
    return Reading(False, 0.0, 0.0, 0.0, why)


def out_of_view(observation: Observation, settings: Settings) -> Reading:
    """Neither a person nor a face. A trace of either is enough to say nothing: not finding a face proves little."""
    thresholds = out_of_view_thresholds(settings)
    person, face = _strongest(observation.persons), _strongest(observation.faces)
    trace, threshold = max(
        (person, thresholds["person"]), (face, thresholds["face"]), key=lambda pair: pair[0] - pair[1]
    )
    positive = person < thresholds["person"] and face < thresholds["face"]
    return Reading(positive, 1.0 - max(person, face), trace, threshold)


def out_of_view_thresholds(settings: Settings) -> dict[str, float]:
    return {"person": settings.threshold("out_of_view", 0.3), "face": FACE_TRACE}


def several_people(observation: Observation, settings: Settings) -> Reading:
    """More persons, or more faces, than may be there. Either is enough: one finds who is half out of the picture."""
    thresholds = several_people_thresholds(settings)
    person = _strongest(observation.persons, settings.people)
    face = _strongest(observation.faces, settings.people)
    score, threshold = max(
        (person, thresholds["person"]), (face, thresholds["face"]), key=lambda pair: pair[0] - pair[1]
    )
    return Reading(score >= threshold, score, score, threshold)


def several_people_thresholds(settings: Settings) -> dict[str, float]:
    return {"person": settings.threshold("several_people", 0.38), "face": FACE}


def thing(kind: Thing, observation: Observation, settings: Settings) -> Reading:
    """Something of that kind. A telephone or a book of somebody who sits far away is too small to be found."""
    if kind not in observation.things:
        return unsure("not_known")
    score, threshold = _strongest(observation.things[kind]), thing_thresholds(kind, settings)[kind]
    tallest = max((person.bottom - person.top for person in observation.persons), default=1.0)
    if score < threshold and kind != "second_screen" and tallest < FAR:
        return unsure("too_far")
    return Reading(score >= threshold, score, score, threshold)


def thing_thresholds(kind: Thing, settings: Settings) -> dict[str, float]:
    return {kind: settings.threshold(kind, _THINGS[kind])}


def _strongest(boxes: tuple[Box, ...], passed_over: int = 0) -> float:
    """The best score, or the best after the `passed_over` better ones; 0 when there are not so many."""
    scores = sorted((box.score for box in boxes), reverse=True)
    return scores[passed_over] if len(scores) > passed_over else 0.0
