"""How much a detector could see of a session: what was not seen is not observed, never clean.

Whoever reads that nothing was flagged has to read beside it how much could have been.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from domain.event import Command, Event

NO_PICTURE = "no_picture"  # time without any sample
NO_SOUND = "no_sound"  # the same of a detector that listens, and the silence of a microphone that is off
NOT_TOLD = "not_told"  # why it could not tell was not told, as by versions that did not count it
Amount = Literal["all", "some", "nothing"]

REASONS: Mapping[str, str] = {
    "too_dark": "too dark",
    "no_detail": "one colour and nothing else",
    "too_far": "too far away",
    "no_face": "no face",
    "several_faces": "several faces",
    "no_baseline": "where the head rests was not known yet",
    NO_SOUND: "no sound",
    "sound_lost": "sound lost on the way",
    "unreadable": "unreadable pictures",
    "detector_failed": "the detector failed",
    "not_known": "the weights in use do not know it",
    "late": "too long after the sample before",
    "page_silent": "the page was silent",
    "page_cannot": "the page could not tell of it",
    NO_PICTURE: "no picture",
    NOT_TOLD: "no reason told",
}


# An event of the stream of a session's incidents. Its tag and field names are on disk for ever.


class CoverageReported(Event, frozen=True, kw_only=True, tag="incidents.coverage_reported"):
    """How much a detector could see. What was muted, overloaded or could not be told is not observed, never clean.

    In samples, and in seconds: of `due_s` under observation (of a camera: while it was recorded) `seen_s` were seen.
    `reasons` says why samples could not tell, and adds up to `cannot_tell`; empty where that was not counted.
    It tells of the whole session, and again when that ends after it was `reopened` (so many times): the last counts.
    """

    detector: str
    due: int
    taken: int
    cannot_tell: int
    overloaded: int
    muted: int
    due_s: float | None = None
    seen_s: float | None = None
    reopened: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)


# Command.


class ReportCoverage(Command, frozen=True, kw_only=True):
    detector: str
    due: int
    taken: int
    cannot_tell: int
    overloaded: int
    muted: int
    due_s: float | None = None
    seen_s: float | None = None
    reopened: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)


# In words.


class Told(Protocol):
    """Samples, and what became of them: `reasons` are those that could not tell, by why."""

    @property
    def due(self) -> int: ...
    @property
    def taken(self) -> int: ...
    @property
    def cannot_tell(self) -> int: ...
    @property
    def overloaded(self) -> int: ...
    @property
    def muted(self) -> int: ...
    @property
    def reasons(self) -> Mapping[str, int]: ...


def amount(told: Told | None) -> Amount:
    """How much was seen. Where nothing was told, or nothing was due, nothing was seen."""
    if told is None or not told.taken:
        return "nothing"
    return "all" if told.taken >= told.due else "some"


def words(told: Told | None, *, over: bool = True) -> str:
    """One sentence for people, as "could not tell in 12% of the time: too dark 9%, no picture 3%".

    `over` says that the session is: before that nothing is told, and nothing is known.
    """
    if told is None:
        return "not observed: nothing was told of it" if over else "not told yet"
    if not told.due:
        return "not observed: there was nothing that it could look at"
    if told.taken >= told.due:
        return "observed all the time"
    lost = [_unsure(told)] if told.cannot_tell else []
    lost += [f"overloaded in {_share(told.overloaded, told.due)} of the time"] if told.overloaded else []
    lost += [f"muted in {_share(told.muted, told.due)} of the time"] if told.muted else []
    said = "; ".join(lost)
    return said if told.taken else f"not observed: {said}"


def _unsure(told: Told) -> str:
    by_size = sorted(told.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    why = ", ".join(f"{REASONS.get(name, name.replace('_', ' '))} {_share(many, told.due)}" for name, many in by_size)
    return f"could not tell in {_share(told.cannot_tell, told.due)} of the time{f': {why}' if why else ''}"


def _share(some: int, due: int) -> str:
    """A part in percent, that is never rounded to nothing or to the whole."""
    percent = 100 * some / due
    if 0 < percent < 1:
        return "less than 1%"
    return "more than 99%" if 99 < percent < 100 else f"{percent:.0f}%"
