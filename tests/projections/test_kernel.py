"""The projector on real PostgreSQL: each event exactly once, whatever happens to connections and to its like."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from psycopg import AsyncConnection

from domain import fault
from projections import kernel
from projections.builds import builds_of, live_build, prepare
from projections.connection import connect
from projections.feed import BATCH, Feed
from projections.kernel import Projector
from projections.live import LIVE
from projections.models import MODELS
from projections.reader import find
from projections.refold import compare
from tests.projections.hall import BEGUN, Said, flagged, sent
from tests.projections.ledger import TALLY, Ledger, Tally, decode, projecting, reached, step_all, until


def noise(sessions: int) -> list[Said]:
    return [(f"t/session/s{n}", fault.FaultClosed(what="x")) for n in range(sessions)]


async def kill_projectors(ledger: Ledger) -> int:
    cursor = await ledger.owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'vigil projector'"
    )
    return len(await cursor.fetchall())


async def none_left(ledger: Ledger) -> bool:
    return await kill_projectors(ledger) == 0


async def tallies(app: AsyncConnection) -> dict[str, Tally]:
    return (await find(app, TALLY, "t")).rows


def taken(rows: dict[str, Tally]) -> list[int]:
    return sorted(position for row in rows.values() for position in row.positions)


async def test_an_event_is_in_the_row_at_once(ledger: Ledger, project: AsyncConnection, app: AsyncConnection) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, *MODELS)
    found = await find(app, LIVE, "t", {"schedule": "anatomy"})
    assert found.rows["t/s1"].phase == "in_progress"
    assert (found.position, found.mark, found.stale) == (4, 4, frozenset())
    for model in MODELS:
        assert await compare(project, decode, model) == []


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once a projector has read everything and waits for a hint."""
    waits, hint = asyncio.Event(), kernel._hint

    async def seen(conn: AsyncConnection) -> None:
        waits.set()
        await hint(conn)

    monkeypatch.setattr(kernel, "_hint", seen)
    return waits


async def test_a_hint_is_followed_long_before_it_would_look_again(
    ledger: Ledger, conninfo: str, project: AsyncConnection, waiting: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "EVERY_S", 60.0)
    async with projecting(conninfo, *MODELS):
        await waiting.wait()
        position = await ledger.append(*BEGUN)
        await until(lambda: reached(project, LIVE, position))


async def test_without_a_hint_it_looks_again_by_itself(
    ledger: Ledger, conninfo: str, project: AsyncConnection, waiting: asyncio.Event
) -> None:
    async with projecting(conninfo, TALLY):
        await waiting.wait()
        position = await ledger.append(*BEGUN, hint=False)
        await until(lambda: reached(project, TALLY, position))


async def test_two_projectors_take_each_event_exactly_once_and_in_order(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*(noise(100) * 25))
    async with projecting(conninfo, TALLY), projecting(conninfo, TALLY), projecting(conninfo, TALLY):
        for _ in range(20):
            position = await ledger.append(*noise(40))
        await until(lambda: reached(project, TALLY, position))
    rows = await tallies(app)
    assert taken(rows) == [at for at, _ in ledger.appended]
    assert all(list(row.positions) == sorted(row.positions) for row in rows.values())
    assert await compare(project, decode, TALLY) == []


async def test_a_killed_connection_in_the_middle_of_a_tail_loses_and_doubles_nothing(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    killed = 0
    async with projecting(conninfo, TALLY):
        for n in range(30):
            position = await ledger.append(*noise(100))
            if n % 5 == 0:
                killed += await kill_projectors(ledger)
            await asyncio.sleep(0.01)
        await until(lambda: reached(project, TALLY, position))
    assert killed >= 2
    assert taken(await tallies(app)) == [at for at, _ in ledger.appended]


async def test_a_killed_connection_on_a_long_way_loses_and_doubles_nothing(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    position = await ledger.append(*noise(100) * 120)
    killed = 0
    async with projecting(conninfo, TALLY), projecting(conninfo, TALLY):
        while not await reached(project, TALLY, position):
            killed += await kill_projectors(ledger) if killed < 8 else 0
            await asyncio.sleep(0.03)
    assert killed >= 8
    assert taken(await tallies(app)) == [at for at, _ in ledger.appended]


async def test_a_long_way_is_made_in_batches(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*noise(100) * 25)
    projector = Projector("", decode, (TALLY,))
    async with Feed(conninfo, decode) as feed:
        assert [await projector.step(project, feed) for _ in range(4)] == [BATCH, BATCH, 500, 0]
    assert len(taken(await tallies(app))) == 2500


async def test_a_model_with_a_long_way_to_go_holds_nobody_up(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    await ledger.append(*noise(100) * 25)
    await step_all(project, LIVE)
    position = await ledger.append(*BEGUN)
    async with Feed(conninfo, decode) as feed:
        await Projector("", decode, (TALLY, LIVE)).step(project, feed)
    live, tally = await live_build(project, LIVE), await live_build(project, TALLY)
    assert live
    assert tally
    assert (live.position, tally.position) == (position, 1000)
    await step_all(project, TALLY, LIVE)
    assert await reached(project, TALLY, position)


async def test_a_model_that_fails_as_a_whole_holds_nobody_up(ledger: Ledger, project: AsyncConnection) -> None:
    position = await ledger.append(*BEGUN)
    tally = await live_build(project, TALLY)
    assert tally
    await project.execute("DROP TABLE read.tally_v1_1 CASCADE")
    await step_all(project, TALLY, LIVE)
    assert await reached(project, LIVE, position)
    assert not await reached(project, TALLY, position)


async def test_those_who_watch_are_told_after_the_rows_are_there(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    announced: list[str] = []
    async with projecting(conninfo, *MODELS, announced=announced):
        position = await ledger.append(*BEGUN, flagged())
        await until(lambda: reached(project, LIVE, position))
        await asyncio.sleep(0.1)
    assert set(announced) == {"schedule/anatomy", "session/s1"}


async def test_a_hint_that_cannot_be_given_harms_nothing(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    async def broken(_: object) -> None:
        raise ConnectionError

    task = asyncio.create_task(Projector(conninfo, decode, (LIVE,), announce=broken).run())
    await until(lambda: reached(project, LIVE, 0))
    first = await ledger.append(*BEGUN)
    await until(lambda: reached(project, LIVE, first))
    second = await ledger.append(flagged())
    await until(lambda: reached(project, LIVE, second))
    task.cancel()


async def test_a_text_with_a_nul_stops_nobody(ledger: Ledger, project: AsyncConnection, app: AsyncConnection) -> None:
    await ledger.append(*BEGUN, sent(text="a\0b\\u0000c"))
    await step_all(project, *MODELS)
    for model in MODELS:
        assert not (await find(app, model, "t")).stale
    row = (await find(app, next(m for m in MODELS if m.name == "chat"), "t")).rows["t/s1/m1"]
    assert row.text == "a\ufffdb\\u0000c"


async def test_many_may_prepare_at_once(conninfo: str, project: AsyncConnection) -> None:
    second = replace(TALLY, name="second")

    async def one() -> None:
        async with await connect(conninfo) as conn:
            await prepare(conn, (TALLY, second))

    await asyncio.gather(*(one() for _ in range(4)))
    assert [build.build for build in await builds_of(project, (second,))] == [1]


async def test_a_database_that_is_away_is_waited_for(ledger: Ledger, conninfo: str, project: AsyncConnection) -> None:
    (name,) = await (await ledger.owner.execute("SELECT current_database()")).fetchone() or ("",)
    limit = f"ALTER DATABASE {name} CONNECTION LIMIT"
    async with projecting(conninfo, TALLY):
        position = await ledger.append(*BEGUN)
        await until(lambda: reached(project, TALLY, position))
        await ledger.owner.execute(f"{limit} 0")
        await until(lambda: none_left(ledger))
        await asyncio.sleep(0.2)
        missed = await ledger.append(*BEGUN)
        await asyncio.sleep(0.5)
        assert not await reached(project, TALLY, missed)
        await ledger.owner.execute(f"{limit} -1")
        await until(lambda: reached(project, TALLY, missed))
