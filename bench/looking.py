"""What a sample costs: beside the bare models, with and without the gate, and in candidates for each core.

CPU time of one thread, so that other load on the machine counts little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from statistics import median

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.seats import START, calm, eventful, key_frames
from bench.sittings import EVERY_S
from detectors import rules, runtime, weights
from detectors.changes import Closed, Opened
from detectors.kinds import kinds_of
from detectors.pipeline import Pipeline, View
from detectors.settings import Settings
from domain.messages import KeyFrame
from domain.policy import DetectorSetting
from media.frames import to_picture

ASKED = 60  # candidates a core
EVERY = Settings(detectors=tuple(DetectorSetting(kind=kind.name) for kind in kinds_of("camera")))
# All of them but the one for which a face must be measured: that is off unless a planner asks.
USUAL = Settings(detectors=tuple(one for one in EVERY.detectors if one.kind != "looking_away"))
FAR = 0.6  # of the size that the portrait has: a face as wide as a tenth of the picture
TURNS = 80
Incident = tuple[str, float, float]  # kind, seconds at which it was opened and last seen


class Cost(msgspec.Struct, frozen=True):
    """Of one session: CPU seconds a sample, the share of samples in which objects were looked for, what was found."""

    sample_s: float
    looks: float
    incidents: list[Incident]


def rows(pipeline: Pipeline, resolved: weights.Resolved) -> tuple[list[dict[str, object]], float]:
    """Rows for `bench/__main__.py`, and how many candidates a core has room for. Takes two minutes."""
    still, moving = key_frames(calm(40)), key_frames(eventful(150, every=150))
    ours, bare = _beside_the_models(pipeline, resolved, jpegs(still))
    turns = [[session(pipeline, jpegs(moving), gated=gated) for gated in (True, False)] for _ in range(3)]
    gated, ungated = turns[0]
    candidates, decoding_s = _candidates(pipeline, still)
    measured, decoding_too_s = _candidates(pipeline, still, measure=True)
    far, _ = _candidates(pipeline, key_frames(calm(40, size=FAR)), measure=True)
    same = gated.incidents == ungated.incidents
    return [
        {
            "name": "a sample with every look, against the bare ONNX Runtime calls it makes",
            "value": round(ours * 1e3, 2), "unit": "CPU ms", "baseline": round(bare * 1e3, 2),
            "ratio": round(ours / bare, 3), "goal": "<=1.15",
            "note": "JPEG, gate, faces, objects through ultralytics, tracks, rules; bare: the run() of both sessions",
        },
        {
            "name": "a sample without the gate, against one with it, with the same incidents",
            **(_saved(turns) if same else {"goal": ">=1.8"}),
            "note": f"{len(gated.incidents)} incidents, the same to the sample; objects looked for in {gated.looks:.0%}"
            " of five minutes with one absence and one visitor"
            if same else f"the incidents differ: with the gate {gated.incidents}, without {ungated.incidents}",
        },
        {
            "name": f"candidates a core, a sample each {EVERY_S:g} s, with decoding of the key frame, against {ASKED}",
            "value": round(candidates, 1), "unit": "candidates", "baseline": ASKED,
            "ratio": round(candidates / ASKED, 2), "goal": ">=1",
            "note": _shares(candidates, decoding_s),
        },
        {
            "name": f"the same where heads are measured for looking_away, against {ASKED}",
            "value": round(measured, 1), "unit": "candidates", "baseline": ASKED, "ratio": round(measured / ASKED, 2),
            "goal": ">=1",
            "note": f"{_shares(measured, decoding_too_s)}; {far:.0f} candidates where they sit so far away that each"
            " face needs a look of its own to be measured",
        },
    ], candidates  # fmt: skip


def session(pipeline: Pipeline, samples: Sequence[bytes], *, gated: bool, measure: bool = False) -> Cost:
    """One session over these pictures, from JPEG to rules."""
    view, state, settings = View("bench"), rules.begin("bench"), EVERY if measure else USUAL
    opened, incidents, looks, took = dict[str, Opened](), [], 0, []
    for number, jpeg in enumerate(samples):
        began = time.thread_time()
        if not gated:
            view.sketch = None
        seen = pipeline.observe(view, START + timedelta(seconds=EVERY_S * number), jpeg, measure=measure)
        state, changes = rules.step(state, settings, seen)
        took.append(time.thread_time() - began)
        looks += seen.look != "still"
        opened |= {change.incident: change for change in changes if isinstance(change, Opened)}
        incidents += [_told(opened[change.incident], change) for change in changes if isinstance(change, Closed)]
    return Cost(sum(took) / len(took), looks / len(samples), incidents)


def jpegs(frames: Sequence[KeyFrame]) -> list[bytes]:
    """As the `frames` worker makes them."""
    return [picture.jpeg for picture in map(to_picture, frames) if picture is not None]


def _told(opened: Opened, closed: Closed) -> Incident:
    return opened.kind, (opened.at - START).total_seconds(), (closed.ended_at - START).total_seconds()


def _saved(turns: Sequence[Sequence[Cost]]) -> dict[str, object]:
    """With the gate and without it, in turns."""
    gated_s, ungated_s = (median(cost.sample_s for cost in costs) for costs in zip(*turns, strict=True))
    return {
        "value": round(ungated_s * 1e3, 2), "unit": "CPU ms", "baseline": round(gated_s * 1e3, 2),
        "ratio": round(ungated_s / gated_s, 2), "goal": ">=1.8",
    }  # fmt: skip


def _candidates(pipeline: Pipeline, frames: Sequence[KeyFrame], *, measure: bool = False) -> tuple[float, float]:
    """How many a core has room for, and what decoding takes of each sample, in CPU seconds: medians of three turns."""
    pictures, costs, decoding = jpegs(frames), [], []
    for _ in range(3):
        began = time.thread_time()
        for frame in frames:
            to_picture(frame)
        decoding.append((time.thread_time() - began) / len(frames))
        costs.append(session(pipeline, pictures, gated=True, measure=measure).sample_s)
    return EVERY_S / (median(costs) + median(decoding)), median(decoding)


def _shares(candidates: float, decoding_s: float) -> str:
    return (
        f"{EVERY_S / candidates * 1e3:.1f} CPU ms a sample, of which {decoding_s * 1e3:.1f} for a VP8 key frame to a"
        " picture and a thumbnail as JPEG"
    )


def _beside_the_models(
    pipeline: Pipeline, resolved: weights.Resolved, pictures: Sequence[bytes]
) -> tuple[float, float]:
    """Median CPU seconds of a sample and of the bare calls, taken in turns so that a slower spell hits both."""
    view, state, settings = View("bench"), rules.begin("bench"), USUAL
    bare, ours, others = _bare(resolved), [], []

    def sample(number: int) -> None:
        nonlocal state
        view.sketch = None  # whatever the gate says, it lets this one through
        at = START + timedelta(seconds=EVERY_S * number)
        state, _ = rules.step(state, settings, pipeline.observe(view, at, pictures[number % len(pictures)]))

    for turn in range(TURNS + 5):
        pair = cpu(partial(sample, turn)), cpu(bare)
        if turn >= 5:
            ours.append(pair[0])
            others.append(pair[1])
    return median(ours), median(others)


def _bare(resolved: weights.Resolved) -> Callable[[], None]:
    """The same two models on inputs of the same sizes, with nothing around them."""
    persons, faces = runtime.session(resolved.persons.path), runtime.session(resolved.faces.path)
    (picture,) = calm(1)

    def pixels(width: int, height: int) -> NDArray[np.float32]:
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1)[np.newaxis], np.float32) / 255

    wide, square = pixels(416, 320), pixels(256, 256)

    def call() -> None:
        persons.run(None, {"images": wide})
        faces.run(None, {"images": square})

    return call


def cpu(call: Callable[[], object]) -> float:
    """CPU seconds of this thread."""
    began = time.thread_time()
    call()
    return time.thread_time() - began
