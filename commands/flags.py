"""Incidents: opened and closed by detectors, raised and judged by people."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from commands.handler import Work
from commands.muting import everywhere
from domain import incidents, schedule, session_rules
from domain.coverage import ReportCoverage
from domain.event import Private, Refused
from domain.observation import observed
from domain.stops import ran
from domain.verdict import must_be_independent


async def open_incident(work: Work, session: str, found: incidents.OpenIncident) -> None:
    """A finding of a detector or of the candidate's page. It may come late: it counts if the session ran at its start.

    Nothing is opened of a session that was not in progress then, or in which this kind is not observed.
    """
    state = await work.state(session_rules.DECIDER, session)
    watched = found.kind in observed(state, found.started_at) and ran(state, found.started_at)
    if watched and state.started_at:  # the institution's switch holds before the session has been told of it
        since = (await everywhere(work)).silent_since(found.kind, state.started_at)
        watched = since is None or found.started_at < since
    await work.do(incidents.DECIDER, session, replace(found, observed=watched))


async def add_evidence(work: Work, session: str, order: incidents.AddEvidence) -> None:
    await work.do(incidents.DECIDER, session, order)


async def close_incident(work: Work, session: str, order: incidents.CloseIncident) -> None:
    await work.do(incidents.DECIDER, session, order)


async def report_coverage(work: Work, session: str, order: ReportCoverage) -> None:
    await work.do(incidents.DECIDER, session, order)


async def raise_by_hand(work: Work, session: str, *, severity: incidents.Severity, note: str) -> Mapping[str, str]:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    incident = work.new_id("incident")
    words = Private(state.subject, note, session=session, key_class="notes")
    order = incidents.Raise(incident=incident, at=work.at, severity=severity, note=words, by=work.order.actor)
    await work.do(incidents.DECIDER, session, order)
    return {"incident": incident}


async def judge(work: Work, session: str, incident: str, *, verdict: incidents.Verdict, reason: str) -> None:
    if not reason.strip():
        raise Refused("a verdict needs a reason", field="reason", kind="invalid")
    state = await work.state(session_rules.DECIDER, session)
    if state.policy.independent_review:
        plan = await work.state(schedule.DECIDER, state.schedule)
        must_be_independent(work.order.actor, plan.watched)
    words = Private(state.subject, reason, session=session, key_class="notes")
    order = incidents.Judge(incident=incident, verdict=verdict, reason=words, by=work.order.actor)
    await work.do(incidents.DECIDER, session, order)
