"""Triage of incidents on the wall: who has one, who sets it aside, who calls the lead."""

from __future__ import annotations

from commands.handler import Work
from domain import incidents, schedule, session_rules, triage, user
from domain.event import Private, Refused
from domain.session import Session


async def take(work: Work, session: str, incident: str, *, lead: bool) -> None:
    order = triage.Take(incident=incident, at=work.at, by=work.order.actor, lead=lead)
    await work.do(incidents.DECIDER, session, order)


async def release(work: Work, session: str, incident: str, *, lead: bool) -> None:
    order = triage.Release(incident=incident, at=work.at, by=work.order.actor, lead=lead)
    await work.do(incidents.DECIDER, session, order)


async def let_go(
    work: Work, session: str, name: str, who: str, *, why: triage.Away = "disconnected", heir: str | None = None
) -> None:
    """Releases what somebody has taken who is there no longer, or passes it on to who took over from them."""
    order: triage.LetGo | triage.PassOn
    if heir is None:
        order = triage.LetGo(incident=name, at=work.at, user=who, by=work.order.actor, why=why)
    else:
        order = triage.PassOn(incident=name, at=work.at, user=who, to=heir)
    await work.do(incidents.DECIDER, session, order)


async def set_aside(work: Work, session: str, incident: str, *, note: str, lead: bool) -> None:
    words = _note(await work.state(session_rules.DECIDER, session), session, note)
    order = triage.PutAside(incident=incident, at=work.at, by=work.order.actor, note=words, lead=lead)
    await work.do(incidents.DECIDER, session, order)


async def escalate(work: Work, session: str, incident: str, *, note: str, lead: bool) -> None:
    """Raises `Refused` where no lead is assigned: nobody would see it."""
    state = await work.state(session_rules.DECIDER, session)
    plan = await work.state(schedule.DECIDER, state.schedule)
    accounts = [await work.state(user.DECIDER, who) for who in sorted(plan.invigilators)]
    if not any("lead_invigilator" in account.roles for account in accounts):
        raise Refused("this schedule has no lead invigilator; its planner can assign one", field="lead_invigilator")
    order = triage.Escalate(
        incident=incident, at=work.at, by=work.order.actor, note=_note(state, session, note), lead=lead
    )
    await work.do(incidents.DECIDER, session, order)


def _note(state: Session, session: str, note: str) -> Private | None:
    return Private(state.subject, note, session=session, key_class="notes") if note.strip() else None
