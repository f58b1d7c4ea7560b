"""Whether a session can be seen well enough, and heard at all: pure, and in seconds, like the rules of incidents.

A single sample that cannot tell is nothing. What lasts, and what the candidate can mend, is told once, and once more
when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from detectors.kinds import GAP_S
from detectors.seen import CannotTell, Source

NAME = "sight"  # as which it is told, beside the names of detectors that fail
HEARING = "hearing"  # the same of a microphone
NAMES: Mapping[Source, str] = {"camera": NAME, "sound": HEARING}
OURS: frozenset[CannotTell | None] = frozenset({"unreadable", "detector_failed"})  # they say nothing of the device
Told = str | None  # a reason, or "well", or nothing


@dataclass(frozen=True, kw_only=True)
class Patience:
    """For how long each reason must last, and then none of them be given, in seconds.

    Samples further apart than `gap_s` say nothing about the time between them.
    """

    bear_s: Mapping[str, float]
    gap_s: float
    clear_s: float


CAMERA = Patience(
    bear_s={
        "too_dark": 20.0, "no_detail": 20.0, "too_far": 20.0,
        "no_baseline": 120.0,  # a baseline takes a minute to learn, and nobody is bothered in that time
    },
    gap_s=GAP_S, clear_s=6.0,
)  # fmt: skip
SCREEN = Patience(  # a picture comes each six seconds: four show nothing, and then two something
    bear_s={"black": 17.0, "one_colour": 17.0}, gap_s=15.0, clear_s=5.0
)
MICROPHONE = Patience(  # its silence is known after ten seconds, and told after twenty
    bear_s={"no_sound": 10.0}, gap_s=GAP_S, clear_s=3.0
)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """`since` when each reason has held without a gap; `told` is what was told and is not over.

    Of what an earlier worker told, the reason is not known here: it is "unknown".
    """

    at: datetime | None = None
    since: Mapping[str, datetime] = {}
    told: str | None = None
    clear_since: datetime | None = None


def step(state: Sight, at: datetime, reasons: Iterable[str], patience: Patience = CAMERA) -> tuple[Sight, Told]:
    """What one more sample changes, of which something could not be told for these reasons."""
    if state.at is not None and at <= state.at:
        return state, None
    gap = state.at is None or (at - state.at).total_seconds() > patience.gap_s
    now, bear_s = set(reasons), patience.bear_s
    since = {one: at if gap else state.since.get(one, at) for one in bear_s if one in now}
    state = replace(state, at=at, since=since, clear_since=None if gap else state.clear_since)
    if state.told is None:
        due = next((one for one, began in since.items() if (at - began).total_seconds() >= bear_s[one]), None)
        return replace(state, told=due), due
    if state.told in since or (state.told == "unknown" and since):
        return replace(state, clear_since=None), None
    clear_since = state.clear_since or at
    if (at - clear_since).total_seconds() < patience.clear_s:
        return replace(state, clear_since=clear_since), None
    return replace(state, told=None, clear_since=None), "well"
