"""Whether more samples of a session are lost to overload than are judged: pure, and in seconds, like the rules.

A machine that is behind for a moment is nothing. What lasts is a fault of ours, told once, and once more when it is
over: it is never the candidate's, and what was lost is not observed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detectors.kinds import GAP_S
from detectors.seen import Source

WINDOW_S = 20.0
TOO_MANY = 0.5  # more than this part of what was due is lost: overloaded
FEW = 0.25  # no more than this is lost: it is good again
NAMES: dict[Source, str] = {"camera": "overloaded", "sound": "overloaded with sound"}  # as which it is told
WHY = "there is more to look at than this machine can: most samples are lost, and what they showed is not observed"
Told = Literal["overloaded", "well"] | None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of the last seconds, each with whether it was lost; `since` when they have come without a gap.

    `told` says that it was told and is not over.
    """

    samples: tuple[tuple[datetime, bool], ...] = ()
    since: datetime | None = None
    told: bool = False


def step(load: Load, at: datetime, *, lost: bool) -> tuple[Load, Told]:
    """What one more sample changes. Samples may come in any order: a lost one is known when the next has come."""
    newest = max((came for came, _ in load.samples), default=None)
    gap = newest is None or abs((at - newest).total_seconds()) > GAP_S
    since = at if gap or load.since is None else min(load.since, at)
    now = at if gap or newest is None else max(newest, at)
    before = () if gap else load.samples
    samples = tuple(one for one in (*before, (at, lost)) if (now - one[0]).total_seconds() < WINDOW_S)
    part = sum(gone for _, gone in samples) / len(samples)
    told: Told = None
    if (now - since).total_seconds() >= WINDOW_S:
        if not load.told and part > TOO_MANY:
            told = "overloaded"
        elif load.told and part <= FEW:
            told = "well"
    return Load(samples=samples, since=since, told=load.told if told is None else told == "overloaded"), told
