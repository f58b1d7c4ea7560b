"""How well the detectors find what was planned, on sessions put together from clips (`sittings.py`).

The thresholds were chosen on one half of the clips; what counts is the other half. Each session is looked at with the
gate and without it, and each look is judged with the rules' smoothing (two samples of three, seconds to close) and
without it, where one sample opens and one closes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import fmean

import msgspec

from bench.clips import Clip
from bench.scoring import Found, Score, score
from bench.sittings import EVERY_S, Sitting, plan
from detectors import rules
from detectors.changes import Closed, Opened
from detectors.kinds import kinds_of
from detectors.picture import decode
from detectors.pipeline import Pipeline, View
from detectors.readings import FACE
from detectors.seen import Observation
from detectors.settings import Settings
from domain.policy import DetectorSetting

START = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = (
    "out_of_view", "several_people", "looking_away", "handheld_device", "second_screen", "book", "face_not_visible",
)  # fmt: skip
SEEN = tuple(kind.name for kind in kinds_of("camera"))
ALONE_S = 60.0  # how long each clip of one person is played to see what opens on it
FACES_EVERY = 6  # of a clip's pictures, which are counted for faces
Step = Callable[[str], None]


class Looked(msgspec.Struct, frozen=True):
    """What was seen of a session, the CPU seconds that took, and in how many samples objects were looked for."""

    sitting: Sitting
    observations: list[Observation]
    cpu_s: float
    looks: int


def all_kinds() -> Settings:
    """Whatever kinds pictures can show, all of them on, with the rules' own thresholds."""
    return Settings(detectors=tuple(DetectorSetting(kind=kind) for kind in SEEN))


def evaluate(pipeline: Pipeline, clips: Sequence[Clip], sessions: int, first: int, step: Step) -> dict[str, object]:
    """Everything about `sessions` sessions put together from `clips`, beginning with number `first`, as for JSON."""
    sittings = [plan(clips, SEEN, first + n) for n in range(sessions)]
    variants = {}
    scores: dict[str, Score] = {}
    for gated in (True, False):
        looked = [look(pipeline, one, gated, lambda: step("looking")) for one in sittings]
        for smooth in (True, False):
            found = {kind: _scored(kind, looked, smooth) for kind in SEEN}
            variants[_name(gated, smooth)] = _said(found, looked)
            scores = scores or found  # the first is as it runs: with both
    whole = variants[_name(gated=True, smooth=True)]
    return {
        "clips": [clip.name for clip in clips],
        "sessions": sessions,
        "candidate_hours": round(_hours(sittings), 2),
        **whole,
        "kinds": {kind: _state(scores.get(kind)) for kind in (*ASKED, *(k for k in SEEN if k not in ASKED))},
        "variants": variants,
        "same_with_and_without_the_gate": _same(variants, "right", "false", "missed"),
    }


def alone(pipeline: Pipeline, clips: Iterable[Clip], step: Step) -> dict[str, object]:
    """Of clips of one person: in how many pictures exactly one face is found, and what opens on them."""
    faces, opened = [], dict[str, list[str]]()
    for clip in clips:
        for jpeg in clip.pictures[::FACES_EVERY]:
            picture = decode(jpeg)
            assert picture is not None
            faces.append(sum(face.score >= FACE for face in pipeline.faces.find(picture)) == 1)
        seen = look(pipeline, Sitting(clip.name, 0, clip, length_s=ALONE_S), gated=True, step=lambda: None)
        for kind in {one.kind for one in incidents(seen, smooth=True)}:
            opened.setdefault(kind, []).append(clip.name)
        step("one person")
    return {
        "samples": len(faces), "exactly_one_face": round(fmean(faces), 4) if faces else None,
        "incidents": {kind: opened.get(kind, []) for kind in SEEN},
    }  # fmt: skip


def look(pipeline: Pipeline, sitting: Sitting, gated: bool, step: Callable[[], None]) -> Looked:
    """A whole session through the pipeline. Without the gate objects are looked for in every sample."""
    view, observations, cpu_s = View(sitting.name), list[Observation](), 0.0
    for second, jpeg in sitting.pictures():
        began = time.thread_time()
        if not gated:
            view.sketch = None
        observations.append(pipeline.observe(view, START + timedelta(seconds=second), jpeg, measure=True))
        cpu_s += time.thread_time() - began
    step()
    return Looked(sitting, observations, cpu_s, sum(one.look not in ("still", "none") for one in observations))


def incidents(looked: Looked, smooth: bool) -> list[Found]:
    """What the rules make of a session. One that is still open at the end ends there."""
    settings, state = all_kinds(), rules.begin(looked.sitting.name)
    opened: dict[str, Opened] = {}
    found = []
    with contextlib.nullcontext() if smooth else _single_samples():
        for one in looked.observations:
            state, changes = rules.step(state, settings, one)
            found += _ended(opened, changes)
        _, changes = rules.finish(state, looked.observations[-1].at, "session_over")
    return [*found, *_ended(opened, changes)]


def _ended(opened: dict[str, Opened], changes: Iterable[object]) -> Iterator[Found]:
    for change in changes:
        if isinstance(change, Opened):
            opened[change.incident] = change
        elif isinstance(change, Closed):
            one = opened.pop(change.incident)
            times = ((at - START).total_seconds() for at in (one.started_at, one.at, change.ended_at))
            yield Found(change.kind, *times)


@contextlib.contextmanager
def _single_samples() -> Iterator[None]:
    """The rules without their patience: one sample opens, one closes."""
    patient = rules.KINDS
    rules.KINDS = {
        name: replace(kind, needed=1, of=1, span_s=0.0, clear_s=0.0) for name, kind in patient.items()
    }  # fmt: skip
    try:
        yield
    finally:
        rules.KINDS = patient


def _scored(kind: str, looked: Iterable[Looked], smooth: bool) -> Score:
    scores = (score(kind, one.sitting.stretches, incidents(one, smooth)) for one in looked)
    return sum(scores, Score())


def _said(by_kind: dict[str, Score], looked: Sequence[Looked]) -> dict[str, object]:
    whole, samples = sum(by_kind.values(), Score()), sum(len(one.observations) for one in looked)
    return {
        "f1": whole.f1,
        "precision": {kind: one.precision for kind, one in by_kind.items()},
        "recall": {kind: one.recall for kind, one in by_kind.items()},
        "f1_by_kind": {kind: one.f1 for kind, one in by_kind.items()},
        "overall": {"precision": whole.precision, "recall": whole.recall, "f1": whole.f1},
        "false_incidents_per_candidate_hour": round(whole.false / _hours(one.sitting for one in looked), 2),
        "mean_latency_s": whole.latency_s,
        "counted": {kind: _counted(one) for kind, one in by_kind.items()},
        "cpu_ms_a_sample": round(sum(one.cpu_s for one in looked) / samples * 1e3, 2),
        "objects_looked_for_in": round(sum(one.looks for one in looked) / samples, 3),
    }


def _counted(one: Score) -> dict[str, int]:
    return {"right": one.right, "false": one.false, "missed": one.missed}


def _state(found: Score | None) -> dict[str, object]:
    if found is None:
        return {"state": "not there"}
    state = "measured" if found.right + found.missed else "no clip shows it; only false incidents were counted"
    return {"state": state, **_counted(found), "mean_latency_s": found.latency_s}


def _same(variants: dict[str, dict[str, object]], *names: str) -> bool:
    counted = [variants[_name(gated=gated, smooth=True)]["counted"] for gated in (True, False)]
    return all({k: c[n] for k, c in counted[0].items()} == {k: c[n] for k, c in counted[1].items()} for n in names)


def _name(gated: bool, smooth: bool) -> str:
    return f"{'gate' if gated else 'no gate'}, {'smoothing' if smooth else 'no smoothing'}"


def _hours(sittings: Iterable[Sitting]) -> float:
    return sum(len(one.times) * EVERY_S for one in sittings) / 3600
