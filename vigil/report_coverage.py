"""Of the report that people read: how much of the session each detector could see, and why not the rest."""

from __future__ import annotations

from collections.abc import Sequence

from domain.coverage import CoverageReported, words
from domain.recorded import Recorded
from domain.session import Started
from vigil.html import paragraph, section, table

NO_FLAG = "That nothing was flagged says nothing of what was not observed; see what the detectors could see."


def coverage(events: Sequence[Recorded]) -> str:
    """A row for each kind that the policy looks for, also where nothing was told of it."""
    told = {event.body.detector: event.body for event in events if isinstance(event.body, CoverageReported)}
    watched = {kind for event in events if isinstance(event.body, Started) for kind in event.body.policy.kinds}
    rows = [(kind.replace("_", " "), *_row(told.get(kind))) for kind in sorted({*told, *watched})]
    said = paragraph(
        "What is not taken is not observed, never clean. Of a camera this is the time that was recorded; what is"
        " missing of the recording stands with it."
    )
    head = ("Detector", "In words", "Samples due", "Taken", "Could not tell", "Overloaded", "Muted", "Seconds seen")
    return section("What the detectors could see", said, table(head, rows, "Nothing was looked for: not observed."))


def _row(told: CoverageReported | None) -> tuple[object, ...]:
    """The last that was told, which is of the whole session."""
    if told is None:
        return (words(None), *("not observed",) * 6)
    seconds = "not told" if told.due_s is None or told.seen_s is None else f"{told.seen_s:.0f} of {told.due_s:.0f}"
    return words(told), told.due, told.taken, told.cannot_tell, told.overloaded, told.muted, seconds
