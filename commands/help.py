"""Help that candidates ask for, and invigilators give."""

from __future__ import annotations

from collections.abc import Mapping

from commands.handler import Work
from domain import help as asking
from domain import session_rules
from domain.event import Private, Refused
from domain.session import Session


async def request(work: Work, session: str, *, topic: asking.Topic, text: str) -> Mapping[str, str]:
    """Names the request that is open then: this one, or one that was there before."""
    state = await _there(work, session)
    order = asking.RequestHelp(
        help=work.new_id("help " + session), at=work.at, topic=topic, text=_said(state, session, text)
    )
    await work.do(session_rules.DECIDER, session, order)
    opened = (await work.state(session_rules.DECIDER, session)).help.open
    return {"help": opened.help if opened else order.help}


async def withdraw(work: Work, session: str) -> None:
    await work.do(session_rules.DECIDER, session, asking.WithdrawHelp(at=work.at))


async def take(work: Work, session: str, name: str) -> None:
    order = asking.TakeHelp(help=name, at=work.at, by=work.order.actor)
    await work.do(session_rules.DECIDER, session, order)


async def release(work: Work, session: str, name: str, *, lead: bool) -> None:
    order = asking.ReleaseHelp(help=name, at=work.at, by=work.order.actor, lead=lead)
    await work.do(session_rules.DECIDER, session, order)


async def let_go(work: Work, session: str, name: str, who: str) -> None:
    """Gives it back to the queue if it is `who` that deals with it, because they are away."""
    known = (await work.state(session_rules.DECIDER, session)).help.open
    if known and (known.help, known.taken_by) == (name, who):
        order = asking.ReleaseHelp(help=name, at=work.at, by=work.order.actor, lead=True)
        await work.do(session_rules.DECIDER, session, order)


async def answer(work: Work, session: str, name: str, *, text: str) -> None:
    state = await _there(work, session)
    order = asking.AnswerHelp(help=name, at=work.at, by=work.order.actor, text=_said(state, session, text))
    await work.do(session_rules.DECIDER, session, order)


def _said(state: Session, session: str, text: str) -> Private | None:
    return Private(state.subject, text, session=session, key_class="chat") if text.strip() else None


async def _there(work: Work, session: str) -> Session:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state
