"""One picture in, one observation out: faces on every sample, objects when the gate says so, and tracked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Protocol, TypeVar

from detectors import faces, gate, objects, tracks
from detectors.coco import Category
from detectors.kinds import KINDS
from detectors.picture import Image, decode
from detectors.readings import FACE_TRACE
from detectors.seen import Box, Observation
from detectors.settings import Settings
from detectors.weights import Resolved, Weights
from domain.incidents import Provenance
from domain.policy import DetectorKind

Found = TypeVar("Found")
_ULTRALYTICS = "ultralytics-opencv-headless"
_COUNTED = 0.3  # what is weaker than this doesn't keep the gate awake


class FindsFaces(Protocol):
    weights: Weights

    def find(self, picture: Image) -> tuple[Box, ...]: ...


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
    """What is remembered of one session between samples: a blur of 64 by 48 greys, boxes, counts."""

    session: str
    sketch: gate.Sketch | None = None
    tracks: dict[Category, tuple[tracks.Track, ...]] = field(default_factory=dict)
    counts: tuple[gate.Counted, ...] = ()
    faces: int = 0
    rested: int = 0


@dataclass
class Pipeline:
    """The models, loaded once for all sessions. Looks at one picture at a time: call it from one thread."""

    faces: FindsFaces
    objects: FindsObjects

    @classmethod
    def load(cls, weights: Resolved) -> Pipeline:
        """Loads both models, which takes some seconds."""
        return cls(faces.Faces(weights.faces), objects.Objects(weights.persons))

    def observe(self, view: View, at: datetime, jpeg: bytes) -> Observation:
        """What is in one picture (JPEG). Raises `DetectorError`."""
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
        return Observation(session=view.session, at=at, persons=persons, faces=found, things=things, look=look)

    def provenance(self, kind: DetectorKind, settings: Settings) -> Provenance:
        """What an incident of `kind` rests on."""
        rule = KINDS[kind]
        used = [self.objects.weights] if rule.detector != "faces" else []
        used += [self.faces.weights] if "faces" in rule.detector else []
        return Provenance(
            detector=rule.detector,
            detector_version=f"persons/{objects.VERSION} faces/{faces.VERSION} ultralytics/{version(_ULTRALYTICS)}",
            weights={weights.name: weights.sha256 for weights in used},
            thresholds=rule.thresholds(settings),
            rule_version=rule.version,
        )

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
