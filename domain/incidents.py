"""The incidents of one session: what was flagged, by whom or what, with its evidence, and what people said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused
from domain.policy import DetectorKind

Severity = Literal["info", "warn", "high"]
Verdict = Literal["confirmed", "dismissed", "unsure"]

# Values.


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which detector said so: name, version, SHA-256 of each weights file, thresholds, version of the rule."""

    detector: str
    detector_version: str
    weights: dict[str, str]
    thresholds: dict[str, float]
    rule_version: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed picture in the object store: when it was taken, where it lies, SHA-256 of the stored bytes."""

    at: datetime
    object_key: str
    sha256: str
    raw_score: float


# Events. Tags and field names are on disk for ever.


class Opened(Event, frozen=True, kw_only=True, tag="incidents.opened"):
    incident: str
    kind: DetectorKind
    started_at: datetime
    severity: Severity
    confidence: float
    provenance: Provenance
    evidence: Evidence | None


class EvidenceAdded(Event, frozen=True, kw_only=True, tag="incidents.evidence_added"):
    incident: str
    evidence: Evidence


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


class VerdictGiven(Event, frozen=True, kw_only=True, tag="incidents.verdict_given"):
    incident: str
    verdict: Verdict
    reason: Private
    by: str


class CoverageReported(Event, frozen=True, kw_only=True, tag="incidents.coverage_reported"):
    """How much a detector could see. What was muted, overloaded or could not be told is not observed, never clean."""

    detector: str
    due: int
    taken: int
    cannot_tell: int
    overloaded: int
    muted: int


IncidentEvent = Opened | EvidenceAdded | Closed | RaisedByPerson | VerdictGiven | CoverageReported

# Commands.


class OpenIncident(Command, frozen=True, kw_only=True):
    incident: str
    kind: DetectorKind
    started_at: datetime
    severity: Severity
    confidence: float
    provenance: Provenance
    evidence: Evidence | None
    observed: bool  # the session was in progress under a policy with this detector


class AddEvidence(Command, frozen=True, kw_only=True):
    incident: str
    evidence: Evidence


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


class Judge(Command, frozen=True, kw_only=True):
    incident: str
    verdict: Verdict
    reason: Private
    by: str


class ReportCoverage(Command, frozen=True, kw_only=True):
    detector: str
    due: int
    taken: int
    cannot_tell: int
    overloaded: int
    muted: int


IncidentCommand = OpenIncident | AddEvidence | CloseIncident | Raise | Judge | ReportCoverage

# State.


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    """`open` maps an incident to how it was opened; a person's own incident is a moment and never open."""

    open: dict[str, Opened] = {}
    known: frozenset[str] = frozenset()
    evidence: frozenset[str] = frozenset()
    verdicts: dict[str, tuple[str, str]] = {}  # incident -> (verdict, by), the latest
    covered: frozenset[str] = frozenset()


def evolve(state: Incidents, event: IncidentEvent) -> Incidents:
    match event:
        case Opened(incident=incident, evidence=evidence):
            seen = state.evidence | {evidence.object_key} if evidence else state.evidence
            return replace(state, open=state.open | {incident: event}, known=state.known | {incident}, evidence=seen)
        case EvidenceAdded(evidence=evidence):
            return replace(state, evidence=state.evidence | {evidence.object_key})
        case Closed(incident=incident):
            return replace(state, open={i: opened for i, opened in state.open.items() if i != incident})
        case RaisedByPerson(incident=incident):
            return replace(state, known=state.known | {incident})
        case VerdictGiven(incident=incident, verdict=verdict, by=by):
            return replace(state, verdicts=state.verdicts | {incident: (verdict, by)})
        case CoverageReported(detector=detector):
            return replace(state, covered=state.covered | {detector})
        case _:
            assert_never(event)


def decide(command: IncidentCommand, state: Incidents) -> tuple[IncidentEvent, ...]:
    match command:
        case OpenIncident():
            already = command.kind in {opened.kind for opened in state.open.values()}
            if command.incident in state.known or not command.observed or already:
                return ()
            return (
                Opened(
                    incident=command.incident, kind=command.kind, started_at=command.started_at,
                    severity=command.severity, confidence=command.confidence, provenance=command.provenance,
                    evidence=command.evidence,
                ),
            )  # fmt: skip
        case AddEvidence(incident=incident, evidence=evidence):
            if incident not in state.open or evidence.object_key in state.evidence:
                return ()
            return (EvidenceAdded(incident=incident, evidence=evidence),)
        case CloseIncident(incident=incident, ended_at=ended_at, severity=severity, peak=peak, why=why):
            if incident not in state.open:
                return ()
            return (Closed(incident=incident, ended_at=ended_at, severity=severity, peak=peak, why=why),)
        case Raise(incident=incident, at=at, severity=severity, note=note):
            if incident in state.known:
                return ()
            return (RaisedByPerson(incident=incident, at=at, severity=severity, note=note),)
        case Judge(incident=incident, verdict=verdict, reason=reason, by=by):
            if incident not in state.known:
                raise Refused("there is no such incident", field="incident", kind="not_found")
            if state.verdicts.get(incident) == (verdict, by):
                return ()
            return (VerdictGiven(incident=incident, verdict=verdict, reason=reason, by=by),)
        case ReportCoverage():
            if command.detector in state.covered:
                return ()
            return (CoverageReported(**msgspec.structs.asdict(command)),)
        case _:
            assert_never(command)


DECIDER: Decider[Incidents, IncidentCommand, IncidentEvent] = Decider(
    "incidents", Incidents(), evolve, decide, IncidentEvent
)
