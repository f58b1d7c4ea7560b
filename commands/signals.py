"""What a candidate's page signals, and what its silence means."""

from __future__ import annotations

from datetime import datetime

from commands import flags
from commands.handler import Work
from domain import browser_rules, incidents, session_rules
from domain.fault import OpenFault
from domain.page import SILENT, ObservePage
from domain.signals import Heard


async def hear(work: Work, name: str, heard: Heard) -> None:
    """Lets the rules judge a batch."""
    state = await work.state(session_rules.DECIDER, name)
    for order in browser_rules.told(heard, state):
        await work.do(session_rules.DECIDER, name, order)
    state = await work.state(session_rules.DECIDER, name)
    known = await work.state(incidents.DECIDER, name)
    for found in browser_rules.found(name, heard, state, known):
        if isinstance(found, incidents.OpenIncident):
            await flags.open_incident(work, name, found)
        else:
            await work.do(incidents.DECIDER, name, found)


async def fall_silent(work: Work, name: str, since: datetime, *, ours: bool = False) -> None:
    """A page that has told before is not heard any more: a fault, which may be ours.

    What it pointed out is not observed any longer.
    """
    page = (await work.state(session_rules.DECIDER, name)).page
    if not page.kinds:
        return
    since = max(since, page.told_at or since)
    await work.do(session_rules.DECIDER, name, ObservePage(at=since, kinds=frozenset()))
    why = "the candidate's page is not heard: " + ("no front door answers it" if ours else "it is closed, or cut off")
    fault = OpenFault(what=SILENT, why=why, cause="ours" if ours else "network", since=since)
    await work.do(session_rules.DECIDER, name, fault)
    for found in browser_rules.unheard(await work.state(incidents.DECIDER, name), since):
        await work.do(incidents.DECIDER, name, found)
