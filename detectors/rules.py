"""When samples become an incident: pure, and in seconds, so that it can be replayed and explained.

A sample that could not tell, or that never came, is unknown: it neither shows a kind nor clears it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from detectors.changes import Change, Closed, Opened, Peak, Still, Why, incident_id
from detectors.kinds import GAP_S, KINDS, Kind
from detectors.readings import Reading
from detectors.seen import Observation
from detectors.settings import Settings, StillOpen
from domain.incidents import Sampled, Severity
from domain.policy import DetectorKind

BETTER = 0.1  # by how much a picture must beat the best so far to be worth keeping
STILL_S = 30.0  # how often it is said of an open incident that it goes on, if nothing else is said of it


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident: when it was last seen, by which score, and last told of.

    And from when to when it has been clear without a gap.
    """

    incident: str
    started_at: datetime
    seen_at: datetime
    raw_score: float = 0.0
    told_at: datetime
    severity: Severity
    peak: float
    clear_since: datetime | None = None
    clear_until: datetime | None = None


class Watch(msgspec.Struct, frozen=True):
    """One kind in one session: the samples that could tell of late, and what is open."""

    recent: tuple[Sampled, ...] = ()
    open: Open | None = None


class State(msgspec.Struct, frozen=True):
    """One session: the time of its last sample, and each kind."""

    session: str
    at: datetime | None = None
    watches: Mapping[DetectorKind, Watch] = {}


def begin(session: str, still_open: tuple[StillOpen, ...] = ()) -> State:
    """A session that this worker meets now, with what an earlier one left open."""
    watches: dict[DetectorKind, Watch] = {}
    for left in still_open:
        watches[left.kind] = Watch(
            open=Open(
                incident=left.incident, started_at=left.started_at, seen_at=left.seen_at, told_at=left.seen_at,
                severity=left.severity, peak=left.peak,
            )
        )  # fmt: skip
    return State(session=session, watches=watches)


def step(state: State, settings: Settings, observation: Observation) -> tuple[State, tuple[Change, ...]]:
    """What one more sample changes. A sample that is not newer than the last is ignored.

    All samples of one state come from the same source: the kinds of others stay as they are.
    """
    at = observation.at
    if state.at is not None and at <= state.at:
        return state, ()
    watches = dict(state.watches)
    changes: list[Change] = []
    for kind in KINDS.values():
        if kind.source != observation.source:
            continue
        watch, change = watches.get(kind.name, Watch()), None
        one = watch.open
        if not settings.watches(kind.name):
            watch, change = _stop(one, kind.name, at, "not_observed")
        elif observation.cannot_tell is None and (reading := kind.read(observation, settings)).cannot_tell is None:
            if one is None:
                watch, change = _wait(watch, kind, state.session, at, reading)
            elif reading.positive:
                watch, change = _see(one, kind, at, reading)
            else:
                watch, change = _clear(one, kind, at)
        watches[kind.name] = watch
        changes += [change] if change is not None else []
    return State(state.session, at, watches), tuple(changes)


def finish(state: State, at: datetime, why: Why) -> tuple[State, tuple[Change, ...]]:
    """Observation stops, for a break or for good: what is open is closed as last seen, and nothing carries over."""
    stopped = (_stop(watch.open, kind, at, why) for kind, watch in state.watches.items())
    return State(state.session, state.at), tuple(change for _, change in stopped if change is not None)


def _wait(watch: Watch, kind: Kind, session: str, at: datetime, reading: Reading) -> tuple[Watch, Change | None]:
    """Nothing is open. Opens when this sample settles it."""
    gap = bool(watch.recent) and (at - watch.recent[-1].at).total_seconds() > GAP_S
    before = () if gap else tuple(s for s in watch.recent if (at - s.at).total_seconds() <= kind.window_s)
    recent = (*before, Sampled(at=at, raw_score=reading.raw_score, positive=reading.positive))
    start = _start(kind, recent) if reading.positive else None
    if start is None:
        return Watch(recent), None
    severity = kind.severity_after((at - start).total_seconds(), grave=reading.grave)
    incident = incident_id(session, kind.name, start)
    one = Open(
        incident=incident, started_at=start, seen_at=at, raw_score=reading.raw_score, told_at=at, severity=severity,
        peak=reading.confidence,
    )  # fmt: skip
    return Watch(open=one), Opened(
        incident=incident, kind=kind.name, started_at=start, at=at, severity=severity, confidence=reading.confidence,
        raw_score=reading.raw_score, threshold=reading.threshold, rule_version=kind.version,
        samples=recent,
    )  # fmt: skip


def _start(kind: Kind, recent: tuple[Sampled, ...]) -> datetime | None:
    """The earliest sample from which on enough show it for long enough, or None."""
    for index, first in enumerate(recent):
        shown = sum(one.positive for one in recent[index:])
        enough = shown >= kind.needed and shown * kind.of >= kind.needed * (len(recent) - index)
        if first.positive and enough and (recent[-1].at - first.at).total_seconds() >= kind.span_s:
            return first.at
    return None


def _see(one: Open, kind: Kind, at: datetime, reading: Reading) -> tuple[Watch, Change | None]:
    """It is open and still there. A `Peak` when the picture is better, or when it has become graver."""
    severity = kind.severity_after((at - one.started_at).total_seconds(), one.severity, grave=reading.grave)
    better = reading.confidence >= one.peak + BETTER
    peak = reading.confidence if better else one.peak
    graver = severity != one.severity
    after = replace(
        one, seen_at=at, raw_score=reading.raw_score, severity=severity, peak=peak, clear_since=None, clear_until=None
    )
    if better or graver:
        return Watch(open=replace(after, told_at=at)), Peak(
            incident=one.incident, kind=kind.name, at=at, severity=severity, confidence=reading.confidence,
            raw_score=reading.raw_score, better=better, graver=graver,
        )  # fmt: skip
    if (at - one.told_at).total_seconds() < STILL_S:
        return Watch(open=after), None
    return Watch(open=replace(after, told_at=at)), Still(
        incident=one.incident, kind=kind.name, at=at, severity=severity, confidence=peak
    )


def _clear(one: Open, kind: Kind, at: datetime) -> tuple[Watch, Change | None]:
    """It is open and not there. Closes once that has lasted, seen without a gap."""
    unbroken = one.clear_until is not None and (at - one.clear_until).total_seconds() <= GAP_S
    since = one.clear_since if unbroken and one.clear_since is not None else at
    if (at - since).total_seconds() >= kind.clear_s:
        return _stop(one, kind.name, at, "clear")
    return Watch(open=replace(one, clear_since=since, clear_until=at)), None


def _stop(one: Open | None, kind: DetectorKind, at: datetime, why: Why) -> tuple[Watch, Change | None]:
    if one is None:
        return Watch(), None
    return Watch(), Closed(
        incident=one.incident, kind=kind, ended_at=one.seen_at, at=at, severity=one.severity, peak=one.peak, why=why
    )
