"""The read model `incidents`: a row for each incident, with its evidence and every verdict on it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import incidents
from domain.incidents import Evidence, Provenance, Severity, Verdict
from domain.recorded import Recorded
from domain.stream import Stream
from projections.keys import events_of, parsed, whole_stream
from projections.model import Model

__all__ = ["INCIDENTS", "Incident", "Judged"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    by: str
    at: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What was flagged, by a detector (with its provenance) or by a person (with their note).

    `ended_at` is None while it goes on; `ended` says why it ended. `confidence` is from 0 to 1: at first, `peak` its
    highest. `verdicts` are in order, the last one counts. Private texts are None once forgotten.
    """

    incident: str
    session: str
    kind: str
    severity: Severity
    started_at: datetime
    position: int
    ended_at: datetime | None = None
    ended: str = ""
    confidence: float | None = None
    peak: float | None = None
    provenance: Provenance | None = None
    evidence: tuple[Evidence, ...] = ()
    raised_by: str | None = None
    note: str | None = None
    verdicts: tuple[Judged, ...] = ()


def keys(recorded: Recorded) -> tuple[str, ...]:
    match recorded.body:
        case (
            incidents.Opened(incident=name) | incidents.EvidenceAdded(incident=name) | incidents.Closed(incident=name)
            | incidents.RaisedByPerson(incident=name) | incidents.VerdictGiven(incident=name)
        ):  # fmt: skip
            at = parsed(recorded.stream)
            return (f"{at.tenant}/{at.name}/{name}",)
    return ()


def fold(row: Incident | None, recorded: Recorded) -> Incident | None:
    body = recorded.body
    match body:
        case incidents.Opened():
            return Incident(
                incident=body.incident, session=parsed(recorded.stream).name, kind=body.kind, severity=body.severity,
                started_at=body.started_at, position=recorded.position, confidence=body.confidence,
                peak=body.confidence, provenance=body.provenance, evidence=(body.evidence,) if body.evidence else (),
            )  # fmt: skip
        case incidents.RaisedByPerson():
            return Incident(
                incident=body.incident, session=parsed(recorded.stream).name, kind="raised_by_person",
                severity=body.severity, started_at=body.at, ended_at=body.at, position=recorded.position,
                raised_by=recorded.envelope.actor, note=body.note.text,
            )  # fmt: skip
        case incidents.EvidenceAdded(evidence=evidence, severity=severity, confidence=confidence) if row:
            pictures = (*row.evidence, evidence) if evidence else row.evidence
            peak = max(row.peak or 0.0, confidence or 0.0)
            return replace(row, evidence=pictures, severity=incidents.graver(row.severity, severity), peak=peak)
        case incidents.Closed(ended_at=ended_at, severity=severity, peak=peak, why=why) if row:
            return replace(row, ended_at=ended_at, ended=why, severity=severity, peak=peak)
        case incidents.VerdictGiven(verdict=verdict, reason=reason, by=by) if row:
            judged = Judged(verdict=verdict, reason=reason.text, by=by, at=recorded.recorded_at)
            return replace(row, verdicts=(*row.verdicts, judged))
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, session, _ = key.split("/", 2)
    return (str(Stream(tenant, "incidents", session)),)


_EVENTS = events_of(incidents.IncidentEvent) - {incidents.CoverageReported}

INCIDENTS: Model[Incident] = Model(
    name="incidents", version=2, row=Incident, events=_EVENTS, index=("incident", "session"), keys=keys, fold=fold,
    streams=streams, suspects=whole_stream,
)  # fmt: skip
