"""Detectors that a planner switches off for everyone, also for who sits the exam at that moment."""

from __future__ import annotations

from commands.handler import Work
from domain import muting, schedule, session_rules
from domain.policy import IncidentKind
from domain.schedule import Schedule


async def switch_off(work: Work, name: str, kind: IncidentKind, reason: str) -> None:
    """All at once: nobody's detector stays on because their session was busy."""
    await work.do(schedule.DECIDER, name, muting.SwitchDetector(at=work.at, kind=kind, on=False, reason=reason))
    for session in (await work.state(schedule.DECIDER, name)).candidates.values():
        await work.do(session_rules.DECIDER, session, muting.MuteDetector(at=work.at, kind=kind))


async def switch_on(work: Work, name: str, kind: IncidentKind) -> None:
    """For who starts from now on. A session that runs stays without it."""
    await work.do(schedule.DECIDER, name, muting.SwitchDetector(at=work.at, kind=kind, on=True))


async def keep_off(work: Work, session: str, plan: Schedule) -> None:
    """What was switched off while a session was over is off when it goes on."""
    for kind in plan.switched_off:
        await work.do(session_rules.DECIDER, session, muting.MuteDetector(at=work.at, kind=kind))
