"""From what a page signals to incidents and faults: pure rules in seconds.

They need no memory beside the session's own streams, because each batch tells enough. So any process may judge any
batch, in any order, and again: what is known already leads to nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from domain import incidents, session_rules
from domain.browser import BrowserKind
from domain.fault import Cause, CloseFault, FaultCommand, OpenFault
from domain.incidents import (
    AddEvidence,
    CloseIncident,
    Flag,
    IncidentCommand,
    Incidents,
    OpenIncident,
    Provenance,
    Severity,
    graver,
)
from domain.observation import observed
from domain.page import SILENT, ObservePage
from domain.phase import RUNNING
from domain.session import Session
from domain.signals import Heard, Signal, Stretch, Value

Why = Literal["clear", "not_observed"]

VERSION = "1"
STILL_S = 30.0  # how often it is said of an open incident that it goes on
_INCIDENTS = uuid.UUID("0f6d1d06-6a3c-5e0b-9d3f-5f9d1f6d6c0e")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind. `bad` values that are less than `clear_s` apart are one episode, and shorter ones than `least_s` none.

    It opens when they have lasted `after_s` in all, or have come `times` times; closes `clear_s` after the last.
    """

    kind: BrowserKind
    signal: Signal
    bad: frozenset[Value]
    after_s: float
    clear_s: float = 5.0
    least_s: float = 0.0
    times: int | None = None
    severity: Severity = "info"
    grave_after_s: float | None = None  # then it is a warning

    @property
    def version(self) -> str:
        return f"{self.kind}/1"

    def severity_after(self, seconds: float) -> Severity:
        return "warn" if self.grave_after_s is not None and seconds > self.grave_after_s else self.severity


RULES: Mapping[BrowserKind, Rule] = {
    rule.kind: rule
    for rule in (
        Rule(
            kind="focus_lost", signal="focus", bad=frozenset({"away"}), after_s=5.0, clear_s=10.0, least_s=1.0, times=3,
            grave_after_s=30.0,
        ),
        Rule(
            kind="fullscreen_left", signal="full_screen", bad=frozenset({"off"}), after_s=10.0, least_s=1.0, times=3,
            grave_after_s=60.0,
        ),
        Rule(kind="pasted", signal="clipboard", bad=frozenset({"pasted"}), after_s=0.0, clear_s=10.0, times=1),
        Rule(kind="second_display", signal="displays", bad=frozenset({"several"}), after_s=10.0),
        Rule(
            kind="camera_muted", signal="camera", bad=frozenset({"muted", "stopped"}), after_s=5.0, severity="warn",
        ),
        Rule(
            kind="screen_share_stopped", signal="screen", bad=frozenset({"stopped"}), after_s=5.0, severity="warn",
        ),
    )
}  # fmt: skip


class Trouble(NamedTuple):
    """What makes a fault, never an incident: a device that is gone, has failed or is full, a network that is slow."""

    what: str
    signal: Signal
    bad: Value
    cause: Cause
    why: str
    after_s: float
    clear_s: float


TROUBLES = (
    Trouble("camera device", "camera", "unplugged", "device", "the camera is unplugged or has failed", 2.0, 2.0),
    Trouble("microphone", "microphone", "unplugged", "device", "the microphone is unplugged or has failed", 2.0, 2.0),
    Trouble("screen share", "screen", "unplugged", "device", "the shared display is gone", 2.0, 2.0),
    Trouble("network", "network", "poor", "network", "the candidate's network is slow", 10.0, 10.0),
    Trouble("local copy", "local_copy", "full", "device", "the device has no room left for its copy", 0.0, 10.0),
)


class Episode(NamedTuple):
    """Times of something bad that belong together. `over` is whether it has been clear for long enough since `end`."""

    first: datetime
    start: datetime
    end: datetime
    lasted_s: float
    times: int
    over: bool


def told(heard: Heard, state: Session) -> Iterator[ObservePage | FaultCommand]:
    """What a batch says of the page and of devices and network."""
    if state.phase not in RUNNING:
        return
    watched = observed(state)
    kinds = frozenset(rule.kind for rule in RULES.values() if rule.kind in watched and rule.signal in heard.signals)
    yield ObservePage(at=heard.at, kinds=kinds)
    yield CloseFault(what=SILENT, since=heard.at)
    for trouble in TROUBLES:
        if not (stretches := heard.signals.get(trouble.signal)):
            continue
        last = stretches[-1]
        lasted = _seconds(last.since, heard.at)
        if last.value == trouble.bad and lasted >= trouble.after_s:
            yield OpenFault(what=trouble.what, why=trouble.why, cause=trouble.cause, since=last.since)
        elif last.value != trouble.bad and lasted >= trouble.clear_s:
            yield CloseFault(what=trouble.what, since=last.since)


def found(session: str, heard: Heard, state: Session, known: Incidents) -> Iterator[IncidentCommand]:
    """What a batch says of incidents, once the session knows what `told` says."""
    for rule in RULES.values():
        flags = [flag for flag in known.flags.values() if flag.kind == rule.kind]
        going_on = next((flag for flag in flags if flag.ended_at is None), None)
        if state.phase == "in_progress" and rule.kind in observed(state) and rule.signal in heard.signals:
            yield from _judged(session, rule, heard, state, flags)
        elif going_on is not None and (state.phase != "in_progress" or heard.at > going_on.started_at):
            stood = state.on_break.since if state.on_break else state.stopped_since or heard.at
            ended_at = min(heard.at, stood)
            yield _closed(going_on, max(ended_at, going_on.started_at), why="not_observed")


def matters(session: str, heard: Heard, state: Session, known: Incidents) -> bool:
    """Whether a batch leads to anything: most do not, and need no command."""
    return any(session_rules.decide(order, state) for order in told(heard, state)) or any(
        incidents.decide(order, known) for order in found(session, heard, state, known)
    )


def unheard(known: Incidents, at: datetime) -> Iterator[CloseIncident]:
    """Ends what a page pointed out that has been silent since then: whether it goes on, nobody knows."""
    for flag in known.open.values():
        if flag.kind in RULES:
            yield _closed(flag, max(at, flag.started_at), why="not_observed")


def _judged(session: str, rule: Rule, heard: Heard, state: Session, flags: list[Flag]) -> Iterator[IncidentCommand]:
    since, after_s = _since(state), _after_s(rule, state)
    current = next((flag for flag in flags if flag.ended_at is None), None)
    ended_at = max((flag.ended_at for flag in flags if flag.ended_at), default=None)
    stretches = heard.signals[rule.signal]
    episodes = _episodes(rule, stretches, since, heard.at)
    for episode in episodes:
        if current is not None:
            if episode.over and episode.end > current.started_at:
                yield _closed(current, episode.end)
                current, ended_at = None, episode.end
            continue
        again = ended_at is not None and episode.end <= ended_at + timedelta(seconds=rule.clear_s / 2)
        enough = episode.lasted_s >= after_s or (rule.times is not None and episode.times >= rule.times)
        if again or not enough:
            continue
        opened = _opened(session, rule, heard, episode, since, after_s)
        yield opened
        if episode.over:
            yield CloseIncident(
                incident=opened.incident, ended_at=episode.end, severity=opened.severity, peak=opened.confidence
            )
            ended_at = episode.end
        else:
            return
    if current is None:
        return
    last = stretches[-1]
    clear_s = 0.0 if last.value in rule.bad else _seconds(last.since, heard.at)
    if clear_s >= rule.clear_s and last.since > current.started_at:
        yield _closed(current, last.since)
    elif episodes and not episodes[-1].over:
        severity = rule.severity_after(_seconds(current.started_at, episodes[-1].end))
        grown = graver(severity, current.severity) != current.severity
        if grown or _seconds(current.seen_at, heard.at) >= STILL_S:
            yield AddEvidence(incident=current.incident, severity=severity, seen_at=heard.at)


def _episodes(rule: Rule, stretches: tuple[Stretch, ...], since: datetime, at: datetime) -> list[Episode]:
    """In order. What was before `since` is cut off."""
    made: list[Episode] = []
    for stretch in stretches:
        until = stretch.since if stretch.value == "pasted" else min(stretch.until or at, at)
        start = max(stretch.since, since)
        lasted_s = _seconds(start, until)
        if stretch.value not in rule.bad or until < since or lasted_s < rule.least_s:
            continue
        if made and _seconds(made[-1].end, start) < rule.clear_s:
            one = made[-1]
            made[-1] = one._replace(end=until, lasted_s=one.lasted_s + lasted_s, times=one.times + 1)
        else:
            made.append(Episode(stretch.first, start, until, lasted_s, 1, over=True))
    if made:
        lasts = stretches[-1].value in rule.bad and stretches[-1].value != "pasted"
        over = not lasts and _seconds(made[-1].end, at) >= rule.clear_s
        made[-1] = made[-1]._replace(over=over)
    return made


def _opened(  # noqa: PLR0917 - what an incident is made of
    session: str, rule: Rule, heard: Heard, episode: Episode, since: datetime, after_s: float
) -> OpenIncident:
    # Named by what the page calls its beginning, which is the same in each batch however its clock is corrected.
    name = f"{session}\n{rule.kind}\n{heard.page}\n{episode.first.isoformat()}\n{since.isoformat()}"
    thresholds = {"after_s": after_s, "clear_s": rule.clear_s, "least_s": rule.least_s}
    if rule.times is not None:
        thresholds["times"] = float(rule.times)
    return OpenIncident(
        incident=str(uuid.uuid5(_INCIDENTS, name)), kind=rule.kind, started_at=episode.start, seen_at=episode.end,
        severity=rule.severity_after(_seconds(episode.start, episode.end)), confidence=1.0, evidence=None,
        provenance=Provenance(
            detector="browser", detector_version=VERSION, weights={}, thresholds=thresholds, rule_version=rule.version
        ),
        observed=True,
    )  # fmt: skip


def _closed(flag: Flag, ended_at: datetime, why: Why = "clear") -> CloseIncident:
    return CloseIncident(
        incident=flag.incident, ended_at=ended_at, severity=flag.severity, peak=flag.confidence, why=why
    )


def _after_s(rule: Rule, state: Session) -> float:
    named = (one.after_s for one in state.policy.browser if one.kind == rule.kind)
    return next((value for value in named if value is not None), rule.after_s)


def _since(state: Session) -> datetime:
    """Since when the page has been observed: it tells, and the clock runs."""
    goes_on = state.stops[-1][1] if state.stops else state.started_at
    assert goes_on is not None
    return max(goes_on, state.page.since or goes_on)


def _seconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds()
