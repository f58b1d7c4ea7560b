"""Somebody must be on duty where an exam is under way, and behind every incident that somebody has taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import psutil
import pytest

from api.presence import SUBJECT, Presence
from commands import duty as shifts
from commands import flags, triage
from commands import help as helping
from domain import duty
from domain.fault import FaultClosed, FaultOpened
from domain.help import HelpReleased
from domain.messages import StreamsHeld
from domain.triage import Released, Taken
from tests.vigil.hall import HOUR, SOMEBODY, Hall, running, until
from vigil import attending
from vigil.attending import NOBODY_S, UNATTENDED, StaffEars
from vigil.attending import Taken as Held
from vigil.embedded.nats import run_nats
from vigil.wiring import connect_nats

A_ROUND_S = 0.8  # long enough for a few
LATE = timedelta(seconds=NOBODY_S + 1)
ON = partial(shifts.come_on, who=SOMEBODY, lead=False)
OFF = partial(shifts.go_off, who=SOMEBODY, lead=False, held=shifts.Held())


async def faults(hall: Hall, session: str) -> list[str]:
    """What is told of duty in the session's stream."""
    found = await hall.events(session, FaultOpened, FaultClosed)
    return [type(one).__name__ for one in found if one.what == "duty"]  # type: ignore[attr-defined]


async def told(hall: Hall, session: str, *expected: str) -> bool:
    return await faults(hall, session) == list(expected)


async def an_incident(hall: Hall, session: str) -> str:
    """One that somebody has taken."""
    made = await hall.say(lambda work: flags.raise_by_hand(work, session, severity="warn", note="Talks."))
    incident = made["incident"]
    await hall.say(partial(triage.take, session=session, incident=incident, lead=False))
    return incident


@asynccontextmanager
async def connected(hall: Hall) -> AsyncIterator[None]:
    """Somebody holds a live stream meanwhile."""

    async def tell() -> None:
        while True:
            await hall.core.nats.publish(SUBJECT, msgspec.msgpack.encode(StreamsHeld(held=(("main", SOMEBODY),))))
            await asyncio.sleep(0.1)

    async with running(tell()):
        yield


async def test_an_exam_that_nobody_is_on_duty_for_is_a_fault_on_each_record_until_somebody_comes(hall: Hall) -> None:
    name, (one, two, waiting) = await hall.plan(candidates=3, watched=False)
    for session in (one, two):
        await hall.start(session)
    async with hall.on_air(one, "camera", "screen"), hall.on_air(two, "camera", "screen"), hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert await faults(hall, one) == [], "there is a minute to come"
        hall.clock.ahead += LATE
        for session in (one, two):
            await until(lambda s=session: told(hall, s, "FaultOpened"))  # type: ignore[misc]
        (opened,) = [one for one in await hall.events(one, FaultOpened) if one.what == "duty"]  # type: ignore[attr-defined]
        assert opened.why == UNATTENDED  # type: ignore[attr-defined]
        assert opened.since == (await hall.state(one)).started_at, "not only once the minute was over"  # type: ignore[attr-defined]
        assert await hall.phase(one) == "in_progress"
        await hall.say(partial(ON, name=name))
        for session in (one, two):
            await until(lambda s=session: told(hall, s, "FaultOpened", "FaultClosed"))  # type: ignore[misc]
        assert await faults(hall, waiting) == []


async def test_between_two_turns_there_is_a_minute(hall: Hall) -> None:
    name, (session,) = await hall.plan()
    await hall.start(session)
    hall.clock.ahead += 10 * LATE
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await hall.say(partial(OFF, name=name))
        await asyncio.sleep(A_ROUND_S)
        assert await faults(hall, session) == []
        hall.clock.ahead += LATE
        await until(lambda: told(hall, session, "FaultOpened"))


async def test_who_is_cut_off_for_a_minute_keeps_no_incident(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attending, "AWAY_S", 1.5)
    session = await hall.sitting()
    incident = await an_incident(hall, session)
    asked = (await hall.say(partial(helping.request, session=session, topic="question", text="")))["help"]
    await hall.say(partial(helping.take, session=session, name=asked))
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        async with connected(hall):
            await asyncio.sleep(3)
            assert await hall.events(session, Released, HelpReleased) == []
        await until(lambda: hall.events(session, HelpReleased))
        await until(lambda: hall.events(session, Released))
        (gone,) = await hall.events(session, Released)
        assert (gone.incident, gone.why) == (incident, "disconnected")  # type: ignore[attr-defined]
        await asyncio.sleep(A_ROUND_S)
        assert len(await hall.events(session, Released)) == 1
        await hall.say(partial(triage.take, session=session, incident=incident, lead=False))
        await until(lambda: _count(hall, session, 2))
    assert len(await hall.events(session, Taken)) == 2


async def test_nobody_loses_anything_because_the_message_server_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hall: Hall
) -> None:
    monkeypatch.setattr(attending, "AWAY_S", 1.0)
    now = hall.clock()
    one = Held("main", "s1", "incident", "i1", SOMEBODY, now - HOUR)
    with run_nats(tmp_path) as url:
        client = await connect_nats(url, "test")
        presence = Presence(client)
        async with StaffEars(client) as ears, running(presence.tell()):
            assert not ears.gone(one, now), "not everybody has been heard yet"
            with presence.holding("main", SOMEBODY):
                await asyncio.sleep(2)
                server = next(
                    p for p in psutil.Process().children() if str(tmp_path / "nats" / "nats.conf") in p.cmdline()
                )
                server.suspend()
                await asyncio.sleep(3)
                assert not ears.gone(one, now)
                server.resume()
            await until(lambda: _some(ears.gone(one, now)), 20)
            assert not ears.gone(one._replace(at=now), now), "who has just taken it is given time to come"
        await client.close()


async def test_a_duty_ends_with_its_exam(hall: Hall) -> None:
    name, (session,) = await hall.plan(closes_in=HOUR)
    await hall.start(session)
    await hall.submit(session)

    async def on() -> bool:
        _, state = await hall.core.handler.load(duty.DECIDER, f"main/duty/{name}", fresh=True)
        return bool(state.on)

    async with hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert await on()
        hall.clock.ahead += 14 * HOUR
        await until(lambda: _not(on()))


async def _count(hall: Hall, session: str, count: int) -> bool:
    return len(await hall.events(session, Released)) == count


async def _some(value: bool) -> bool:
    return value


async def _not(pending: object) -> bool:
    return not await pending  # type: ignore[misc]
