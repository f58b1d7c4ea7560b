"""Pictures in, observations out: faces on every sample, objects when the gate says so, and tracked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Protocol

from msgspec.structs import replace

from detectors import faces, gate, objects, pose, tracks
from detectors.coco import Category
from detectors.faces import Face
from detectors.kinds import KINDS
from detectors.picture import Image, decode
from detectors.readings import FACE_TRACE, FAR_FOR_A_POSE
from detectors.seen import Box, Look, Observation
from detectors.settings import Settings
from detectors.weights import Resolved, Weights
from domain.incidents import Provenance
from domain.policy import DetectorKind

Objects = dict[Category, tuple[Box, ...]]
_ULTRALYTICS = "ultralytics-opencv-headless"
_VERSIONS = f"persons/{objects.VERSION} faces/{faces.VERSION} pose/{pose.VERSION}"
_COUNTED = 0.3  # what is weaker than this doesn't keep the gate awake


class FindsFaces(Protocol):
    weights: Weights

    def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]: ...


class FindsPoints(Protocol):
    def points(self, picture: Image, face: Box) -> tuple[pose.Point, ...]: ...


class FindsObjects(Protocol):
    weights: Weights
    at_once: int

    def find_many(self, pictures: Sequence[Image]) -> list[Objects]: ...


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


@dataclass(frozen=True)
class Shot:
    """One picture (JPEG) of one session, to be looked at. Only with `measure` a face may be measured."""

    view: View
    at: datetime
    jpeg: bytes
    measure: bool = False


@dataclass
class _Begun:
    """A shot whose faces are found, with why objects are to be looked for, and then those."""

    shot: Shot
    picture: Image
    sketch: gate.Sketch
    faces: tuple[Face, ...]
    look: Look
    objects: Objects | DetectorError | None = None

    @property
    def counted(self) -> int:
        return sum(face.score >= FACE_TRACE for face in self.faces)


@dataclass
class Pipeline:
    """The models, loaded once for all sessions. Call it from one thread."""

    faces: FindsFaces
    objects: FindsObjects
    points: FindsPoints | None = None  # without it no small face can be measured

    @classmethod
    def load(cls, weights: Resolved) -> Pipeline:
        """Loads both models, which takes some seconds."""
        found = faces.Faces(weights.faces)
        return cls(found, objects.Objects(weights.persons), found)

    @property
    def at_once(self) -> int:
        """How many pictures are best looked at together: some on a GPU, one on a CPU."""
        return self.objects.at_once

    def observe(self, view: View, at: datetime, jpeg: bytes, *, measure: bool = False) -> Observation:
        """What is in one picture (JPEG). Raises `DetectorError`.

        Only where it may be done a face is measured: without `measure` what was learnt of it is forgotten.
        """
        (seen,) = self.observe_many([Shot(view, at, jpeg, measure)])
        if isinstance(seen, DetectorError):
            raise seen
        return seen

    def observe_many(self, shots: Sequence[Shot]) -> list[Observation | DetectorError]:
        """The same for each shot, all of different sessions; objects are looked for in all of them together.

        Whatever goes wrong in a model is the answer for its shot, as a fault of ours, and the exam goes on.
        """
        begun = [self._begin(shot) for shot in shots]
        awake = [one for one in begun if isinstance(one, _Begun) and one.look != "still"]
        for one, found in zip(awake, self._find([one.picture for one in awake]) if awake else (), strict=True):
            one.objects = found
        return [self._end(one) if isinstance(one, _Begun) else one for one in begun]

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

    def _begin(self, shot: Shot) -> _Begun | Observation | DetectorError:
        view = shot.view
        view.baseline = view.baseline if shot.measure else None
        picture = decode(shot.jpeg)
        if picture is None:
            return Observation(session=view.session, at=shot.at, cannot_tell="unreadable")
        sketch, blind = gate.sketch(picture)
        if blind is not None:
            return Observation(session=view.session, at=shot.at, cannot_tell=blind)
        try:
            begun = _Begun(shot, picture, sketch, self.faces.find(picture, measure=shot.measure), "still")
        except Exception as error:  # noqa: BLE001
            return _failed("faces", error)
        begun.look = gate.look(view.sketch, sketch, begun.counted != view.faces, view.counts, view.rested)
        return begun

    def _find(self, pictures: Sequence[Image]) -> list[Objects | DetectorError]:
        """Of pictures that fail together each is looked at alone, so that only the one at fault is not seen."""
        try:
            return [*self.objects.find_many(pictures)]
        except Exception as error:  # noqa: BLE001
            alone = [self._find([picture]) for picture in pictures] if len(pictures) > 1 else []
            return [found for (found,) in alone] or [_failed("persons", error)]

    def _end(self, begun: _Begun) -> Observation | DetectorError:
        shot, view = begun.shot, begun.shot.view
        if isinstance(begun.objects, DetectorError):
            return begun.objects
        if begun.objects is None:
            view.rested += 1
        else:
            _follow(view, begun.sketch, begun.objects)
        view.faces = begun.counted
        things = {category: tracks.in_view(followed) for category, followed in view.tracks.items()}
        persons = things.pop("person", ())
        seen = Observation(
            session=view.session, at=shot.at, persons=persons, faces=begun.faces, things=things, look=begun.look
        )
        try:
            return self._measure(view, begun.picture, seen, begun.faces) if shot.measure else seen
        except Exception as error:  # noqa: BLE001
            return _failed("faces", error)

    def _measure(self, view: View, picture: Image, seen: Observation, found: tuple[Face, ...]) -> Observation:
        """The same with the pose of the only face, and the baseline as it was before. Two faces might be mixed up."""
        there = [face for face in found if face.score >= FACE_TRACE]
        if len(there) != 1 or there[0].bottom - there[0].top < FAR_FOR_A_POSE:
            return seen
        points = there[0].points or (self.points.points(picture, there[0]) if self.points is not None else ())
        if not points:
            return seen
        found_pose, before = pose.pose(points), view.baseline
        view.baseline = pose.learn(before, seen.at, found_pose)
        return replace(seen, pose=found_pose, baseline=before.rest if before else None)


def _follow(view: View, sketch: gate.Sketch, found: Objects) -> None:
    view.sketch, view.rested = sketch, 0
    view.tracks = {category: tracks.follow(view.tracks.get(category, ()), boxes) for category, boxes in found.items()}
    # Counted as this look found them: in a median who has just come in is not there yet, and would not be looked at.
    many = tuple(sum(box.score >= _COUNTED for box in boxes) for boxes in found.values())
    view.counts = (*view.counts, many)[-gate.SETTLED :]


def _failed(detector: str, error: Exception) -> DetectorError:
    failed = DetectorError(detector, f"{type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed
