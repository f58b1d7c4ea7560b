"""What looking at pictures costs: beside the bare models, and in candidates for each core.

CPU time of one thread, so that other load on the machine counts little. The pictures are a photograph that comes with
an installed package, moved from sample to sample. How much candidates move is a guess, so the dearest case, where
objects are looked for in every sample, stands beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from detectors import rules, runtime, weights
from detectors.pipeline import Pipeline, View
from detectors.settings import Settings
from domain.policy import Policy

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Settings(detectors=Policy().detectors)
EVERY_S = 2.0
ASKED = 60  # candidates a core


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 20 seconds."""
    resolved = weights.resolve()
    pipeline = Pipeline.load(resolved)
    pictures = [_jpeg(n, restless=True) for n in range(40)]
    looked = _Course(pipeline, pictures)
    ours, bare = _side_by_side(lambda: looked.sample(fresh=True), _bare(resolved), 120)
    calm = _Course(pipeline, [_jpeg(n, restless=n % 8 == 0) for n in range(40)])
    calm_s = median(_cpu(calm.forty) for _ in range(3)) / 40
    return [
        {
            "name": "a sample with every look, against the bare ONNX Runtime calls it makes",
            "value": round(ours * 1e3, 2), "unit": "CPU ms", "baseline": round(bare * 1e3, 2),
            "ratio": round(ours / bare, 3), "goal": "<=1.15",
            "note": "JPEG, gate, faces, objects through ultralytics, tracks, rules; bare: the run() of both sessions",
        },
        {
            "name": "candidates a core, a sample each 2 s, against objects looked for in every sample",
            "value": round(EVERY_S / calm_s, 1), "unit": "candidates", "baseline": round(EVERY_S / ours, 1),
            "ratio": round(ours / calm_s, 2), "goal": None,
            "note": f"asked for: {ASKED} candidates or more. {calm_s * 1e3:.1f} CPU ms a sample, objects looked for in"
            f" {calm.looks / calm.samples:.0%}",
        },
    ]  # fmt: skip


class _Course:
    """One session, sample after sample, over the same pictures again and again."""

    def __init__(self, pipeline: Pipeline, pictures: list[bytes]) -> None:
        self._pipeline, self._pictures, self._numbers = pipeline, pictures, count()
        self._view, self._state = View("bench"), rules.begin("bench")
        self.samples = self.looks = 0

    def sample(self, *, fresh: bool = False) -> None:
        """One picture from JPEG to rules. `fresh` makes the gate let it through."""
        number = next(self._numbers)
        if fresh:
            self._view.sketch = None
        at = START + timedelta(seconds=EVERY_S * number)
        seen = self._pipeline.observe(self._view, at, self._pictures[number % len(self._pictures)])
        self._state, _ = rules.step(self._state, SETTINGS, seen)
        self.samples += 1
        self.looks += seen.look != "still"

    def forty(self) -> None:
        for _ in range(40):
            self.sample()


def _bare(resolved: weights.Resolved) -> Callable[[], None]:
    """The same two models on inputs of the same sizes, with nothing around them."""
    persons, faces = runtime.session(resolved.persons.path), runtime.session(resolved.faces.path)
    picture = _picture(0, restless=False)

    def pixels(width: int, height: int) -> NDArray[np.float32]:
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1)[np.newaxis], np.float32) / 255

    wide, square = pixels(416, 320), pixels(256, 256)

    def call() -> None:
        persons.run(None, {"images": wide})
        faces.run(None, {"images": square})

    return call


def _side_by_side(one: Callable[[], None], other: Callable[[], None], times: int) -> tuple[float, float]:
    """Median CPU seconds of each, taken in turns so that a slower spell of the machine hits both."""
    for _ in range(5):
        one()
        other()
    ones, others = zip(*((_cpu(one), _cpu(other)) for _ in range(times)), strict=True)
    return median(ones), median(others)


def _cpu(call: Callable[[], None]) -> float:
    began = time.thread_time()
    call()
    return time.thread_time() - began


def _picture(number: int, *, restless: bool) -> NDArray[np.uint8]:
    """A candidate at 640 by 480; `restless` ones have moved by some hundredths of the picture."""
    person = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    far = 24 if restless else 2
    across, down = far * np.sin(number * 1.7), far / 2 * np.cos(number * 1.1)
    moved = np.array([[640 / 512, 0.0, across], [0.0, 640 / 512, down - 30]])
    return cv2.warpAffine(person, moved, (640, 480), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def _jpeg(number: int, *, restless: bool) -> bytes:
    done, data = cv2.imencode(".jpg", _picture(number, restless=restless), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return data.tobytes()
