"""What invigilators do to a session, and how far it came. The session changes in the same command, or nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from commands.handler import Work
from commands.muting import keep_off
from commands.outages import give_back
from commands.reviewing import must_be_undecided
from commands.sessions import follow
from domain import intervention, looks, reasons, schedule, session_rules, stop_rules, stops
from domain.event import Private, Refused
from domain.phase import said
from domain.session import Session


async def request(
    work: Work,
    session: str,
    *,
    kind: intervention.Asked,
    reason_code: str,
    text: str | None,
    minutes: float | None,
    move_end: bool = False,
    break_kind: stops.BreakKind = "comfort",
    confirm_name: str = "",
    name: str | None = None,
) -> Mapping[str, str]:
    """`minutes` is for `extra_time` and `break`, and may come with `resume`: both then happen, or neither.

    With `move_end` they are given also where they do not fit before the session's end. Whoever terminates types the
    candidate's name (`confirm_name`), which is `name`.
    """
    state = await _there(work, session)
    if kind == "terminate" and not _same(confirm_name, name):
        rule = "type the candidate's name as it is shown, so that nobody ends the wrong exam"
        raise Refused(rule, field="confirm_name", kind="invalid")
    words = Private(state.subject, text, session=session, key_class="notes") if text else None
    return await _asked(
        work, session, state, kind=kind, reason_code=reason_code, text=words, minutes=minutes, move_end=move_end,
        break_kind=break_kind if kind == "break" else None,
    )  # fmt: skip


async def advance(
    work: Work,
    name: str,
    *,
    session: str,
    stage: Literal["delivered", "acknowledged", "applied"],
    where: intervention.Where = "page",
) -> None:
    """The candidate's page says how far it came, or a connected exam platform that it has applied it too."""
    order = intervention.Advance(session=session, stage=stage, where=where, at=work.at)
    await work.do(intervention.DECIDER, name, order)


async def mark(work: Work, name: str, *, session: str, result: intervention.Result, note: str | None) -> None:
    """An invigilator says what they saw of what the candidate was asked to show."""
    state = await _there(work, session)
    words = Private(state.subject, note, session=session, key_class="notes") if note else None
    order = intervention.Mark(session=session, at=work.at, by=work.order.actor, result=result, note=words)
    await work.do(intervention.DECIDER, name, order)


async def fail(work: Work, name: str) -> None:
    """Nobody has taken or answered it in time."""
    known = await work.state(intervention.DECIDER, name)
    why = "not shown: the candidate's page is not connected; what it changes holds all the same"
    if known.kind in intervention.LOOKS:
        minutes = intervention.fails_after(known.kind).total_seconds() / 60
        how = "answered" if known.stage == "delivered" else "shown"
        why = f"not {how} within {minutes:g} minutes"
        state = await work.state(session_rules.DECIDER, known.session)
        if state.over:
            why = f"the session was over before it was {how}"
        elif "camera" in state.waived:
            why = f"the camera was waived before it was {how}"
    await work.do(intervention.DECIDER, name, intervention.Fail(at=work.at, why=why))


async def reinstate(work: Work, session: str, reason: str) -> None:
    """Takes a termination back. The session is paused, until somebody resumes it."""
    state = await _there(work, session)
    if not reason.strip():
        raise Refused("a reason is needed", field="reason", kind="invalid")
    plan = await work.state(schedule.DECIDER, state.schedule)
    if plan.phase != "active":
        raise Refused(f"the exam is {plan.phase}", field="schedule")
    await must_be_undecided(work, session)
    words = Private(state.subject, reason, session=session, key_class="notes")
    order = session_rules.Reinstate(at=work.at, by=work.order.actor, reason=words)
    await work.do(session_rules.DECIDER, session, order)
    await keep_off(work, session, plan)
    await follow(work, session)
    await give_back(work, session)


async def ask_for_break(work: Work, session: str, kind: stops.BreakKind) -> None:
    """The candidate raises their hand. What was granted beforehand begins at once."""
    await work.do(session_rules.DECIDER, session, stops.AskForBreak(at=work.at, kind=kind))


async def close_break_request(work: Work, session: str, why: Literal["withdrawn", "turned_down"]) -> None:
    order = stops.CloseBreakRequest(at=work.at, by=work.order.actor, why=why)
    await work.do(session_rules.DECIDER, session, order)


async def come_back(work: Work, session: str) -> None:
    """The candidate is back."""
    state = await _there(work, session)
    await work.do(session_rules.DECIDER, session, stops.ComeBack(at=work.at))
    await _welcome(work, session, state)


async def _asked(
    work: Work,
    session: str,
    state: Session,
    *,
    kind: intervention.Kind,
    reason_code: str = "",
    text: Private | None = None,
    minutes: float | None = None,
    move_end: bool = False,
    break_kind: stops.BreakKind | None = None,
) -> Mapping[str, str]:
    name = await _name(work, session, kind)
    order = intervention.Request(
        session=session, kind=kind, reason_code=reason_code or reasons.default(kind), text=text, minutes=minutes,
        by=work.order.actor, at=work.at, move_end=move_end, break_kind=break_kind,
    )  # fmt: skip
    await work.do(intervention.DECIDER, name, order)
    await _take_effect(work, session, state, name, order)
    await _welcome(work, session, state)
    return {"intervention": name}


async def _name(work: Work, session: str, kind: intervention.Kind) -> str:
    """A new one, or the look that somebody has asked for already: these are numbered, so that two at once are one."""
    if kind not in ("identity_check", "room_scan"):
        return f"{session}.{work.new_id(kind + ' ' + session)}"
    number = 1
    while True:
        name = f"{session}.{kind}_{number}"
        known = await work.state(intervention.DECIDER, name)
        if known.stage == "none" or known.unanswered:
            return name
        number += 1


async def _welcome(work: Work, session: str, before: Session) -> None:
    """Asks whoever is back from a break for a look at their camera. Their clock goes on meanwhile."""
    if looks.due(before, now := await work.state(session_rules.DECIDER, session)):
        await _asked(work, session, now, kind="return_look")


async def _take_effect(work: Work, session: str, state: Session, name: str, order: intervention.Request) -> None:
    rules, at = session_rules, work.at
    seconds = round((order.minutes or 0) * 60)
    extend = rules.ExtendTime(at=at, seconds=seconds, intervention=name, move_end=order.move_end)
    match order.kind:
        case "warn":
            if state.over:
                raise Refused(f"a session that is {said(state.phase)} cannot be warned")
        case "return_look":
            return
        case "pause":
            await work.do(rules.DECIDER, session, stop_rules.Pause(at=at, intervention=name))
        case "resume":
            await work.do(rules.DECIDER, session, stop_rules.Resume(at=at, intervention=name))
            if order.minutes:
                await work.do(rules.DECIDER, session, extend)
        case "lock":
            await work.do(rules.DECIDER, session, stops.Lock(at=at, intervention=name))
        case "unlock":
            await work.do(rules.DECIDER, session, stops.Unlock(at=at, intervention=name))
        case "extra_time":
            await work.do(rules.DECIDER, session, extend)
        case "break":
            kind = order.break_kind or "comfort"
            start = stops.StartBreak(at=at, kind=kind, seconds=seconds, intervention=name)
            await work.do(rules.DECIDER, session, start)
        case "identity_check" | "room_scan":
            looks.must_show(state, order.kind)
        case "terminate":
            assert order.text is not None  # the intervention's own rule asks for it
            await work.do(rules.DECIDER, session, rules.Terminate(at=at, intervention=name, reason=order.text))
        case _:
            assert_never(order.kind)


def _same(typed: str, name: str | None) -> bool:
    """Whether a name was typed right; capitals and spaces do not matter."""
    return name is not None and "".join(typed.split()).casefold() == "".join(name.split()).casefold() != ""


async def _there(work: Work, session: str) -> Session:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state
