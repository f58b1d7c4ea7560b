"""The read model `incidents`: a row for each incident, with its evidence and every verdict on it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain import incidents, triage
from domain.coverage import CoverageReported
from domain.incidents import Evidence, Provenance, Sampled, Severity, Verdict
from domain.recorded import Recorded
from domain.stream import Stream
from domain.triage import Triage, TriageEvent
from projections.keys import events_of, parsed, whole_stream
from projections.model import Model

__all__ = ["INCIDENTS", "Incident", "Judged", "Tended"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str | None
    by: str
    at: datetime


class Tended(msgspec.Struct, frozen=True, kw_only=True):
    """One step of looking after an incident on the wall; `why` says why somebody has it no longer."""

    what: Literal["taken", "released", "set_aside", "escalated"]
    by: str
    at: datetime
    note: str | None = None
    why: str = ""


class Incident(Triage, frozen=True, kw_only=True):
    """What was flagged, by a detector (with its provenance) or by a person (with their note).

    `ended_at` is None while it goes on; `ended` says why it ended. `confidence` is from 0 to 1: at first, `peak` its
    highest. It was opened on `samples`. `verdicts` are in order, the last one counts. Who looks after it now is told as
    in `Triage`, and `tended` has all of it in order. Private texts are None once forgotten.
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
    samples: tuple[Sampled, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    raised_by: str | None = None
    note: str | None = None
    verdicts: tuple[Judged, ...] = ()
    tended: tuple[Tended, ...] = ()


def keys(recorded: Recorded) -> tuple[str, ...]:
    match recorded.body:
        case (
            incidents.Opened(incident=name) | incidents.EvidenceAdded(incident=name) | incidents.Closed(incident=name)
            | incidents.RaisedByPerson(incident=name) | incidents.VerdictGiven(incident=name)
            | triage.Taken(incident=name) | triage.Released(incident=name)
            | triage.SetAside(incident=name) | triage.Escalated(incident=name)
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
                peak=body.confidence, provenance=body.provenance, samples=body.samples,
                evidence=(body.evidence,) if body.evidence else (),
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
            after = replace(row, evidence=pictures, severity=incidents.graver(row.severity, severity), peak=peak)
            return after if after.severity == row.severity else triage.surfaced(after)
        case incidents.Closed(ended_at=ended_at, severity=severity, peak=peak, why=why) if row:
            return replace(row, ended_at=ended_at, ended=why, severity=severity, peak=peak)
        case incidents.VerdictGiven(verdict=verdict, reason=reason, by=by) if row:
            judged = Judged(verdict=verdict, reason=reason.text, by=by, at=recorded.recorded_at)
            return triage.judged(replace(row, verdicts=(*row.verdicts, judged)))
        case triage.Taken() | triage.Released() | triage.SetAside() | triage.Escalated() if row:
            return triage.evolve(replace(row, tended=(*row.tended, _step(body))), body)
    return row


def _step(body: TriageEvent) -> Tended:
    match body:
        case triage.Taken(at=at, by=by):
            return Tended(what="taken", by=by, at=at)
        case triage.Released(at=at, by=by, why=why):
            return Tended(what="released", by=by, at=at, why=why)
        case triage.SetAside(at=at, by=by, note=note):
            return Tended(what="set_aside", by=by, at=at, note=note.text if note else None)
        case triage.Escalated(at=at, by=by, note=note):
            return Tended(what="escalated", by=by, at=at, note=note.text if note else None)
        case _:
            assert_never(body)


def streams(key: str) -> tuple[str, ...]:
    tenant, session, _ = key.split("/", 2)
    return (str(Stream(tenant, "incidents", session)),)


_EVENTS = events_of(incidents.IncidentEvent) - {CoverageReported}

INCIDENTS: Model[Incident] = Model(
    name="incidents", version=4, row=Incident, events=_EVENTS, index=("incident", "session", "taken_by"),
    keys=keys, fold=fold, streams=streams, suspects=whole_stream,
)  # fmt: skip
