"""What is withheld of an export that a person is given of their own record. Events and proofs stay whole.

Withheld objects are told as absent with the ground, and the keys of withheld texts stay here. Of an incident in which
other people are seen that is every picture, the words about it, and what the camera recorded meanwhile; the finished
recording too, of which no part can be cut out without changing what was sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from domain import incidents, late, recording
from domain.appeal import Appealed
from domain.event import Private
from domain.grounds import GROUNDS, Ground
from domain.phase import Track
from domain.recorded import Recorded
from domain.release import Withheld
from domain.session import Opened
from domain.stream import parse
from vigil.html import section, table

MARGIN = timedelta(seconds=10)  # on both sides of an incident: whoever is seen was there a little before
HIDDEN = "(withheld)"
WHAT = {
    "screen": "recordings and stills of the screen",
    "staff": "names and ids of staff, in the report",
    "others": "pictures, recordings and words of incidents in which other people are seen",
}
# Of these fields of an event each names a person of the staff, if not the candidate, a program or one of these words.
_PEOPLE, _NOBODY = ("by", "user", "to", "readers"), frozenset({"", "candidate", "clock", "in_progress", "paused"})
_END = datetime.max.replace(tzinfo=UTC)

Span = tuple[datetime, datetime]


class Left(NamedTuple):
    """`objects` says why by object key; texts of (stream, version) in `closed` stay shut; `events` are as shown."""

    objects: Mapping[str, str]
    closed: frozenset[tuple[str, int]]
    events: Sequence[Recorded]


def withhold(events: Sequence[Recorded], withheld: Sequence[Withheld]) -> Left:
    objects: dict[str, str] = {}
    closed: frozenset[tuple[str, int]] = frozenset()
    shown = events
    for one in withheld:
        match one.what:
            case "screen":
                objects |= dict.fromkeys(_recorded(events, "screen"), _why(one.ground))
            case "others":
                objects |= dict.fromkeys(_of_others(events, frozenset(one.incidents)), _why(one.ground))
                closed = frozenset(  # what the candidate says of one in an appeal is their own
                    (e.stream, e.version) for e in events
                    if getattr(e.body, "incident", None) in one.incidents and not isinstance(e.body, Appealed)
                )  # fmt: skip
            case "staff":
                names = _staff(events)
                shown = [_unnamed(event, names) for event in shown]
    return Left(objects, closed, [_shut(e) if (e.stream, e.version) in closed else e for e in shown])


def of_session(events: Sequence[Recorded], withheld: Sequence[Withheld]) -> tuple[Withheld, ...]:
    """What concerns this session: of a person's several, each has incidents of its own."""
    known = {getattr(event.body, "incident", "") for event in events}
    own = [replace(one, incidents=tuple(name for name in one.incidents if name in known)) for one in withheld]
    return tuple(one for one in own if one.incidents or one.what != "others")


def told(withheld: Sequence[Withheld]) -> list[dict[str, Any]]:
    """For the manifest."""
    return [
        {"what": one.what, "ground": one.ground, "why": _why(one.ground), "incidents": sorted(one.incidents)}
        for one in withheld
    ]


def in_words(withheld: Sequence[Withheld]) -> str:
    """For the report; nothing where nothing is withheld."""
    rows = [
        (WHAT[one.what] + (f": {', '.join(sorted(one.incidents))}" if one.incidents else ""), _why(one.ground))
        for one in withheld
    ]
    return section("What is withheld of this copy", table(("What", "Why"), rows)) if rows else ""


def _why(ground: Ground) -> str:
    return f"withheld: {GROUNDS[ground]} (GDPR, article {ground})"


def _recorded(events: Sequence[Recorded], track: Track) -> set[str]:
    return {key for event in events if _track(event) == track for key, _ in _objects(event)}


def _of_others(events: Sequence[Recorded], named: frozenset[str]) -> set[str]:
    spans = [span for incident in named if (span := _span(events, incident))]
    found = {
        key for event in events if getattr(event.body, "incident", None) in named for key, _ in _objects(event)
    } | {
        key for event in events if _track(event) in ("", "camera")
        for key, when in _objects(event) if when and any(_meet(when, span) for span in spans)
    }  # fmt: skip
    films = {key for event in events if _track(event) == "camera" for key, when in _objects(event) if when is None}
    return found | (films if found & _recorded(events, "camera") else set())


def _span(events: Sequence[Recorded], incident: str) -> Span | None:
    """From the first that was seen of an incident to its end; one that was never closed has none."""
    times: list[datetime] = []
    end: datetime | None = None
    for event in events:
        match event.body:
            case incidents.Opened(incident=name, started_at=at, samples=samples) if name == incident:
                times += [at, *(sample.at for sample in samples)]
                end = _END
            case incidents.RaisedByPerson(incident=name, at=at) if name == incident:
                times.append(at)
            case incidents.Closed(incident=name, ended_at=at) if name == incident:
                times.append(at)
                end = None
            case _ if getattr(event.body, "incident", None) == incident:
                times += [when[0] for _, when in _objects(event) if when]
    return (min(times) - MARGIN, end or max(times) + MARGIN) if times else None


def _meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _objects(event: Recorded) -> Iterator[tuple[str, Span | None]]:
    """The stored objects that an event names, and of which time they show something; None of the whole recording."""
    match event.body:
        case recording.SegmentStored(segment=s) | late.LateSegmentStored(segment=s):
            yield s.object_key, (s.started_at, s.ended_at)
        case recording.Finalised(object_key=key):
            yield key, None
        case late.StillStored(object_key=key, at=at):
            yield key, (at, at)
        case incidents.Opened(evidence=evidence) | incidents.EvidenceAdded(evidence=evidence) if evidence:
            yield evidence.object_key, (evidence.at, evidence.at)


def _track(event: Recorded) -> str:
    """Of a recording; "" of anything else."""
    at = parse(event.stream)
    return at.name.rpartition(".")[2] if at.kind == "recording" else ""


def _staff(events: Sequence[Recorded]) -> Mapping[str, str]:
    """Each person of the staff by a number, in the order in which they come."""
    subjects = {event.body.subject for event in events if isinstance(event.body, Opened)}
    found: dict[str, str] = {}
    for event in events:
        fields = [getattr(event.body, field, "") for field in _PEOPLE]
        for who in (event.envelope.actor, *fields):
            for name in who if isinstance(who, tuple) else (who,):
                if name not in _NOBODY | subjects and not name.startswith("system/"):
                    found.setdefault(name, f"staff {len(found) + 1}")
    return found


def _unnamed(event: Recorded, names: Mapping[str, str]) -> Recorded:
    actor = names.get(event.envelope.actor, event.envelope.actor)
    return event._replace(envelope=replace(event.envelope, actor=actor), body=_renamed(event.body, names))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - the fields of any event
    match value:
        case str():
            return names.get(value, value)
        case tuple():
            return tuple(_renamed(part, names) for part in value)
        case msgspec.Struct():
            fields = {field: getattr(value, field) for field in value.__struct_fields__}
            return replace(value, **{field: _renamed(part, names) for field, part in fields.items()})
        case _:
            return value


def _shut(event: Recorded) -> Recorded:
    """The same with its private texts withheld."""
    body, fields = event.body, event.body.__struct_fields__
    kept = {field: value for field in fields if isinstance(value := getattr(body, field), Private)}
    shut = {
        field: Private(one.subject, HIDDEN, session=one.session, key_class=one.key_class) for field, one in kept.items()
    }
    return event._replace(body=replace(body, **shut))
