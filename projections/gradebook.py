"""The read model `gradebook`: a row for each session, with the account of it that a record is read from."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import msgspec
from msgspec.structs import replace

from domain import (
    bringing_back,
    chat,
    consent,
    device,
    enrolment,
    fault,
    identity,
    incidents,
    intervention,
    onboarding,
    record,
    recording,
    session,
)
from domain.accommodation import Accommodated
from domain.appeal import AppealEvent
from domain.archive import Archived, BroughtBack
from domain.coverage import CoverageReported
from domain.event import Event
from domain.gaps import GapRecorded
from domain.help import HelpEvent
from domain.identity import IdentityEvent
from domain.late import LateSegmentStored, StillStored
from domain.muting import DetectorMuted
from domain.outage import WORDS, OutageMarked
from domain.recorded import Recorded
from domain.review import ReviewEvent
from domain.session import SessionEvent
from domain.stops import BreakEnded, BreakStarted
from domain.waiving import CheckWaived, Waived
from projections import appealed, reviewed
from projections.allowed import allowance, silenced
from projections.clock import tick
from projections.gradebook_row import (
    Account,
    BreakTaken,
    Coverage,
    Fault,
    Flag,
    Gap,
    Intervention,
    LateEntry,
    Objection,
    Recording,
    Seal,
)
from projections.helping import helped
from projections.keys import (
    ENROLMENT,
    about_session,
    events_of,
    parsed,
    schedule_of_session,
    session_streams,
    session_suspects,
)
from projections.model import Model
from projections.stages import reached

__all__ = ["GRADEBOOK", "Account"]

_SESSION = get_args(SessionEvent)
_EVENTS = ENROLMENT | events_of(
    SessionEvent, incidents.IncidentEvent, chat.ChatEvent, intervention.InterventionEvent, recording.RecordingEvent,
    record.RecordEvent,
)  # fmt: skip


def fold(row: Account | None, recorded: Recorded) -> Account | None:
    body, at = recorded.body, parsed(recorded.stream)
    row = row or Account(session=at.session or "")
    if at.kind == "recording":
        track = at.name.rpartition(".")[2]
        tape = _recording(row.recordings.get(track, Recording()), body)
        return replace(row, recordings=row.recordings | {track: tape}, position=recorded.position)
    if isinstance(body, _SESSION):
        after = _session(row, body, recorded.recorded_at)
        owed = identity.owed(after.identity, after.phase, started=after.clock.started_at is not None)
        after = replace(after, identity_owed=owed)
    elif at.kind == "incidents":
        after = _incident(row, recorded)
    elif at.kind == "intervention":
        after = _intervention(row, at.name, body)
    else:
        after = _other(row, at.name, body)
    return replace(after, position=recorded.position)


def _session(row: Account, event: SessionEvent, at: datetime) -> Account:
    if isinstance(event, IdentityEvent):
        return replace(row, identity=identity.evolve(row.identity, event))
    if isinstance(event, HelpEvent):
        return replace(row, help=helped(row.help, event))
    match event:
        case bringing_back.AdmittedLate(at=at, by=by):
            row = replace(row, late=LateEntry(at=at, by=by))
        case fault.ConnectionLost(at=began_at, track=track, why=why):
            return replace(row, faults=(*row.faults, Fault(what=track, why=why, began_at=began_at)))
        case fault.ConnectionRestored(at=ended_at, track=track):
            return replace(row, faults=_over(row.faults, track, ended_at))
        case fault.FaultOpened(what=what, why=why, since=told):
            return replace(row, faults=(*row.faults, Fault(what=what, why=why, began_at=told or at)))
        case fault.FaultClosed(what=what, since=told):
            return replace(row, faults=_over(row.faults, what, told or at))
        case OutageMarked(began_at=began_at, ended_at=ended_at, whose=whose, cause=cause):
            hit = Fault(what="outage", why=f"{WORDS[whose]}: {cause}", began_at=began_at, ended_at=ended_at)
            return replace(row, faults=(*row.faults, hit))
        case consent.ConsentGiven() | consent.ConsentRefused() | consent.ConsentWithdrawn():
            return replace(row, consents=consent.answered(row.consents, event))
        case consent.ObjectionRaised(at=at, text=text):
            return replace(row, objections=(*row.objections, Objection(at=at, text=text.text)))
        case onboarding.NoticeAcknowledged():
            row = replace(row, consents={})  # another notice may ask for other consent
        case CheckWaived(at=at, check=check, by=by, instead=instead):
            waived = row.waived | {check: Waived(at=at, by=by, instead=instead)}
            return replace(row, waived=waived, faults=_over(row.faults, check, at))
        case device.DeviceAdmitted():
            return replace(row, devices=row.devices + 1)
        case BreakStarted(at=began_at, kind=kind, until=until):
            row = replace(row, breaks=(*row.breaks, BreakTaken(kind=kind, began_at=began_at, until=until)))
        case BreakEnded(at=ended_at, stopped_s=stopped_s, over_s=over_s) if row.breaks:
            taken = replace(row.breaks[-1], ended_at=ended_at, stopped_s=stopped_s, over_s=over_s)
            row = replace(row, breaks=(*row.breaks[:-1], taken))
        case Accommodated(accommodation=accommodation, objects=objects):
            row = replace(row, allowed=allowance(accommodation, objects), muted=silenced(row.muted, event))
        case DetectorMuted():
            row = replace(row, muted=silenced(row.muted, event))
        case session.Started(policy=policy):
            row = replace(row, rules=reviewed.rules(policy), watched=tuple(sorted(policy.kinds)))
        case session.Opened(schedule=name, subject=subject):
            row = replace(row, schedule=name, subject=subject)
    phase, clock = tick(row.phase, row.clock, event)
    return replace(row, phase=phase, clock=clock)


def _incident(row: Account, recorded: Recorded) -> Account:
    known, body = row.incidents, recorded.body
    match body:
        case incidents.Opened(incident=name, kind=kind, severity=severity, started_at=at):
            return replace(row, incidents=known | {name: Flag(kind=kind, severity=severity, at=at)})
        case incidents.RaisedByPerson(incident=name, severity=severity, at=at):
            flag = Flag(kind="raised_by_person", severity=severity, at=at, by=recorded.envelope.actor)
            return replace(row, incidents=known | {name: flag})
        case incidents.EvidenceAdded(incident=name, severity=severity) if name in known:
            severest = incidents.graver(known[name].severity, severity)
            return replace(row, incidents=known | {name: replace(known[name], severity=severest)})
        case incidents.Closed(incident=name, severity=severity) if name in known:
            return replace(row, incidents=known | {name: replace(known[name], severity=severity)})
        case incidents.VerdictGiven(incident=name) if name in known:
            return replace(row, incidents=known | {name: reviewed.judged(row, known[name], body, recorded.recorded_at)})
        case CoverageReported(detector=detector):
            told = msgspec.convert(body, Coverage, from_attributes=True)
            return replace(row, coverage=row.coverage | {detector: told})
    return row


def _intervention(row: Account, name: str, body: Event) -> Account:
    known = row.interventions
    match body:
        case intervention.Requested(kind=kind, at=at, by=by, minutes=minutes, reason_code=code):
            after = Intervention(kind=kind, stage="requested", at=at, by=by, minutes=minutes, reason_code=code)
        case _ if name not in known:
            return row
        case intervention.Applied(where=where):
            last = known[name].where
            after = replace(known[name], stage="applied", where=where if last != "platform" else last)
        case intervention.Failed(why=why):
            after = replace(known[name], stage="failed", why=why)
        case intervention.Marked(result=result):
            after = replace(known[name], stage="applied", result=result)
        case _:
            after = replace(known[name], stage=reached(known[name].stage, body))
    return replace(row, interventions=known | {name: after})


def _recording(tape: Recording, body: Event) -> Recording:
    match body:
        case recording.SegmentStored(segment=segment):
            first, last = tape.started_at, tape.ended_at
            return replace(
                tape, segments=tape.segments + 1, bytes=tape.bytes + segment.bytes,
                started_at=first if first and first < segment.started_at else segment.started_at,
                ended_at=last if last and last > segment.ended_at else segment.ended_at,
            )  # fmt: skip
        case recording.Started(connection=connection):
            return replace(tape, connections=connection)
        case GapRecorded(started_at=started_at, ended_at=ended_at, why=why):
            return replace(tape, gaps=(*tape.gaps, Gap(started_at=started_at, ended_at=ended_at, why=why)))
        case LateSegmentStored(segment=segment):
            late_s = tape.late_s + (segment.ended_at - segment.started_at).total_seconds()
            return replace(tape, bytes=tape.bytes + segment.bytes, late_s=late_s)
        case StillStored():
            return replace(tape, stills=tape.stills + 1)
        case recording.Finalised(object_key=object_key, duration_s=duration_s):
            return replace(tape, object_key=object_key, duration_s=duration_s)
    return tape


def _other(row: Account, name: str, body: Event) -> Account:
    if isinstance(body, ReviewEvent):
        return reviewed.fold(row, body)
    if isinstance(body, AppealEvent):
        appeals = appealed.fold(row.appeals, body)
        return replace(row, appeals=appeals, appealed=appealed.standing(appeals))
    match body:
        case chat.MessageSent():
            return replace(row, messages=row.messages + 1)
        case record.Sealed():
            return replace(row, seals=(*row.seals, msgspec.convert(body, Seal, from_attributes=True)))
        case record.Viewed():
            return replace(row, views=row.views + 1)
        case record.Exported():
            return replace(row, exports=row.exports + 1)
        case Archived(bundle=bundle):
            return replace(row, archived=bundle)
        case BroughtBack():
            return replace(row, archived="")
        case enrolment.CandidateEnrolled(subject=subject, session=session, name=named, number=number):
            return replace(
                row, session=session, schedule=name, subject=subject, name=named.text, number=number.text,
                withdrawn=False,
            )  # fmt: skip
        case enrolment.CandidateWithdrawn(session=session):
            return replace(row, session=session, withdrawn=True)
    return row


def _over(faults: tuple[Fault, ...], what: str, at: datetime) -> tuple[Fault, ...]:
    return tuple(replace(f, ended_at=at) if f.what == what and f.ended_at is None else f for f in faults)


GRADEBOOK: Model[Account] = Model(
    name="gradebook", version=9, row=Account, index=("schedule", "appealed"), events=_EVENTS, keys=about_session,
    fold=fold, streams=session_streams, leads=schedule_of_session, suspects=session_suspects,
)  # fmt: skip
