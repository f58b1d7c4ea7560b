"""Two front doors hear one page: whichever hears what first, one incident comes of it, and none stays open."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from psycopg import AsyncConnection

from commands import sessions, signals
from commands.envelope import read
from commands.handler import Handler
from commands.ledger import read_stream
from domain.browser import BrowserSetting
from domain.fault import FaultOpened
from domain.policy import Policy
from domain.signals import Batch, Heard, Sample, Value, heard
from tests.commands.hall import NINE, do, planned, ready, tags

S = timedelta(seconds=1)
POLICY = Policy(browser=(BrowserSetting(kind="screen_share_stopped"),))


def says(second: float, value: Value, since: float) -> Heard:
    """What the page says that many seconds after ten past nine of the share of the screen."""
    now = NINE + timedelta(minutes=10) + second * S
    sample = Sample(signal="screen", value=value, at=now - (second - since) * S)
    batch = Batch(page="p1", number=1, sent_at=now, skew_ms=0.0, samples=(sample,))
    return heard(batch, now)


async def sitting(one: Handler) -> str:
    _, (session,) = await planned(one, policy=POLICY)
    await ready(one, session, POLICY)
    await do(one, partial(sessions.start, name=session), minute=10)
    await do(one, partial(signals.hear, name=session, heard=says(1, "live", 0)), minute=10.02)
    return session


async def test_two_processes_open_and_close_one_incident(one: Handler, other: Handler, app: AsyncConnection) -> None:
    session = await sitting(one)
    lost = [partial(signals.hear, name=session, heard=says(20 + n / 10, "stopped", 12)) for n in range(6)]
    doors = [one, other] * 3
    await asyncio.gather(
        *(do(door, said, actor=f"d{n}") for n, (door, said) in enumerate(zip(doors, lost, strict=True)))
    )
    assert await tags(app, f"tu/incidents/{session}") == ["incidents.opened"]
    back = [partial(signals.hear, name=session, heard=says(40 + n / 10, "live", 30)) for n in range(6)]
    await asyncio.gather(
        *(do(door, said, actor=f"e{n}") for n, (door, said) in enumerate(zip(doors, back, strict=True)))
    )
    await do(other, lost[0], actor="late")
    assert await tags(app, f"tu/incidents/{session}") == ["incidents.opened", "incidents.closed"]


async def test_silence_is_said_once_and_leaves_nothing_open(one: Handler, other: Handler, app: AsyncConnection) -> None:
    session = await sitting(one)
    await do(one, partial(signals.hear, name=session, heard=says(20, "stopped", 12)))
    since = NINE + timedelta(minutes=10) + 21 * S
    silent = partial(signals.fall_silent, name=session, since=since)
    await asyncio.gather(do(one, silent, actor="a"), do(other, silent, actor="b"))
    assert await tags(app, f"tu/incidents/{session}") == ["incidents.opened", "incidents.closed"]
    assert (await tags(app, f"tu/session/{session}"))[-2:] == ["session.page_observed", "session.fault_opened"]
    await do(other, partial(signals.hear, name=session, heard=says(60, "live", 50)))
    assert (await tags(app, f"tu/session/{session}"))[-2:] == ["session.page_observed", "session.fault_closed"]


async def test_a_page_that_nobody_answers_is_a_fault_of_ours(one: Handler, app: AsyncConnection) -> None:
    session = await sitting(one)
    silent = partial(signals.fall_silent, name=session, since=NINE + timedelta(minutes=10) + 21 * S, ours=True)
    await do(one, silent)
    _, fault = read((await read_stream(app, f"tu/session/{session}"))[-1])
    assert isinstance(fault, FaultOpened)
    assert (fault.what, fault.cause) == ("page", "ours")
