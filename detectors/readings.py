"""What one sample says of each kind. A reading says what is seen and never what it means: that is for people."""

from __future__ import annotations

from typing import Literal

import msgspec

from detectors.pose import away
from detectors.seen import Box, CannotTell, Observation
from detectors.settings import Settings

FACE = 0.75  # surely a face: a second person may rest on it
FACE_TRACE = 0.6  # enough of a face to say that somebody is there
PERSON = 0.38  # a second person may rest on it
PERSON_TRACE = 0.3  # enough of a person to say that somebody is there
FAR = 0.3  # of the picture's height: whoever is smaller holds things that are too small to be found
FAR_FOR_A_FACE = 0.25  # the same, for faces to be found
FAR_FOR_A_POSE = 0.05  # of the picture's height: a face that is smaller cannot be measured
SURELY = 0.5  # surely a person: that no face is found may rest on it
WIDEST = 60.0  # degrees that count as a score of 1

Thing = Literal["handheld_device", "second_screen", "book"]
# On clips without any such thing hands, badges and furniture score up to 0.3.
_THINGS: dict[Thing, float] = {"handheld_device": 0.4, "second_screen": 0.45, "book": 0.4}


class Reading(msgspec.Struct, frozen=True):
    """What one sample says of one kind. `raw_score` is the score that decided, held against `threshold`.

    With `cannot_tell` it says nothing: neither that it is there nor that it is not. `grave` says that it is at once as
    grave as its kind can become.
    """

    positive: bool
    confidence: float
    raw_score: float
    threshold: float
    cannot_tell: CannotTell | None = None
    grave: bool = False


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
    return {"person": settings.threshold("out_of_view", PERSON_TRACE), "face": FACE_TRACE}


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
    return {"person": settings.threshold("several_people", PERSON), "face": FACE}


def face_not_visible(observation: Observation, settings: Settings) -> Reading:
    """Surely a person, and hardly a trace of a face. Where nobody is found that is another kind's business."""
    threshold = face_not_visible_thresholds(settings)["face"]
    person, face = _strongest(observation.persons), _strongest(observation.faces)
    if face < threshold and person >= SURELY and _tallest(observation) < FAR_FOR_A_FACE:
        return unsure("too_far")
    return Reading(face < threshold and person >= SURELY, person * (1.0 - face), face, threshold)


def face_not_visible_thresholds(settings: Settings) -> dict[str, float]:
    return {"person": SURELY, "face": settings.threshold("face_not_visible", FACE_TRACE)}


def looking_away(observation: Observation, settings: Settings) -> Reading:
    """The head points elsewhere than it does as a rule. Whose baseline is not known, nothing is said of.

    Nor is it of a face where nobody sits, which is none, or of the only face of two people, which may be the other's.
    The score is the angle: 1 stands for sixty degrees and more.
    """
    threshold = looking_away_thresholds(settings)["angle"]
    faces = [face for face in observation.faces if face.score >= FACE_TRACE]
    if len(faces) > 1 or _strongest(observation.persons, 1) >= PERSON:
        return unsure("several_faces")
    if not faces or _strongest(observation.persons) < PERSON_TRACE:
        return unsure("no_face")
    if faces[0].bottom - faces[0].top < FAR_FOR_A_POSE:
        return unsure("too_far")
    if observation.pose is None or observation.baseline is None:
        return unsure("no_face" if observation.pose is None else "no_baseline")
    score = min(1.0, away(observation.baseline, observation.pose) / WIDEST)
    return Reading(score >= threshold, score, score, threshold)


def looking_away_thresholds(settings: Settings) -> dict[str, float]:
    return {"angle": settings.threshold("looking_away", 0.5)}


def thing(kind: Thing, observation: Observation, settings: Settings) -> Reading:
    """Something of that kind. A telephone or a book of somebody who sits far away is too small to be found."""
    if kind not in observation.things:
        return unsure("not_known")
    score, threshold = _strongest(observation.things[kind]), thing_thresholds(kind, settings)[kind]
    if score < threshold and kind != "second_screen" and _tallest(observation) < FAR:
        return unsure("too_far")
    return Reading(score >= threshold, score, score, threshold)


def thing_thresholds(kind: Thing, settings: Settings) -> dict[str, float]:
    return {kind: settings.threshold(kind, _THINGS[kind])}


def voice(observation: Observation, settings: Settings) -> Reading:
    """Much of a batch of sound is speech, whoever speaks. It is graver while somebody else is in view."""
    threshold, score = voice_thresholds(settings)["voiced"], observation.voiced
    return Reading(score >= threshold, score, score, threshold, grave=observation.company)


def voice_thresholds(settings: Settings) -> dict[str, float]:
    return {"voiced": settings.threshold("voice", 0.5)}


def _tallest(observation: Observation) -> float:
    """How much of the picture's height the nearest person fills; 1 where there is none, for nobody is far then."""
    return max((person.bottom - person.top for person in observation.persons), default=1.0)


def _strongest(boxes: tuple[Box, ...], passed_over: int = 0) -> float:
    """The best score, or the best after the `passed_over` better ones; 0 when there are not so many."""
    scores = sorted((box.score for box in boxes), reverse=True)
    return scores[passed_over] if len(scores) > passed_over else 0.0
