"""Of the report that people read: what a candidate was allowed, and which detectors were silent, never why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from domain.accommodation import Accommodated, Accommodation
from domain.event import Private
from domain.muting import DetectorMuted, Mute
from domain.policy import IncidentKind
from domain.recorded import Recorded
from projections.allowed import silenced
from vigil.html import at as _at
from vigil.html import paragraph, private, section, table


def allowed(events: Sequence[Recorded]) -> str:
    """What was allowed from when on; nothing at all where there was nothing."""
    rows = [
        (_at(event.body.at), ", ".join(_words(event.body.accommodation, event.body.objects)) or "nothing any more")
        for event in events
        if isinstance(event.body, Accommodated)
    ]
    if not rows:
        return ""
    said = paragraph("What is allowed is no incident, and does not say anything about the candidate's conduct.")
    return section("Accommodation", said, table(("From", "Allowed"), rows))


def muted(events: Sequence[Recorded]) -> str:
    """From when to when a detector was silent. That is not observed, never clean."""
    rows = list(_spans(events))
    return section("Muted", table(("Detector", "From", "Until", "Why"), rows), level=3) if rows else ""


def _spans(events: Sequence[Recorded]) -> Iterator[tuple[str, str, str, str]]:
    known: dict[IncidentKind, Mute] = {}
    for event in events:
        if isinstance(event.body, Accommodated | DetectorMuted):
            after = silenced(known, event.body)
            yield from (_span(kind, mute, _at(event.body.at)) for kind, mute in _ended(known, after))
            known = after
    yield from (_span(kind, mute, "the end") for kind, mute in known.items())


def _ended(
    known: Mapping[IncidentKind, Mute], after: Mapping[IncidentKind, Mute]
) -> Iterator[tuple[IncidentKind, Mute]]:
    return ((kind, mute) for kind, mute in known.items() if after.get(kind) != mute)


def _span(kind: IncidentKind, mute: Mute, until: str) -> tuple[str, str, str, str]:
    return kind.replace("_", " "), _at(mute.since), until, _WHY[mute.why]


_WHY = {
    "switched_off": "switched off for everyone", "switched_off_everywhere": "switched off by the institution",
    "accommodation": "accommodation",
    "consent": "the candidate did not agree", "waived": "the check of what shows it was waived",
}  # fmt: skip


def _words(accommodation: Accommodation, objects: Private | None) -> Iterator[str]:
    if accommodation.extra_time_percent:
        yield f"{accommodation.extra_time_percent} % more time"
    if accommodation.extra_time_minutes:
        yield f"{accommodation.extra_time_minutes} minutes more"
    if accommodation.rest_break_minutes:
        yield f"rest breaks of {accommodation.rest_break_minutes} minutes in all"
    yield from (f"a {person} in view" if person[0] not in "aeiou" else f"an {person} in view"
                for person in accommodation.people)  # fmt: skip
    if objects:
        yield f"on the desk: {private(objects).replace(chr(10), ', ')}"
    yield from (f"{kind.replace('_', ' ')} is muted" for kind in sorted(accommodation.mutes))
    if accommodation.identity_route != "photos":
        yield f"identified another way: {accommodation.identity_route.replace('_', ' ')}"
