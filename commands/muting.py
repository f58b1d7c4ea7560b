"""Detectors that are switched off for everyone in an exam or everywhere, also for who sits it at that moment."""

from __future__ import annotations

from commands.handler import Work
from domain import muting, schedule, session_rules, switches
from domain.policy import IncidentKind
from domain.schedule import Schedule
from domain.switches import Switches


async def switch_off(work: Work, name: str, kind: IncidentKind, reason: str) -> None:
    """All at once: nobody's detector stays on because their session was busy."""
    await work.do(schedule.DECIDER, name, muting.SwitchDetector(at=work.at, kind=kind, on=False, reason=reason))
    for session in (await work.state(schedule.DECIDER, name)).candidates.values():
        await work.do(session_rules.DECIDER, session, muting.MuteDetector(at=work.at, kind=kind))


async def switch_on(work: Work, name: str, kind: IncidentKind) -> None:
    """For who starts from now on. A session that runs stays without it."""
    await work.do(schedule.DECIDER, name, muting.SwitchDetector(at=work.at, kind=kind, on=True))


async def switch_off_everywhere(work: Work, kind: IncidentKind, reason: str) -> None:
    """In every exam. It holds at once; sessions that run are told by `mute_everywhere`, one command each."""
    order = switches.SwitchOff(kind=kind, at=work.at, reason=reason, by=work.order.actor)
    await work.do(switches.DECIDER, switches.NAME, order)


async def switch_on_everywhere(work: Work, kind: IncidentKind) -> None:
    """For who starts from now on. A session that runs stays without it."""
    order = switches.SwitchOn(kind=kind, at=work.at, by=work.order.actor)
    await work.do(switches.DECIDER, switches.NAME, order)


async def mute_everywhere(work: Work, session: str, kind: IncidentKind) -> None:
    """Tells a session that ran when the institution switched a detector off; nothing where it did not."""
    started_at = (await work.state(session_rules.DECIDER, session)).started_at
    since = (await everywhere(work)).silent_since(kind, started_at) if started_at else None
    if since is not None:
        await work.do(session_rules.DECIDER, session, muting.MuteEverywhere(at=since, kind=kind))


async def everywhere(work: Work) -> Switches:
    """The institution's own switches."""
    return await work.state(switches.DECIDER, switches.NAME)


async def keep_off(work: Work, session: str, plan: Schedule) -> None:
    """What was switched off while a session was over is off when it goes on."""
    for kind in plan.switched_off:
        await work.do(session_rules.DECIDER, session, muting.MuteDetector(at=work.at, kind=kind))
    for kind in (await everywhere(work)).off:
        await work.do(session_rules.DECIDER, session, muting.MuteEverywhere(at=work.at, kind=kind))
