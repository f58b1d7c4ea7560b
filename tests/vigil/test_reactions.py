"""What happens by itself: clocks that run out, candidates who do not come, connections, interventions, seals."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import msgspec
import psycopg
import pytest
from psycopg import AsyncConnection

from api.presence import Presence
from commands import interventions, schedules, sessions
from commands.handler import Work
from detectors.share import Share
from domain import intervention
from domain.fault import ConnectionLost, ConnectionRestored, FaultClosed, FaultOpened
from domain.messages import Hangup, MediaRequest
from domain.record import Sealed
from domain.session import GRACE, Ended, Submitted
from domain.stops import BreakEnded
from tests.vigil.hall import HOUR, Hall, a_hall, running, until
from vigil import connections, reactions, shares, watching
from vigil.connections import ARRIVE_S
from vigil.outlook import Outlook
from vigil.reactions import LEADER, react
from vigil.settings import Settings

MINUTE = timedelta(minutes=1)
A_ROUND_S = 0.8  # long enough for a few


@pytest.fixture(autouse=True)
def beats_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats come ten times a second here, so that all are heard sooner."""
    monkeypatch.setattr(connections, "SETTLE_S", 0.5)


async def test_a_session_whose_time_is_up_is_submitted_by_the_clock(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == "in_progress"
        hall.clock.ahead += HOUR
        await until(lambda: _phase(hall, session, "submitted"))
    assert [event.by for event in await hall.events(session, Submitted)] == ["clock"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("stop", "phase", "go_on"), [("pause", "paused", "resume"), ("lock", "locked", "unlock")])
async def test_nothing_expires_while_it_is_paused_or_locked_not_even_at_its_own_end(
    hall: Hall, stop: str, phase: str, go_on: str
) -> None:
    session = await hall.sitting(duration=HOUR, closes_in=2 * HOUR)
    await hall.intervene(session, stop)
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        hall.clock.ahead += 3 * HOUR
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == phase
        await hall.intervene(session, go_on)
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == "in_progress", "what was left is left"
        hall.clock.ahead += HOUR
        await until(lambda: _phase(hall, session, "submitted"))


async def test_nobody_is_handed_in_on_a_rest_break_before_it_is_over_and_their_time_with_it(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR, closes_in=HOUR)
    await hall.intervene(session, "break", break_kind="rest", minutes=120)
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        hall.clock.ahead += 2 * HOUR + HOUR / 2
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == "on_break"
        hall.clock.ahead += HOUR / 2
        await until(lambda: _phase(hall, session, "submitted"))
    (ended,) = await hall.events(session, BreakEnded)
    assert isinstance(ended, BreakEnded)
    assert (ended.why, ended.stopped_s, round(ended.over_s, -1)) == ("session_over", 7200.0, 3600.0)


async def test_a_look_that_nobody_answers_fails_and_says_why(hall: Hall) -> None:
    session = await hall.sitting()
    name = await hall.intervene(session, "identity_check")
    await hall.say(partial(interventions.advance, name=name, session=session, stage="delivered"))
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        hall.clock.ahead += intervention.SHOWN_WITHIN + MINUTE
        await asyncio.sleep(A_ROUND_S)
        assert not await hall.events(session, intervention.Failed)
        hall.clock.ahead += 2 * MINUTE
        (failed,) = await until(lambda: hall.events(session, intervention.Failed))
    assert failed.why == "not answered within 3 minutes"  # type: ignore[attr-defined]
    assert await hall.phase(session) == "in_progress"


async def test_a_look_fails_soon_when_the_session_is_over(hall: Hall) -> None:
    session = await hall.sitting()
    await hall.intervene(session, "identity_check")
    await hall.submit(session)
    async with hall.reacting():
        hall.clock.ahead += intervention.SHOWN_WITHIN + timedelta(seconds=5)
        (failed,) = await until(lambda: hall.events(session, intervention.Failed))
    assert failed.why == "the session was over before it was shown"  # type: ignore[attr-defined]


async def test_who_is_cut_off_when_their_time_is_up_is_waited_for(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    async with hall.reacting():
        hall.clock.ahead += timedelta(seconds=ARRIVE_S + 1)
        await until(lambda: _lost(hall, session, 2))
        hall.clock.ahead += HOUR
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == "in_progress"
        async with hall.on_air(session, "camera", "screen"):
            await until(lambda: _lost(hall, session, 0))
            await asyncio.sleep(A_ROUND_S)
            assert await hall.phase(session) == "in_progress", "they may hand in"
            hall.clock.ahead += GRACE
            await until(lambda: _phase(hall, session, "submitted"))


async def test_nobody_is_submitted_by_an_outage_of_ours(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    hall.clock.ahead += HOUR + MINUTE  # nothing ran meanwhile, and nobody could publish
    async with hall.reacting():
        await until(lambda: _lost(hall, session, 2))
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(session) == "in_progress"


async def test_who_sits_an_exam_that_is_called_off_is_done(hall: Hall) -> None:
    name, (session,) = await hall.plan()
    await hall.start(session)
    await hall.intervene(session, "pause")
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await hall.say(lambda work: schedules.cancel(work, name, "a fire alarm"))
        await until(lambda: _phase(hall, session, "ended_in_fault"))
    assert [event.why for event in await hall.events(session, Ended)] == ["called_off"]  # type: ignore[attr-defined]


async def test_one_session_that_cannot_be_dealt_with_holds_up_no_other(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (broken, whole) = await hall.plan(candidates=2)
    expire = sessions.expire

    async def failing(work: Work, name: str) -> None:
        if name == broken:
            raise ValueError("a row that nobody can read")
        await expire(work, name)

    monkeypatch.setattr(sessions, "expire", failing)
    hall.clock.ahead += 2 * HOUR
    async with hall.reacting():
        await until(lambda: _phase(hall, whole, "no_show"))
    assert await hall.phase(broken) == "expected"


async def test_that_nobody_looks_is_a_fault_until_a_detector_is_there(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENT_S", 0.5)
    session = await hall.sitting()
    async with hall.on_air(session, "camera", "screen"), running(react(hall.core)):
        (opened,) = await until(lambda: hall.events(session, FaultOpened))
        assert opened.what == "detectors"  # type: ignore[attr-defined]
        assert await hall.phase(session) == "in_progress"
        monkeypatch.setattr(watching, "SILENT_S", 5.0)
        async with running(watching.beat(hall.core.nats)):
            await until(lambda: hall.events(session, FaultClosed))
    assert len(await hall.events(session, FaultOpened)) == 1


async def test_that_one_of_two_detectors_stays_away_is_a_fault_of_its_sessions_alone(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENT_S", 2.0)
    one, two = Share(0, 2), Share(1, 2)
    mine, theirs = await seats_of(hall, one), await seats_of(hall, two)

    async def told(kind: type[FaultOpened | FaultClosed], session: str) -> list[str]:
        return [event.what for event in await hall.events(session, kind)]  # type: ignore[attr-defined]

    async with hall.on_air(mine, "camera", "screen"), hall.on_air(theirs, "camera", "screen"):
        async with running(watching.beat(hall.core.nats, share=one)), running(react(hall.core)):
            async with running(watching.beat(hall.core.nats, share=two)):
                await asyncio.sleep(3)
            (opened,) = await until(lambda: hall.events(theirs, FaultOpened))
            assert (opened.what, opened.why) == ("detectors", shares.AWAY)  # type: ignore[attr-defined]
            assert not await told(FaultOpened, mine)
            async with running(watching.beat(hall.core.nats, share=two)):
                await until(lambda: told(FaultClosed, theirs))
        assert (await told(FaultOpened, mine), await told(FaultOpened, theirs)) == ([], ["detectors"])


async def seats_of(hall: Hall, share: Share) -> str:
    """A session in progress that is this worker's."""
    while not share.has(session := await hall.sitting()):
        await hall.submit(session)
    return session


async def test_that_no_front_door_answers_is_a_fault_until_one_is_there(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "SERVED_WITHIN_S", 1.5)
    session = await hall.sitting()

    async def faults(kind: type[FaultOpened | FaultClosed]) -> list[str]:
        return [event.what for event in await hall.events(session, kind)]  # type: ignore[attr-defined]

    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await asyncio.sleep(2)
        assert not await faults(FaultOpened), "who has never been heard may not be meant to be there"
        async with running(Presence(hall.core.nats).tell()):
            await asyncio.sleep(1)
        await until(lambda: faults(FaultOpened))
        assert not await faults(FaultClosed)
        async with running(Presence(hall.core.nats).tell()):
            await until(lambda: faults(FaultClosed))
    assert (await faults(FaultOpened), await faults(FaultClosed)) == (["front_door"], ["front_door"])


async def test_that_the_database_was_away_is_noted_when_it_is_back(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await hall.sitting()
    looked = reactions.look
    lost_at: list[datetime] = []

    async def lost(conn: AsyncConnection, at: datetime) -> Outlook:
        if not lost_at:
            lost_at.append(at)
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        return await looked(conn, at)

    monkeypatch.setattr(reactions, "look", lost)
    monkeypatch.setattr(reactions, "NOTED_FROM", timedelta())
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        (closed,) = await until(lambda: hall.events(session, FaultClosed))
    (opened,) = await hall.events(session, FaultOpened)
    assert isinstance(opened, FaultOpened)
    assert isinstance(closed, FaultClosed)
    assert (opened.what, opened.cause, closed.what) == ("database", "ours", "database")
    assert opened.since
    assert closed.since
    assert lost_at[0] <= opened.since < closed.since


async def test_who_is_still_cut_off_at_the_sessions_own_end_ended_in_a_fault(hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR, closes_in=2 * HOUR)
    async with hall.reacting():
        hall.clock.ahead += timedelta(seconds=ARRIVE_S + 1)
        await until(lambda: _lost(hall, session, 2))
        hall.clock.ahead += HOUR
        await asyncio.sleep(A_ROUND_S)
        hall.clock.ahead += HOUR
        await until(lambda: _phase(hall, session, "ended_in_fault"))


async def test_lost_and_restored_are_said_once_each(hall: Hall) -> None:
    session = await hall.sitting()
    async with hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert not await hall.events(session, ConnectionLost), "there is time to publish"
        hall.clock.ahead += timedelta(seconds=ARRIVE_S + 1)
        await until(lambda: _lost(hall, session, 2))
        async with hall.on_air(session, "camera"):
            await until(lambda: _lost(hall, session, 1))
            await asyncio.sleep(A_ROUND_S)
        await until(lambda: _lost(hall, session, 2))
    said = await hall.events(session, ConnectionLost, ConnectionRestored)
    assert [(type(one).__name__, one.track) for one in said if one.track == "screen"] == [("ConnectionLost", "screen")]  # type: ignore[attr-defined]
    camera = [type(one).__name__ for one in said if one.track == "camera"]  # type: ignore[attr-defined]
    assert camera == ["ConnectionLost", "ConnectionRestored", "ConnectionLost"]


async def test_who_has_not_come_by_the_last_entry_is_a_no_show(hall: Hall) -> None:
    _, (absent, present) = await hall.plan(candidates=2)
    await hall.start(present)
    async with hall.on_air(present, "camera", "screen"), hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(absent) == "expected"
        hall.clock.ahead += HOUR - MINUTE
        await asyncio.sleep(A_ROUND_S)
        assert await hall.phase(absent) == "expected"
        hall.clock.ahead += 2 * MINUTE
        await until(lambda: _phase(hall, absent, "no_show"))
    assert await hall.phase(present) != "no_show"


async def test_nobody_is_a_no_show_of_an_exam_that_they_could_not_have_sat(hall: Hall) -> None:
    called_off, (one,) = await hall.plan()
    await hall.say(lambda work: schedules.cancel(work, called_off, "a fire alarm"))
    _, (two,) = await hall.plan(opened=False)
    without, (three,) = await hall.plan()
    await hall.say(lambda work: schedules.set_live_proctoring(work, without, enabled=False))
    taken_off, (four, five) = await hall.plan(candidates=2)
    await hall.say(lambda work: schedules.withdraw(work, taken_off, four))
    async with hall.reacting():
        hall.clock.ahead += 2 * HOUR
        await until(lambda: _phase(hall, five, "no_show"))
        await asyncio.sleep(A_ROUND_S)
    assert {await hall.phase(session) for session in (one, two, three, four)} == {"expected"}


async def test_an_intervention_that_nobody_takes_fails_and_says_why(hall: Hall) -> None:
    session = await hall.sitting()
    unheard, heard = [await hall.intervene(session, kind) for kind in ("pause", "resume")]
    await hall.say(partial(interventions.advance, name=heard, session=session, stage="delivered"))
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await asyncio.sleep(A_ROUND_S)
        assert not await hall.events(session, intervention.Failed)
        hall.clock.ahead += intervention.SHOWN_WITHIN
        (failed,) = await until(lambda: hall.events(session, intervention.Failed))
        await asyncio.sleep(A_ROUND_S)
    assert "not connected" in failed.why  # type: ignore[attr-defined]
    assert len(await hall.events(session, intervention.Failed)) == 1
    assert unheard != heard


async def test_a_session_that_is_over_is_hung_up_on(hall: Hall) -> None:
    session = await hall.sitting()
    orders: list[MediaRequest] = []

    async def heard(message: object) -> None:
        orders.append(msgspec.msgpack.decode(message.data, type=MediaRequest))  # type: ignore[attr-defined]

    await hall.core.nats.subscribe(f"vigil.media.worker-{session}", cb=heard)
    await hall.submit(session)
    async with hall.on_air(session, "camera"), hall.reacting():
        await until(lambda: _some(orders))
    assert isinstance(orders[0], Hangup)
    assert orders[0].session == session


async def test_one_leads_and_when_it_dies_another_goes_on(settings: Settings, hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    async with hall.on_air(session, "camera", "screen"), hall.reacting() as first:
        await until(lambda: _standing(settings, leading=1, waiting=0))
        async with hall.reacting():
            await until(lambda: _standing(settings, leading=1, waiting=1))
            hall.clock.ahead += HOUR
            await until(lambda: _phase(hall, session, "submitted"))
            first.cancel()
            await until(lambda: _standing(settings, leading=1, waiting=0))
            other = await hall.sitting(duration=HOUR)
            hall.clock.ahead += HOUR
            async with hall.on_air(other, "camera", "screen"):
                await until(lambda: _phase(hall, other, "submitted"))
    assert len(await hall.events(session, Submitted)) == 1


async def test_a_leader_whose_connection_is_cut_stands_again(settings: Settings, hall: Hall) -> None:
    session = await hall.sitting(duration=HOUR)
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await until(lambda: _standing(settings, leading=1, waiting=0))
        async with await AsyncConnection.connect(settings.database_url, autocommit=True) as owner:
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'vigil react' AND datname = current_database()"
            )
        hall.clock.ahead += HOUR
        await until(lambda: _phase(hall, session, "submitted"))


async def test_after_a_crash_the_same_world_changes_nothing_twice(hall: Hall) -> None:
    _, (absent, seated) = await hall.plan(candidates=2)
    await hall.start(seated)
    await hall.intervene(seated, "pause")
    async with hall.reacting():
        hall.clock.ahead += 2 * HOUR
        await until(lambda: _sealed(hall, absent))
        await until(lambda: hall.events(seated, intervention.Failed))
        await until(lambda: _lost(hall, seated, 2))
    before = await hall.position()
    for _ in range(2):
        async with hall.reacting():
            await asyncio.sleep(3 * A_ROUND_S)  # until silence means something again, and longer
    assert await hall.position() == before


async def test_a_notary_that_is_away_does_not_hold_up_the_clock(settings: Settings) -> None:
    async with a_hall(settings, notary=False) as hall:
        _, seats = await hall.plan(candidates=12)
        for session in seats:
            await hall.start(session)
            await hall.submit(session)
        last = await hall.sitting(duration=HOUR)
        async with hall.on_air(last, "camera", "screen"), hall.reacting():
            await asyncio.sleep(A_ROUND_S)
            hall.clock.ahead += HOUR
            await until(lambda: _phase(hall, last, "submitted"))
        assert not await hall.events(seats[0], Sealed)


async def test_every_session_that_is_over_is_sealed(hall: Hall) -> None:
    _, (absent, unwilling) = await hall.plan(candidates=2)
    await hall.say(lambda work: sessions.decline_notice(work, unwilling))
    async with hall.reacting():
        await until(lambda: _sealed(hall, unwilling))
        hall.clock.ahead += 2 * HOUR
        await until(lambda: _sealed(hall, absent))
    assert [event.why for event in await hall.events(absent, Ended)] == ["no_show"]  # type: ignore[attr-defined]


async def _phase(hall: Hall, session: str, phase: str) -> bool:
    return await hall.phase(session) == phase


async def _lost(hall: Hall, session: str, tracks: int) -> bool:
    return len((await hall.state(session)).lost) == tracks


async def _sealed(hall: Hall, session: str) -> bool:
    seals = await hall.events(session, Sealed)
    return [seal.kind for seal in seals] == ["complete"]  # type: ignore[attr-defined]


async def _some(value: object) -> bool:
    return bool(value)


async def _standing(settings: Settings, *, leading: int, waiting: int) -> bool:
    """How many hold the leader's lock, and how many wait for it."""
    async with await AsyncConnection.connect(settings.database_url, autocommit=True) as owner:
        cursor = await owner.execute(
            "SELECT count(*) FILTER (WHERE granted), count(*) FILTER (WHERE NOT granted) FROM pg_locks"
            " WHERE locktype = 'advisory' AND (classid::bigint << 32) + objid::bigint = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (LEADER,),
        )
        return await cursor.fetchone() == (leading, waiting)
