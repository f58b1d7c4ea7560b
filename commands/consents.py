"""What candidates agree to beyond the notice, and what they object to."""

from __future__ import annotations

from commands.handler import Work
from domain import consent, schedule, session_rules
from domain.event import Private, Refused
from domain.purpose import Purpose
from domain.session import Session


async def answer(work: Work, name: str, *, purpose: Purpose, agreed: bool) -> None:
    """Gives or refuses consent; or withdraws what was given, also while the exam runs."""
    state = await _there(work, name)
    plan = await work.state(schedule.DECIDER, state.schedule)
    policy = state.policy if state.started_at else plan.policy
    order = consent.AnswerConsent(at=work.at, purpose=purpose, agreed=agreed, policy=policy)
    await work.do(session_rules.DECIDER, name, order)


async def raise_objection(work: Work, name: str, *, text: str) -> None:
    state = await _there(work, name)
    if not text.strip():
        raise Refused("say what you object to", field="text", kind="invalid")
    said = Private(state.subject, text, session=name, key_class="notes")
    await work.do(session_rules.DECIDER, name, consent.RaiseObjection(at=work.at, text=said))


async def _there(work: Work, name: str) -> Session:
    state = await work.state(session_rules.DECIDER, name)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state
