"""A detector that the institution switches off is off at once, and each session that ran is told, whoever is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from commands import flags, muting
from domain.incidents import Opened, OpenIncident, Provenance
from domain.muting import DetectorMuted
from domain.record import Sealed
from domain.session import Submitted
from tests.vigil.hall import Hall, until
from vigil.settings import variables

OFF = partial(muting.switch_off_everywhere, kind="several_people", reason="It takes portraits for people.")
ON = partial(muting.switch_on_everywhere, kind="several_people")


async def _muted(hall: Hall, session: str) -> list[DetectorMuted]:
    found = await hall.events(session, DetectorMuted)
    return [one for one in found if isinstance(one, DetectorMuted)]


async def _since(hall: Hall, session: str) -> object:
    """Waits until the session knows, and says since when and why."""
    (one,) = await until(lambda: _muted(hall, session))
    return one.kind, one.why, one.at


async def _found(hall: Hall, session: str, name: str) -> bool:
    """Whether a finding of now is taken."""
    provenance = Provenance(detector="d", detector_version="1", weights={}, thresholds={}, rule_version="1")
    found = OpenIncident(
        incident=name, kind="several_people", started_at=hall.clock(), severity="high", confidence=0.9,
        provenance=provenance, evidence=None, observed=True,
    )  # fmt: skip
    await hall.say(partial(flags.open_incident, session=session, found=found))
    opened = await hall.events(session, Opened)
    return name in [one.incident for one in opened if isinstance(one, Opened)]


async def test_it_holds_at_once_and_a_running_session_says_so_a_moment_later(hall: Hall) -> None:
    session = await hall.sitting()
    before = hall.clock()
    await hall.say(OFF)
    assert not await _found(hall, session, "i1"), "nobody has told the session yet, and nothing is opened"
    async with hall.reacting():
        kind, why, at = await _since(hall, session)  # type: ignore[misc]
        assert (kind, why) == ("several_people", "switched_off_everywhere")
        assert before <= at < hall.clock()
        await hall.say(ON)
        late = await hall.sitting()
        assert not await _found(hall, session, "i2"), "it never comes on in a running session"
        assert await _found(hall, late, "i3")
        assert await _muted(hall, late) == []
    assert len(await _muted(hall, session)) == 1


async def test_who_starts_while_it_is_off_starts_without_it(hall: Hall) -> None:
    await hall.say(OFF)
    session = await hall.sitting()
    (one,) = await _muted(hall, session)
    assert (one.why, one.at) == ("switched_off_everywhere", (await hall.state(session)).started_at)


async def test_who_hands_in_before_anybody_tells_has_it_in_the_record_that_is_sealed(hall: Hall) -> None:
    earlier = await hall.sitting()
    await hall.submit(earlier)
    session = await hall.sitting()
    await hall.say(OFF)
    await hall.say(ON)  # and is on again before anybody was told: the session ran without it all the same
    await hall.submit(session)
    async with hall.reacting():
        seals = await until(lambda: hall.events(session, Sealed))
        assert len(await _muted(hall, session)) == 1
        await until(lambda: hall.events(earlier, Sealed))
        assert await _muted(hall, earlier) == []
    happened = [type(one) for one in await hall.events(session, Submitted, DetectorMuted, Sealed)]
    assert happened[:3] == [Submitted, DetectorMuted, Sealed]
    assert seals


async def test_whoever_is_killed_in_between_leaves_nobody_untold(hall: Hall) -> None:
    """The reactions run in a process of their own here, killed while they tell one session after another."""
    _, sessions = await hall.plan(candidates=24)
    for session in sessions:
        await hall.start(session)
    async with reactions(hall) as process:
        await hall.say(OFF)
        told = await until(partial(_told, hall, 1), 60.0)
        process.kill()
        process.wait()
    print(f"{await _told(hall, told)} of {len(sessions)} had been told when the process was killed")
    async with reactions(hall):
        await until(partial(_told, hall, len(sessions)), 60.0)
        await asyncio.sleep(1.0)
    known = [await _muted(hall, session) for session in sessions]
    assert {len(one) for one in known} == {1}, "each is told once"
    assert len({(one.at, one.why) for (one,) in known}) == 1, "and all of the same moment"


async def _told(hall: Hall, least: int) -> int:
    """How many sessions know, once so many do."""
    async with hall.core.pool.connection() as conn:
        cursor = await conn.execute("SELECT count(*) FROM ledger.events WHERE topic = 'session.detector_muted'")
        found = await cursor.fetchone()
    assert found
    return int(found[0]) if found[0] >= least else 0


@asynccontextmanager
async def reactions(hall: Hall) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The role `react` as an installation runs it."""
    names = ("home", "database_url", "nats_url", "objects_url", "secret_file", "signing_key_file")
    given = variables({name: getattr(hall.core.settings, name) for name in names})
    process = subprocess.Popen([sys.executable, "-m", "vigil", "run", "react"], env={**os.environ, **given})
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
