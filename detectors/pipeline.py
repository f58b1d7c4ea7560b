"""One picture in, one observation out: faces on every sample, objects when the gate says so, and tracked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Protocol, TypeVar

from msgspec.structs import replace

from detectors import faces, gate, objects, pose, tracks
from detectors.coco import Category
from detectors.kinds import KINDS
from detectors.picture import Image, decode
from detectors.readings import FACE_TRACE, FAR_FOR_A_POSE
from detectors.seen import Box, Observation
from detectors.settings import Settings
from detectors.weights import Resolved, Weights
from domain.incidents import Provenance
from domain.policy import DetectorKind

Found = TypeVar("Found")
_ULTRALYTICS = "ultralytics-opencv-headless"
_VERSIONS = f"persons/{objects.VERSION} faces/{faces.VERSION} pose/{pose.VERSION}"
_COUNTED = 0.3  # what is weaker than this doesn't keep the gate awake


class FindsFaces(Protocol):
    weights: Weights

    def find(self, picture: Image) -> tuple[Box, ...]: ...


class FindsPoints(Protocol):
    def points(self, picture: Image, face: Box) -> tuple[pose.Point, ...] | None: ...


class FindsObjects(Protocol):
    weights: Weights

    def find(self, picture: Image) -> dict[Category, tuple[Box, ...]]: ...


class DetectorError(Exception):
    """A detector failed on a picture. `detector` says which."""

    def __init__(self, detector: str, why: str) -> None:
        super().__init__(f"{detector} failed: {why}")
        self.detector = detector
        self.why = why


@dataclass
class View:
    """What is remembered of one session between samples: a blur of 64 by 48 greys, boxes, counts.

    And where faces may be measured, the angles at which the head rests.
    """

    session: str
    sketch: gate.Sketch | None = None
    tracks: dict[Category, tuple[tracks.Track, ...]] = field(default_factory=dict)
    counts: tuple[gate.Counted, ...] = ()
    faces: int = 0
    rested: int = 0
    baseline: pose.Baseline | None = None


@dataclass
class Pipeline:
    """The models, loaded once for all sessions. Looks at one picture at a time: call it from one thread."""

    faces: FindsFaces
    objects: FindsObjects
    points: FindsPoints | None = None  # without it no face can be measured

    @classmethod
    def load(cls, weights: Resolved) -> Pipeline:
        """Loads both models, which takes some seconds."""
        found = faces.Faces(weights.faces)
        return cls(found, objects.Objects(weights.persons), found)

    def observe(self, view: View, at: datetime, jpeg: bytes, *, measure: bool = False) -> Observation:
        """What is in one picture (JPEG). Raises `DetectorError`.

        Only where it may be done a face is measured: without `measure` what was learnt of it is forgotten.
        """
        view.baseline = view.baseline if measure else None
        picture = decode(jpeg)
        if picture is None:
            return Observation(session=view.session, at=at, cannot_tell="unreadable")
        sketch, blind = gate.sketch(picture)
        if blind is not None:
            return Observation(session=view.session, at=at, cannot_tell=blind)
        found = _run("faces", self.faces.find, picture)
        counted = sum(face.score >= FACE_TRACE for face in found)
        look = gate.look(view.sketch, sketch, counted != view.faces, view.counts, view.rested)
        if look != "still":
            self._look(view, sketch, picture)
        else:
            view.rested += 1
        view.faces = counted
        things = {category: tracks.in_view(followed) for category, followed in view.tracks.items()}
        persons = things.pop("person", ())
        seen = Observation(session=view.session, at=at, persons=persons, faces=found, things=things, look=look)
        return self._measure(view, picture, seen) if measure else seen

    def provenance(self, kind: DetectorKind, settings: Settings) -> Provenance:
        """What an incident of `kind` rests on."""
        rule = KINDS[kind]
        used = [self.objects.weights] if rule.detector != "faces" else []
        used += [self.faces.weights] if "faces" in rule.detector else []
        return Provenance(
            detector=rule.detector,
            detector_version=f"{_VERSIONS} ultralytics/{version(_ULTRALYTICS)}",
            weights={weights.name: weights.sha256 for weights in used},
            thresholds=rule.thresholds(settings),
            rule_version=rule.version,
        )

    def _measure(self, view: View, picture: Image, seen: Observation) -> Observation:
        """The same with the pose of the only face, and the baseline as it was before. Two faces might be mixed up."""
        there = [face for face in seen.faces if face.score >= FACE_TRACE]
        if self.points is None or len(there) != 1 or there[0].bottom - there[0].top < FAR_FOR_A_POSE:
            return seen
        points = _run("faces", partial(self.points.points, face=there[0]), picture)
        if points is None:
            return seen
        found, before = pose.pose(points), view.baseline
        view.baseline = pose.learn(before, seen.at, found)
        return replace(seen, pose=found, baseline=before.rest if before else None)

    def _look(self, view: View, sketch: gate.Sketch, picture: Image) -> None:
        found = _run("persons", self.objects.find, picture)
        view.sketch, view.rested = sketch, 0
        view.tracks = {
            category: tracks.follow(view.tracks.get(category, ()), boxes) for category, boxes in found.items()
        }
        many = tuple(
            sum(box.score >= _COUNTED for box in tracks.in_view(followed)) for followed in view.tracks.values()
        )
        view.counts = (*view.counts, many)[-gate.SETTLED :]


def _run(detector: str, find: Callable[[Image], Found], picture: Image) -> Found:
    """Whatever goes wrong in a model, the exam goes on: the caller reports it as a fault of ours."""
    try:
        return find(picture)
    except Exception as error:
        raise DetectorError(detector, f"{type(error).__name__}: {error}") from error
