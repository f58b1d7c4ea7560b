"""What invigilators do to a session, and how far it came. The session changes in the same command, or nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from commands.handler import Work
from domain import intervention, session_rules
from domain.event import Private, Refused


async def request(
    work: Work,
    session: str,
    *,
    kind: intervention.Kind,
    reason_code: str,
    text: str | None,
    minutes: float | None,
    move_end: bool = False,
) -> Mapping[str, str]:
    """`minutes` is for `extra_time`, and may come with `resume`: both then happen, or neither.

    With `move_end` they are given also where they do not fit before the session's end.
    """
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    name = f"{session}.{work.new_id('intervention ' + session)}"
    words = Private(state.subject, text, session=session, key_class="notes") if text else None
    order = intervention.Request(
        session=session,
        kind=kind,
        reason_code=reason_code,
        text=words,
        minutes=minutes,
        by=work.order.actor,
        at=work.at,
        move_end=move_end,
    )
    await work.do(intervention.DECIDER, name, order)
    await _take_effect(work, session, name, order)
    return {"intervention": name}


async def advance(
    work: Work, name: str, *, session: str, stage: Literal["delivered", "acknowledged", "applied"]
) -> None:
    """The candidate's page says how far it came. Only the page of that very session can."""
    await work.do(intervention.DECIDER, name, intervention.Advance(session=session, stage=stage, at=work.at))


async def fail(work: Work, name: str, why: str) -> None:
    await work.do(intervention.DECIDER, name, intervention.Fail(at=work.at, why=why))


async def _take_effect(work: Work, session: str, name: str, order: intervention.Request) -> None:
    rules, at = session_rules, work.at
    extend = rules.ExtendTime(
        at=at, seconds=round((order.minutes or 0) * 60), intervention=name, move_end=order.move_end
    )
    match order.kind:
        case "warn":
            return
        case "pause":
            await work.do(rules.DECIDER, session, rules.Pause(at=at, intervention=name))
        case "resume":
            await work.do(rules.DECIDER, session, rules.Resume(at=at, intervention=name))
            if order.minutes:
                await work.do(rules.DECIDER, session, extend)
        case "extra_time":
            await work.do(rules.DECIDER, session, extend)
        case "terminate":
            assert order.text is not None  # the intervention's own rule asks for it
            await work.do(rules.DECIDER, session, rules.Terminate(at=at, intervention=name, reason=order.text))
        case _:
            assert_never(order.kind)
