"""What a planner allows a candidate: on the schedule, and in the session at once."""

from __future__ import annotations

from commands.handler import Work
from domain import accommodation_rules, granting, schedule, session_rules
from domain.accommodation import Accommodation
from domain.event import Private, Refused
from domain.session import Session


async def grant(work: Work, name: str, session: str, accommodation: Accommodation, objects: tuple[str, ...]) -> None:
    """`objects` may lie on the desk. What was granted before is replaced."""
    state = await _enrolled(work, name, session)
    text = granting.listed(objects)
    words = Private(state.subject, text, session=session, key_class="profile") if text else None
    order = granting.Grant(session=session, accommodation=accommodation, objects=words)
    allow = accommodation_rules.Accommodate(at=work.at, accommodation=accommodation, objects=words)
    session_rules.decide(allow, state)  # both or neither, also among others in one command
    await work.do(schedule.DECIDER, name, order)
    await work.do(session_rules.DECIDER, session, allow)


async def withdraw(work: Work, name: str, session: str) -> None:
    """Nothing is allowed any more; the time that a session was given stays given."""
    await _enrolled(work, name, session)
    await work.do(schedule.DECIDER, name, granting.WithdrawAccommodation(session=session))
    nothing = accommodation_rules.Accommodate(at=work.at, accommodation=Accommodation())
    await work.do(session_rules.DECIDER, session, nothing)


async def _enrolled(work: Work, name: str, session: str) -> Session:
    plan, state = await work.state(schedule.DECIDER, name), await work.state(session_rules.DECIDER, session)
    if plan.candidates.get(state.subject) != session:
        raise Refused("this candidate is not enrolled", field="session", kind="not_found")
    return state
