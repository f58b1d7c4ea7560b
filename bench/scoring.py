"""How incidents are held against what was planned: found, missed, false, and how late.

An incident is right when a stretch of its kind overlaps it and it opened within `OPENED_WITHIN_S` of that stretch's
beginning. Each stretch and each incident counts once: a second incident in one stretch is false. So is one of another
kind, however near the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean

import msgspec

from bench.sittings import Stretch

OPENED_WITHIN_S = 6.0


class Found(msgspec.Struct, frozen=True):
    """An incident, in seconds of its session: first seen, opened, last seen."""

    kind: str
    start_s: float
    opened_s: float
    end_s: float


class Score(msgspec.Struct, frozen=True):
    """Of one kind, or of all: right incidents, false ones, missed stretches, and the latency of each right one."""

    right: int = 0
    false: int = 0
    missed: int = 0
    latencies: tuple[float, ...] = ()

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right, self.false + other.false, self.missed + other.missed,
            self.latencies + other.latencies,
        )  # fmt: skip

    @property
    def precision(self) -> float | None:
        """None when nothing was found."""
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float | None:
        """None when nothing was there."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        return _share(2 * self.right, 2 * self.right + self.false + self.missed)

    @property
    def latency_s(self) -> float | None:
        return round(mean(self.latencies), 2) if self.latencies else None


def score(kind: str, truth: Sequence[Stretch], found: Iterable[Found]) -> Score:
    """One session, one kind. Incidents are taken in the order in which they opened, stretches as they began."""
    waiting = [one for one in truth if one.kind == kind]
    asked = len(waiting)
    latencies, false = [], 0
    for incident in sorted((one for one in found if one.kind == kind), key=lambda one: one.opened_s):
        fits = next((stretch for stretch in waiting if _fits(stretch, incident)), None)
        if fits is None:
            false += 1
        else:
            waiting.remove(fits)
            latencies.append(incident.opened_s - fits.start_s)
    return Score(asked - len(waiting), false, len(waiting), tuple(latencies))


def _fits(stretch: Stretch, found: Found) -> bool:
    overlaps = found.start_s < stretch.end_s and found.end_s >= stretch.start_s
    return overlaps and 0.0 <= found.opened_s - stretch.start_s <= OPENED_WITHIN_S


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
