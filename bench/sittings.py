"""Sessions put together from clips: one person sits there, and now and then something else is to be seen.

Each is made of its number alone, so that every run sees the same pictures. Stretches begin at any time between samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import cv2
import msgspec
import numpy as np

from bench.clips import Clip, Image, to_jpeg

EVERY_S = 2.0  # a sample with each key frame
LENGTH_S = 300.0
CALM_S = 70.0  # at first: what needs a baseline of the candidate learns it in a minute
AT_ONCE = 4  # stretches in one session
LASTS_S, APART_S = (10.0, 24.0), (24.0, 40.0)
Planned = Literal["out_of_view", "several_people", "looking_away"]


class Stretch(msgspec.Struct, frozen=True):
    """From when to when, in seconds of the session, `clip` is to be seen, which shows `kind`."""

    kind: Planned
    clip: Clip
    start_s: float
    end_s: float


class Sitting(msgspec.Struct, frozen=True):
    """One session: who sits there, and what comes between."""

    name: str
    number: int
    base: Clip
    stretches: tuple[Stretch, ...] = ()
    length_s: float = LENGTH_S

    @property
    def times(self) -> list[float]:
        """When samples are taken, in seconds of the session."""
        return [EVERY_S * n for n in range(int(self.length_s / EVERY_S))]

    def pictures(self) -> Iterator[tuple[float, bytes]]:
        """Each sample's time and picture (JPEG). Light and camera are never quite still, whoever is to be seen."""
        rng = np.random.default_rng(self.number)
        for second in self.times:
            shown = next((one for one in self.stretches if one.start_s <= second < one.end_s), None)
            clip, since = (self.base, 0.0) if shown is None else (shown.clip, shown.start_s)
            yield second, to_jpeg(_shaken(clip.at(second - since), rng), 85)


def plan(clips: Sequence[Clip], kinds: Sequence[str], number: int) -> Sitting:
    """The session of this number. Of `kinds` those come up that some clip shows, each in turn."""
    rng = np.random.default_rng([number, 2026])
    shown = {kind: [clip for clip in clips if clip.shows == kind] for kind in get_args(Planned) if kind in kinds}
    there = [kind for kind, group in shown.items() if group]
    seats = [clip for clip in clips if clip.shows == "one_person"]
    if not seats:
        raise ValueError("no clip shows one person; their names begin with one-person-")
    stretches, second = [], CALM_S
    for turn in range(AT_ONCE if there else 0):
        kind = there[(number * AT_ONCE + turn) % len(there)]
        start = second + float(rng.uniform(0.0, EVERY_S))
        end = start + float(rng.uniform(*LASTS_S))
        clip = shown[kind][int(rng.integers(len(shown[kind])))]
        stretches.append(Stretch(kind, clip, start, end))
        second = end + float(rng.uniform(*APART_S))
    stretches = [one for one in stretches if one.end_s + APART_S[0] / 2 <= LENGTH_S]
    return Sitting(f"sitting-{number}", number, seats[number % len(seats)], tuple(stretches))


def _shaken(picture: Image, rng: np.random.Generator) -> Image:
    """Some hundredths brighter or darker, and moved by some pixels."""
    across, down = rng.uniform(-3, 3, 2)
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(
        picture, np.array([[1, 0, across], [0, 1, down]]), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    return cv2.convertScaleAbs(moved, alpha=float(rng.uniform(0.93, 1.07))).astype(np.uint8, copy=False)
