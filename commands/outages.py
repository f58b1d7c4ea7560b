"""An outage: declared for a schedule, then marked and given back in each of its sessions, one command each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from commands.handler import Work
from domain import chat, duty, outage, schedule, session_rules
from domain.event import Private, Refused


async def declare(
    work: Work, name: str, *, began_at: datetime, ended_at: datetime, whose: outage.Whose, cause: str, text: str
) -> Mapping[str, str]:
    """Names the outage: this one, or the one that was declared with these times before."""
    if (await work.state(schedule.DECIDER, name)).phase == "absent":
        raise Refused("there is no such schedule", kind="not_found")
    order = outage.DeclareOutage(
        outage=work.new_id("outage"), began_at=began_at, ended_at=ended_at, whose=whose, cause=cause,
        text=Private(name, text, key_class="notes"), by=work.order.actor, at=work.at,
    )  # fmt: skip
    await work.do(duty.DECIDER, name, order)
    known = (await work.state(duty.DECIDER, name)).outages
    return {"outage": outage.same(known, began_at, ended_at, whose)}


async def mark(work: Work, session: str, name: str) -> Mapping[str, str]:
    """Notes it in one session, gives the time back, and tells the candidate, each once. Nothing where it was over."""
    state = await work.state(session_rules.DECIDER, session)
    known = (await work.state(duty.DECIDER, state.schedule)).outages.get(name)
    if known is None:
        raise Refused("there is no such outage", kind="not_found")
    if state.ended_at and state.ended_at <= known.began_at:
        return {"outage": name}
    order = outage.MarkOutage(
        outage=name, at=work.at, began_at=known.began_at, ended_at=known.ended_at, whose=known.whose, cause=known.cause
    )
    await work.do(session_rules.DECIDER, session, order)
    words = Private(state.subject, known.text.text, session=session, key_class="chat")
    tell = chat.Send(message=name, side="invigilator", by=known.by, at=work.at, text=words, outage=name)
    await work.do(chat.DECIDER, session, tell)
    return {"outage": name}


async def give_back(work: Work, session: str) -> None:
    """What the outages of a session that goes on again still owe it."""
    for name in (await work.state(session_rules.DECIDER, session)).outages:
        await mark(work, session, name)
