"""What somebody has to act on, as the read models tell it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace
from psycopg import AsyncConnection

from commands import identity, interventions, schedules, sessions
from domain.phase import RUNNING
from domain.policy import Policy
from domain.record import Sealed
from tests.vigil import studio
from tests.vigil.hall import HOUR, Hall, settled, until
from vigil.outlook import Outlook, look, over


async def test_a_new_installation_has_nothing_to_act_on(hall: Hall) -> None:
    seen = await _settled(hall)
    assert seen == Outlook(seen.at, [], [], [], [], [])


async def test_a_running_session_says_when_its_clock_runs_out_unless_it_stands(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    (running,) = (await _settled(hall)).running
    assert (running.tenant, running.watch.session, running.watch.tracks) == ("main", session, ("camera", "screen"))
    assert running.watch.due_at == (await hall.state(session)).due_at
    await hall.intervene(session, "pause")
    (running,) = (await _settled(hall)).running
    assert running.watch.phase in RUNNING
    assert running.watch.due_at is None


async def test_only_after_the_last_entry_is_anybody_late(hall: Hall) -> None:
    _, (absent, present) = await hall.plan(candidates=2)
    await hall.start(present)
    assert (await _settled(hall)).waiting == []
    hall.clock.ahead += HOUR + timedelta(seconds=1)
    (late,) = (await _settled(hall)).waiting
    assert (late.tenant, late.session) == ("main", absent)


async def test_a_new_window_counts_for_who_has_not_come(hall: Hall) -> None:
    name, (absent,) = await hall.plan()
    hall.clock.ahead += HOUR + timedelta(seconds=1)
    (late,) = (await _settled(hall)).waiting
    assert late.session == absent
    now = hall.clock()
    window = schedules.Window(
        opens_at=now, last_entry_at=now + HOUR, closes_at=now + 3 * HOUR, time_zone="Europe/Vienna"
    )
    await hall.say(partial(schedules.change, name=name, window=window))
    assert (await _settled(hall)).waiting == []


async def test_an_intervention_waits_until_the_page_has_taken_it(hall: Hall) -> None:
    session = await hall.sitting()
    pause = await hall.intervene(session, "pause")
    resume = await hall.intervene(session, "resume")
    assert {one.name for one in (await _settled(hall)).undelivered} == {pause, resume}
    await hall.say(partial(interventions.advance, name=pause, session=session, stage="delivered"))
    (left,) = (await _settled(hall)).undelivered
    assert (left.tenant, left.name) == ("main", resume)


async def test_who_was_admitted_late_is_late_when_the_window_closes(hall: Hall) -> None:
    _, (session,) = await hall.plan()
    hall.clock.ahead += HOUR + timedelta(seconds=1)
    await hall.say(partial(sessions.admit_late, name=session, reason="The tram stood still."))
    assert (await _settled(hall)).waiting == []
    hall.clock.ahead += 2 * HOUR
    (late,) = (await _settled(hall)).waiting
    assert late.session == session


async def test_who_came_for_their_identity_check_before_the_last_entry_is_not_late_in_the_queue(hall: Hall) -> None:
    name, (session, absent) = await hall.plan(candidates=2)
    asks = Policy(identity=True)
    await hall.say(partial(schedules.set_policy, name=name, policy=asks))
    sha256 = sessions.notice_hash(replace(asks, version=2))
    for seat in (session, absent):
        await hall.say(partial(sessions.acknowledge_notice, name=seat, policy_version=2, sha256=sha256))
    await hall.say(partial(identity.capture, name=session, picture="photo", object_key="p", sha256="5f"))
    hall.clock.ahead += HOUR + timedelta(seconds=1)
    (late,) = (await _settled(hall)).waiting
    assert late.session == absent
    hall.clock.ahead += 2 * HOUR
    assert {late.session for late in (await _settled(hall)).waiting} == {session, absent}


async def test_who_sits_an_exam_that_was_called_off_is_seen(hall: Hall) -> None:
    name, (running, _) = await hall.plan(candidates=2)
    await hall.start(running)
    assert (await _settled(hall)).called_off == []
    await hall.say(lambda work: schedules.cancel(work, name, "a fire alarm"))
    (found,) = (await _settled(hall)).called_off
    assert found.watch.session == running


async def test_a_session_is_over_until_its_record_is_complete(hall: Hall) -> None:
    session = await hall.sitting()
    await hall.submit(session)
    seen = await _settled(hall)
    assert [(one.session, one.tracks) for one in seen.over] == [(session, ("camera", "screen"))]
    assert seen.running == []
    async with hall.reacting(), hall.core.reading() as conn:
        await until(lambda: hall.events(session, Sealed))
        hall.clock.ahead += timedelta(minutes=11)  # nothing is waited for any more
        await until(lambda: _none_over(conn))


async def test_a_session_is_over_again_when_more_of_it_comes(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    await hall.submit(session)
    async with hall.reacting(), hall.core.reading() as conn:
        await until(lambda: hall.events(session, Sealed))
        hall.clock.ahead += timedelta(minutes=11)
        await until(lambda: _none_over(conn))
        await studio.deliver(hall, await studio.taped(hall, session, "camera", 2))
        await until(lambda: over(conn))


async def _settled(hall: Hall) -> Outlook:
    """How things stand once the models have caught up with the ledger."""
    async with hall.core.reading() as conn:
        await settled(hall, conn)
        return await look(conn, hall.clock())


async def _none_over(conn: AsyncConnection) -> bool:
    return not await over(conn)
