"""Duty: coming on and going off, the split of candidates, and handing over to the next person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from commands import help as helping
from commands.handler import Work
from domain import duty, hand_over, incidents, schedule, triage
from domain.event import Refused
from domain.hand_over import Standing


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has taken, as the lists show it: incidents and requests for help, each with its session."""

    incidents: tuple[tuple[str, str], ...] = ()
    help: tuple[tuple[str, str], ...] = ()


async def come_on(work: Work, name: str, who: str, *, lead: bool) -> None:
    plan = await _open(work, name)
    order = duty.ComeOn(at=work.at, user=who, by=work.order.actor, assigned=plan.invigilators, lead=lead)
    await work.do(duty.DECIDER, name, order)


async def go_off(work: Work, name: str, who: str, *, lead: bool, held: Held) -> None:
    """What they have taken waits for somebody else at once."""
    order = duty.GoOff(at=work.at, user=who, by=work.order.actor, lead=lead)
    if await work.do(duty.DECIDER, name, order):
        for session, incident in held.incidents:
            away = triage.LetGo(incident=incident, at=work.at, user=who, by=work.order.actor, why="off_duty")
            await work.do(incidents.DECIDER, session, away)
        for session, asked in held.help:
            await helping.let_go(work, session, asked, who)


async def end(work: Work, name: str, who: str, *, why: Literal["over", "removed"] = "over") -> None:
    """The exam is over, and so is the duty; or somebody may watch no longer (`removed`)."""
    await work.do(duty.DECIDER, name, duty.GoOff(at=work.at, user=who, by=work.order.actor, why=why))


async def split(work: Work, name: str, shares: Mapping[str, tuple[str, ...]]) -> None:
    """Gives people on duty lists of their own; who has none answers for all others."""
    plan = await _open(work, name)
    sessions = frozenset(plan.candidates.values())
    order = duty.SplitCandidates(at=work.at, by=work.order.actor, shares=dict(shares), sessions=sessions)
    await work.do(duty.DECIDER, name, order)


async def split_evenly(work: Work, name: str) -> None:
    """Gives everybody on duty a list, as long as the others'."""
    plan = await _open(work, name)
    on = sorted((await work.state(duty.DECIDER, name)).on)
    if not on:
        raise Refused("nobody is on duty to answer for candidates", field="evenly")
    sessions = tuple(plan.candidates.values())
    await split(work, name, {user: sessions[n :: len(on)] for n, user in enumerate(on)})


async def offer(work: Work, name: str, who: str, to: str, *, standing: Standing, lead: bool) -> Mapping[str, str]:
    """Names the offer that is open then: this one, or the same one from before."""
    plan = await _open(work, name)
    order = hand_over.OfferHandOver(
        at=work.at, hand_over=work.new_id("hand-over " + name), user=who, to=to, by=work.order.actor,
        standing=standing, assigned=plan.invigilators, lead=lead,
    )  # fmt: skip
    await work.do(duty.DECIDER, name, order)
    offers = (await work.state(duty.DECIDER, name)).offers
    return {"hand_over": next(key for key, one in offers.items() if (one.user, one.to) == (who, to))}


async def withdraw(work: Work, name: str, offered: str, *, lead: bool) -> None:
    order = hand_over.WithdrawHandOver(at=work.at, hand_over=offered, by=work.order.actor, lead=lead)
    await work.do(duty.DECIDER, name, order)


async def accept(work: Work, name: str, offered: str, *, standing: Standing, held: Held) -> None:
    """The next person answers from now on, also for the incidents that the one before had taken.

    Requests for help go back to the queue, where the longest wait is on top.
    """
    plan = await _open(work, name)
    order = hand_over.AcceptHandOver(
        at=work.at, hand_over=offered, by=work.order.actor, standing=standing, assigned=plan.invigilators
    )
    for made in await work.do(duty.DECIDER, name, order):
        if isinstance(made, hand_over.HandedOver):
            for session, incident in held.incidents:
                passed = triage.PassOn(incident=incident, at=work.at, user=made.user, to=made.to)
                await work.do(incidents.DECIDER, session, passed)
            for session, asked in held.help:
                await helping.let_go(work, session, asked, made.user)


async def _open(work: Work, name: str) -> schedule.Schedule:
    plan = await work.state(schedule.DECIDER, name)
    if plan.phase == "absent":
        raise Refused("there is no such schedule", kind="not_found")
    if plan.phase == "closed":
        raise Refused("the schedule is closed; nobody is on duty any more")
    return plan
