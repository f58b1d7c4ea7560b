"""The incidents of one session: what was flagged, by whom or what, with its evidence, and what people said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never, get_args

import msgspec
from msgspec.structs import replace

from domain import triage
from domain.coverage import CoverageReported, ReportCoverage
from domain.event import Command, Decider, Event, Private, Refused
from domain.policy import IncidentKind
from domain.triage import Triage, TriageCommand, TriageEvent

Severity = Literal["info", "warn", "high"]
Verdict = Literal["confirmed", "dismissed", "unsure"]
Role = Literal["first", "best", "last"]


def graver(one: Severity, other: Severity | None) -> Severity:
    """The graver of two."""
    order: tuple[Severity, ...] = get_args(Severity)
    return one if other is None or order.index(one) >= order.index(other) else other


# Values.


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which detector said so: name, version, SHA-256 of each weights file, thresholds, version of the rule."""

    detector: str
    detector_version: str
    weights: dict[str, str]
    thresholds: dict[str, float]
    rule_version: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed picture in the object store: when it was taken, where it lies, SHA-256 of the stored bytes.

    `role` is what it is kept for: the first or last that shows the incident, or that none before showed it so clearly;
    None where that was not told.
    """

    at: datetime
    object_key: str
    sha256: str
    raw_score: float
    role: Role | None = None


class Sampled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sample: when it was taken, the score that decided, and whether that showed the incident."""

    at: datetime
    raw_score: float
    positive: bool


# Events. Tags and field names are on disk for ever.


class Opened(Event, frozen=True, kw_only=True, tag="incidents.opened"):
    """`started_at` is the first sample that showed it, `seen_at` the one that settled it.

    `samples` are all that could tell in the time that it was opened on; () where that was not told.
    """

    incident: str
    kind: IncidentKind
    started_at: datetime
    severity: Severity
    confidence: float
    provenance: Provenance
    evidence: Evidence | None
    seen_at: datetime | None = None
    samples: tuple[Sampled, ...] = ()


class EvidenceAdded(Event, frozen=True, kw_only=True, tag="incidents.evidence_added"):
    """What more was seen: a picture, how grave and how sure it has become, or that at `seen_at` it still went on."""

    incident: str
    evidence: Evidence | None = None
    severity: Severity | None = None
    confidence: float | None = None
    seen_at: datetime | None = None


class Closed(Event, frozen=True, kw_only=True, tag="incidents.closed"):
    incident: str
    ended_at: datetime
    severity: Severity
    peak: float
    why: Literal["clear", "session_over", "not_observed"]


class RaisedByPerson(Event, frozen=True, kw_only=True, tag="incidents.raised_by_person"):
    incident: str
    at: datetime
    severity: Severity
    note: Private
    by: str = ""


class VerdictGiven(Event, frozen=True, kw_only=True, tag="incidents.verdict_given"):
    incident: str
    verdict: Verdict
    reason: Private
    by: str


IncidentEvent = Opened | EvidenceAdded | Closed | RaisedByPerson | VerdictGiven | CoverageReported | TriageEvent

# Commands.


class OpenIncident(Command, frozen=True, kw_only=True):
    incident: str
    kind: IncidentKind
    started_at: datetime
    severity: Severity
    confidence: float
    provenance: Provenance
    evidence: Evidence | None
    observed: bool  # when it was seen, the session was in progress under a policy with this detector
    seen_at: datetime | None = None
    samples: tuple[Sampled, ...] = ()


class AddEvidence(Command, frozen=True, kw_only=True):
    incident: str
    evidence: Evidence | None = None
    severity: Severity | None = None
    confidence: float | None = None
    seen_at: datetime | None = None


class CloseIncident(Command, frozen=True, kw_only=True):
    incident: str
    ended_at: datetime
    severity: Severity
    peak: float
    why: Literal["clear", "session_over", "not_observed"] = "clear"


class Raise(Command, frozen=True, kw_only=True):
    incident: str
    at: datetime
    severity: Severity
    note: Private
    by: str


class Judge(Command, frozen=True, kw_only=True):
    incident: str
    verdict: Verdict
    reason: Private
    by: str


IncidentCommand = OpenIncident | AddEvidence | CloseIncident | Raise | Judge | ReportCoverage | TriageCommand

# State.


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of a detector: how grave and how sure it has been at most, and when it was last seen."""

    incident: str
    kind: IncidentKind
    started_at: datetime
    seen_at: datetime
    severity: Severity
    confidence: float
    ended_at: datetime | None = None


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    """`flags` are the detectors' own; those `raised` by a person are moments, never open. The last verdict counts."""

    flags: dict[str, Flag] = {}
    known: frozenset[str] = frozenset()
    evidence: frozenset[str] = frozenset()
    raised: dict[str, Severity] = {}
    raised_by: frozenset[str] = frozenset()
    verdicts: dict[str, tuple[VerdictGiven, ...]] = {}  # the last of each person, in order
    covered: dict[str, CoverageReported] = {}  # the last by detector
    triage: dict[str, Triage] = {}

    @property
    def open(self) -> dict[str, Flag]:
        return {incident: flag for incident, flag in self.flags.items() if flag.ended_at is None}

    def covers(self, detector: str, reopened: int) -> bool:
        """Whether that was told of a session that has been reopened so many times."""
        return detector in self.covered and self.covered[detector].reopened >= reopened


def evolve(state: Incidents, event: IncidentEvent) -> Incidents:
    if isinstance(event, TriageEvent):
        return replace(state, triage=triage.tended(state.triage, event.incident, event))
    match event:
        case Opened(incident=incident, evidence=evidence):
            seen_at = event.seen_at or (evidence.at if evidence else event.started_at)
            flag = Flag(
                incident=incident, kind=event.kind, started_at=event.started_at, seen_at=seen_at,
                severity=event.severity, confidence=event.confidence,
            )  # fmt: skip
            flags, known = state.flags | {incident: flag}, state.known | {incident}
            return replace(state, flags=flags, known=known, evidence=_kept(state, evidence))
        case EvidenceAdded(incident=incident, evidence=evidence):
            state = replace(state, evidence=_kept(state, evidence))
            if incident not in state.flags:
                return state
            flag = _seen(state.flags[incident], event)
            same = flag.severity == state.flags[incident].severity
            tended = state.triage if same else triage.tended(state.triage, incident, triage.surfaced)
            return replace(state, flags=state.flags | {incident: flag}, triage=tended)
        case Closed(incident=incident, severity=severity, peak=peak, ended_at=ended_at):
            if incident not in state.flags:
                return state
            flag = replace(state.flags[incident], severity=severity, confidence=peak, ended_at=ended_at)
            return replace(state, flags=state.flags | {incident: flag})
        case RaisedByPerson(incident=incident, severity=severity, by=by):
            known, raised = state.known | {incident}, state.raised | {incident: severity}
            return replace(state, known=known, raised=raised, raised_by=state.raised_by | ({by} - {""}))
        case VerdictGiven(incident=incident, by=by):
            given = (*(one for one in state.verdicts.get(incident, ()) if one.by != by), event)
            tended = triage.tended(state.triage, incident, triage.judged)
            return replace(state, verdicts=state.verdicts | {incident: given}, triage=tended)
        case CoverageReported(detector=detector):
            return replace(state, covered=state.covered | {detector: event})
        case _:
            assert_never(event)


def decide(command: IncidentCommand, state: Incidents) -> tuple[IncidentEvent, ...]:
    if isinstance(command, TriageCommand):
        return triage.decide(command, state.known, state.triage)
    match command:
        case OpenIncident():
            already = command.kind in {flag.kind for flag in state.open.values()}
            if command.incident in state.known or not command.observed or already:
                return ()
            told = msgspec.structs.asdict(command)
            return (Opened(**{name: told[name] for name in Opened.__struct_fields__}),)
        case AddEvidence(incident=incident, evidence=evidence):
            if (flag := state.flags.get(incident)) is None:
                return ()
            if evidence and evidence.object_key in state.evidence:
                command = replace(command, evidence=None, seen_at=command.seen_at or evidence.at)
            nothing = command.evidence is None and _seen(flag, command) == flag
            return () if nothing else (EvidenceAdded(**msgspec.structs.asdict(command)),)
        case CloseIncident(incident=incident, ended_at=ended_at, why=why):
            if incident not in state.open:
                return ()
            flag = state.flags[incident]
            severity, peak = graver(flag.severity, command.severity), max(flag.confidence, command.peak)
            return (Closed(incident=incident, ended_at=ended_at, severity=severity, peak=peak, why=why),)
        case Raise(incident=incident):
            return () if incident in state.known else (RaisedByPerson(**msgspec.structs.asdict(command)),)
        case Judge(incident=incident, verdict=verdict, reason=reason, by=by):
            if incident not in state.known:
                raise Refused("there is no such incident", field="incident", kind="not_found")
            given = VerdictGiven(incident=incident, verdict=verdict, reason=reason, by=by)
            return () if state.verdicts.get(incident, ())[-1:] == (given,) else (given,)
        case ReportCoverage(detector=detector, reopened=reopened):
            return () if state.covers(detector, reopened) else (CoverageReported(**msgspec.structs.asdict(command)),)
        case _:
            assert_never(command)


def _kept(state: Incidents, evidence: Evidence | None) -> frozenset[str]:
    return state.evidence | {evidence.object_key} if evidence else state.evidence


def _seen(flag: Flag, more: AddEvidence | EvidenceAdded) -> Flag:
    """What is known of an incident with what more was seen of it. When it ended stays as it was told."""
    seen_at = more.seen_at or (more.evidence.at if more.evidence else flag.seen_at)
    return replace(
        flag, severity=graver(flag.severity, more.severity), confidence=max(flag.confidence, more.confidence or 0.0),
        seen_at=flag.seen_at if flag.ended_at else max(flag.seen_at, seen_at),
    )  # fmt: skip


DECIDER: Decider[Incidents, IncidentCommand, IncidentEvent] = Decider(
    "incidents", Incidents(), evolve, decide, IncidentEvent
)
