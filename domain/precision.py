"""How often people confirm what a rule points out. It is a number about the rule, never about a person.

Nothing learns from it and nothing acts on it: it is shown to the people who switch detectors and choose thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from domain.verdict import Standing

LEAST = 10  # decided incidents, below which a share says next to nothing
_Z = 1.959963984540054  # of the normal distribution, for 95%


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What pointed something out: versions, and the SHA-256 of each weights file."""

    kind: str
    rule_version: str
    detector_version: str
    weights: dict[str, str]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many incidents were opened, and what people said of them; the rest is not judged, or not settled yet."""

    opened: int = 0
    confirmed: int = 0
    dismissed: int = 0
    unsure: int = 0

    @property
    def decided(self) -> int:
        return self.confirmed + self.dismissed

    @property
    def judged(self) -> int:
        return self.decided + self.unsure


class Counted(NamedTuple):
    """Of one version of one rule, on the same weights: what began in one month of UTC (`2026-06`)."""

    rule: Rule
    month: str
    tally: Tally


class Precision(msgspec.Struct, frozen=True, kw_only=True):
    """The share confirmed of those confirmed or dismissed, with the ends of its 95% interval; each from 0 to 1."""

    share: float
    low: float
    high: float


def counted(standing: Standing, many: int) -> Tally:
    """So many incidents that stand like this."""
    return Tally(
        opened=many,
        confirmed=many if standing == "confirmed" else 0,
        dismissed=many if standing == "dismissed" else 0,
        unsure=many if standing == "unsure" else 0,
    )


def together(tallies: Iterable[Tally]) -> Tally:
    every = list(tallies)
    return Tally(
        opened=sum(one.opened for one in every),
        confirmed=sum(one.confirmed for one in every),
        dismissed=sum(one.dismissed for one in every),
        unsure=sum(one.unsure for one in every),
    )


def precision(tally: Tally) -> Precision | None:
    """None where too few are decided to say anything. Who is unsure says neither."""
    if tally.decided < LEAST:
        return None
    low, high = wilson(tally.confirmed, tally.decided)
    return Precision(share=tally.confirmed / tally.decided, low=low, high=high)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95% score interval of a share (E. B. Wilson, 1927): sound for few, and for shares near 0 and 1."""
    share, more = hits / of, _Z * _Z / of
    middle = (share + more / 2) / (1 + more)
    half = _Z * math.sqrt(share * (1 - share) / of + more / (4 * of)) / (1 + more)
    return max(0.0, middle - half), min(1.0, middle + half)
