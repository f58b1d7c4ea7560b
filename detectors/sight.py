"""Whether a session can be seen well enough: pure, and in seconds, like the rules of incidents.

A single sample that cannot tell is nothing. What lasts, and what the candidate can mend, is told once, and once more
when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from detectors.kinds import GAP_S
from detectors.seen import CannotTell
from domain.sight import Reason

NAME = "sight"  # as which it is told, beside the names of detectors that fail
CLEAR_S = 6.0
# How long each must last. A baseline takes a minute to learn, and nobody is bothered in that time.
OURS: frozenset[CannotTell | None] = frozenset({"unreadable", "detector_failed"})  # they say nothing of the camera
Told = Reason | Literal["well"] | None
BEAR_S: Mapping[Reason, float] = {"too_dark": 20.0, "no_detail": 20.0, "too_far": 20.0, "no_baseline": 120.0}


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """`since` when each reason has held without a gap; `told` is what was told and is not over.

    Of what an earlier worker told, the reason is not known here.
    """

    at: datetime | None = None
    since: Mapping[Reason, datetime] = {}
    told: Reason | Literal["unknown"] | None = None
    clear_since: datetime | None = None


def step(state: Sight, at: datetime, reasons: Iterable[CannotTell]) -> tuple[Sight, Told]:
    """What one more sample changes, of which some kinds could not tell for these reasons."""
    if state.at is not None and at <= state.at:
        return state, None
    gap = state.at is None or (at - state.at).total_seconds() > GAP_S
    now: set[str] = set(reasons)
    since = {one: at if gap else state.since.get(one, at) for one in BEAR_S if one in now}
    state = replace(state, at=at, since=since, clear_since=None if gap else state.clear_since)
    if state.told is None:
        due = next((one for one, began in since.items() if (at - began).total_seconds() >= BEAR_S[one]), None)
        return replace(state, told=due), due
    if state.told in since or (state.told == "unknown" and since):
        return replace(state, clear_since=None), None
    clear_since = state.clear_since or at
    if (at - clear_since).total_seconds() < CLEAR_S:
        return replace(state, clear_since=clear_since), None
    return replace(state, told=None, clear_since=None), "well"
