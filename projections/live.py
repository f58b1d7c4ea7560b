"""The read model `live`: a row for each session, with what an invigilator's wall shows of it now."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, get_args

from msgspec.structs import replace

from domain import (
    chat,
    consent,
    device,
    enrolment,
    fault,
    identity,
    incidents,
    intervention,
    onboarding,
    recording,
    session,
    triage,
)
from domain import help as asking
from domain.accommodation import Accommodated
from domain.device import DeviceEvent
from domain.event import Event
from domain.identity import IdentityEvent
from domain.incidents import Severity
from domain.muting import DetectorMuted
from domain.outage import OutageMarked
from domain.recorded import Recorded
from domain.session import SessionEvent
from domain.triage import TriageEvent
from domain.waiving import CheckWaived
from projections.allowed import allowance, silenced
from projections.clock import tick
from projections.keys import (
    ENROLMENT,
    about_session,
    events_of,
    parsed,
    schedule_of_session,
    session_streams,
    session_suspects,
)
from projections.live_changes import changes
from projections.live_row import Fault, Help, Intervention, Live, OpenIncident, Track
from projections.model import Model
from projections.stages import reached

__all__ = ["LIVE", "Live"]

V = TypeVar("V")

_SESSION = get_args(SessionEvent)
_EVENTS = ENROLMENT | events_of(
    SessionEvent, incidents.IncidentEvent, chat.ChatEvent, intervention.InterventionEvent, recording.Started,
    recording.Ended,
)  # fmt: skip
_RISK: tuple[Severity, ...] = ("high", "warn", "info")


def fold(row: Live | None, recorded: Recorded) -> Live | None:
    body, at = recorded.body, parsed(recorded.stream)
    row = row or Live(session=at.session or "")
    if isinstance(body, _SESSION):
        after = _session(row, body, recorded.recorded_at)
    elif at.kind == "incidents":
        after = _incident(row, body)
    elif at.kind == "intervention":
        after = _intervention(row, at.name, body)
    elif at.kind == "schedule":
        after = _enrolment(row, at.name, body)
    else:
        after = _media_or_chat(row, at.name, body)
    return row if after is row else replace(after, position=recorded.position)


def _session(row: Live, event: SessionEvent, at: datetime) -> Live:
    if isinstance(event, IdentityEvent):
        return replace(row, identity=identity.evolve(row.identity, event))
    if isinstance(event, DeviceEvent):
        return replace(row, devices=device.evolve(row.devices, event))
    match event:
        case fault.ConnectionLost(at=since, track=track, why=why):
            return _track(row, track, up=False, since=since, why=why)
        case fault.ConnectionRestored(at=since, track=track):
            return _track(row, track, up=True, since=since)
        case fault.FaultOpened(what=what, why=why, since=told):
            return replace(row, faults=row.faults | {what: Fault(since=told or at, why=why)})
        case fault.FaultClosed(what=what):
            return replace(row, faults=_without(row.faults, what))
        case OutageMarked(outage=name):
            return replace(row, outages=row.outages | {name: 0})
        case session.TimeExtended(intervention=name, seconds=seconds) if name in row.outages:
            row = replace(row, outages=row.outages | {name: seconds})
        case asking.HelpRequested(help=name, topic=topic, at=asked_at, text=text):
            return replace(row, help=Help(help=name, topic=topic, at=asked_at, text=text.text if text else ""))
        case asking.HelpTaken(by=by) if row.help:
            return replace(row, help=replace(row.help, taken_by=by))
        case asking.HelpReleased() if row.help:
            return replace(row, help=replace(row.help, taken_by=""))
        case asking.HelpAnswered() | asking.HelpWithdrawn():
            return replace(row, help=None)
        case Accommodated(accommodation=accommodation, objects=objects):
            row = replace(row, allowed=allowance(accommodation, objects), muted=silenced(row.muted, event))
        case DetectorMuted():
            row = replace(row, muted=silenced(row.muted, event))
        case consent.ConsentGiven() | consent.ConsentRefused() | consent.ConsentWithdrawn():
            return replace(row, consents=consent.answered(row.consents, event))
        case consent.ObjectionRaised(text=text):
            return replace(row, objection=text.text)
        case onboarding.NoticeAcknowledged():
            row = replace(row, consents={})  # another notice may ask for other consent
        case CheckWaived(check=check, instead=instead):
            return replace(row, waived=row.waived | {check: instead})
        case session.Opened(schedule=name, subject=subject):
            row = replace(row, schedule=name, subject=subject)
    phase, clock = tick(row.phase, row.clock, event)
    return replace(row, phase=phase, clock=clock)


def _incident(row: Live, body: Event) -> Live:
    if isinstance(body, TriageEvent):
        return _at_risk(replace(row, triage=triage.tended(row.triage, body.incident, body)), row.open)
    match body:
        case incidents.Opened(incident=name, kind=kind, severity=severity, started_at=started_at, evidence=evidence):
            picture = evidence.object_key if evidence else None
            opened = OpenIncident(kind=kind, severity=severity, started_at=started_at, picture=picture)
            return _at_risk(replace(row, incidents=row.incidents + 1), row.open | {name: opened})
        case incidents.EvidenceAdded(incident=name, evidence=evidence, severity=severity) if name in row.open:
            known = row.open[name]
            picture = known.picture or (evidence.object_key if evidence else None)
            after = replace(known, severity=incidents.graver(known.severity, severity), picture=picture)
            if after.severity != known.severity:
                row = replace(row, triage=triage.tended(row.triage, name, triage.surfaced))
            return row if after == known else _at_risk(row, row.open | {name: after})
        case incidents.Closed(incident=name):
            return _at_risk(row, _without(row.open, name))
        case incidents.RaisedByPerson():
            return replace(row, incidents=row.incidents + 1)
        case incidents.VerdictGiven(incident=name, verdict=verdict):
            row = replace(
                row, verdicts=row.verdicts | {name: verdict}, triage=triage.tended(row.triage, name, triage.judged)
            )
            return _at_risk(row, row.open)
    return row


def _intervention(row: Live, name: str, body: Event) -> Live:
    known = row.interventions
    match body:
        case intervention.Requested(kind=kind, at=at, by=by):
            going_on = {n: one for n, one in known.items() if not one.finished}
            asked = Intervention(kind=kind, stage="requested", at=at, by=by)
            return replace(row, interventions=going_on | {name: asked})
        case _ if name not in known:
            return row
        case intervention.Failed(why=why):
            return replace(row, interventions=known | {name: replace(known[name], stage="failed", why=why)})
        case intervention.Applied(where="platform"):
            return replace(row, interventions=known | {name: replace(known[name], stage="applied", platform=True)})
        case intervention.Marked(result=result):
            return replace(row, interventions=known | {name: replace(known[name], stage="applied", result=result)})
    return replace(row, interventions=known | {name: replace(known[name], stage=reached(known[name].stage, body))})


def _enrolment(row: Live, name: str, body: Event) -> Live:
    match body:
        case enrolment.CandidateEnrolled(subject=subject, session=session, name=named, number=number):
            return replace(
                row, session=session, schedule=name, subject=subject, name=named.text, number=number.text,
                withdrawn=False,
            )  # fmt: skip
        case enrolment.CandidateWithdrawn(session=session):
            return replace(row, session=session, withdrawn=True)
    return row


def _media_or_chat(row: Live, name: str, body: Event) -> Live:
    track = name.rpartition(".")[2]
    match body:
        case recording.Started(connection=connection, at=at):
            return _track(row, track, up=True, since=at, connection=connection)
        case recording.Ended(connection=connection, at=at, why=why):
            last = row.tracks.get(track, Track()).connection
            return _track(row, track, up=False, since=at, why=why) if connection == last else row
        case chat.MessageSent(message=message, side="candidate"):
            return replace(row, unread=(*row.unread, message))
        case chat.MessageRead(message=message) if message in row.unread:
            return replace(row, unread=tuple(m for m in row.unread if m != message))
    return row


def _track(row: Live, name: str, *, up: bool, since: datetime, why: str = "", connection: int | None = None) -> Live:
    number = row.tracks.get(name, Track()).connection if connection is None else connection
    return replace(row, tracks=row.tracks | {name: Track(connection=number, up=up, since=since, why=why)})


def _at_risk(row: Live, open_: dict[str, OpenIncident]) -> Live:
    aside = {name for name, one in row.triage.items() if one.set_aside_by is not None}
    severities = {incident.severity for name, incident in open_.items() if name not in aside}
    return replace(row, open=open_, risk=next((s for s in _RISK if s in severities), "none"))


def _without(known: dict[str, V], name: str) -> dict[str, V]:
    return {key: value for key, value in known.items() if key != name}


LIVE: Model[Live] = Model(
    name="live", version=4, row=Live, events=_EVENTS, index=("schedule", "phase"), keys=about_session, fold=fold,
    streams=session_streams, leads=schedule_of_session, suspects=session_suspects, changes=changes,
)  # fmt: skip
