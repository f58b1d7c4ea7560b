"""A model is built again under writes, and nobody who reads sees an empty or half table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import psycopg
import pytest
from psycopg import AsyncConnection

from domain import fault
from projections import rebuild as rebuilding
from projections.builds import builds_of, create, live_build
from projections.feed import Feed
from projections.kernel import Projector
from projections.live import LIVE
from projections.model import Model
from projections.models import MODELS
from projections.reader import as_tenant, changes_since, find
from projections.rebuild import NewerVersion, rebuild, rebuild_all
from projections.refold import compare
from projections.switch import impatient
from tests.projections.hall import BEGUN, flagged
from tests.projections.ledger import TALLY, Ledger, Tally, decode, projecting, reached, step_all, until
from vigil.settings import as_role

SESSIONS = 60
DOUBLED: Model[Tally] = replace(
    TALLY, version=2, fold=lambda row, recorded: Tally(
        stream=recorded.stream, positions=(*(row.positions if row else ()), recorded.position, recorded.position)
    )
)  # fmt: skip


async def write(ledger: Ledger, rounds: int = 1) -> int:
    position = 0
    for _ in range(rounds):
        position = await ledger.append(*((f"t/session/s{n}", fault.FaultClosed(what="x")) for n in range(SESSIONS)))
    return position


@asynccontextmanager
async def meanwhile(*loops: AsyncIterator[None]) -> AsyncIterator[None]:
    """Turns these loops as long as the block lasts; what goes wrong in them fails the test."""

    async def turn(loop: AsyncIterator[None]) -> None:
        async for _ in loop:
            await asyncio.sleep(0.002)

    tasks = [asyncio.create_task(turn(loop)) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def writing(ledger: Ledger) -> AsyncIterator[None]:
    while True:
        await write(ledger)
        yield


async def reading(database: str, seen: list[tuple[int, int]], *, prepared: bool) -> AsyncIterator[None]:
    """Reads like the front door, over and over: how many rows, and the shortest of them."""
    async with await AsyncConnection.connect(as_role(database, "app"), autocommit=True) as conn:
        conn.prepare_threshold = 0 if prepared else None
        while True:
            rows = (await find(conn, TALLY, "t")).rows.values()
            seen.append((len(rows), min((len(row.positions) for row in rows), default=0)))
            async with as_tenant(conn, "t"):
                await (await conn.execute("SELECT key, data FROM read.tally")).fetchall()
            yield


async def test_no_reader_sees_an_empty_or_half_table_while_it_is_built_again_under_writes(
    ledger: Ledger, database: str, conninfo: str, project: AsyncConnection
) -> None:
    await write(ledger, 40)
    await step_all(project, TALLY)
    seen: list[tuple[int, int]] = []
    readers = [reading(database, seen, prepared=prepared) for prepared in (False, True)]
    async with projecting(conninfo, TALLY), projecting(conninfo, TALLY), meanwhile(*readers, writing(ledger)):
        await asyncio.sleep(0.1)
        for _ in range(3):
            before = await live_build(project, TALLY)
            assert before
            assert await rebuild(conninfo, decode, TALLY) > before.position
    position = await write(ledger)
    await step_all(project, TALLY)
    assert await reached(project, TALLY, position)
    assert len(seen) > 20
    assert {rows for rows, _ in seen} == {SESSIONS}
    assert min(shortest for _, shortest in seen) >= 40
    assert await compare(project, decode, TALLY) == []
    assert len(await builds_of(project, [TALLY])) == 1


async def test_what_readers_see_never_goes_back(
    ledger: Ledger, database: str, conninfo: str, project: AsyncConnection
) -> None:
    seen: list[tuple[int, int]] = []
    await write(ledger)
    await step_all(project, TALLY)
    async with projecting(conninfo, TALLY), meanwhile(reading(database, seen, prepared=True), writing(ledger)):
        for _ in range(3):
            await rebuild(conninfo, decode, TALLY)
    shortest = [shortest for _, shortest in seen]
    assert shortest == sorted(shortest)


async def test_a_higher_version_is_built_beside_the_lower_one_when_its_program_starts(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await write(ledger, 3)
    await step_all(project, TALLY)

    async def switched() -> bool:
        build = await live_build(project, DOUBLED)
        return build is not None and build.version == 2

    async with projecting(conninfo, TALLY), projecting(conninfo, DOUBLED), projecting(conninfo, DOUBLED):
        await until(switched)
        position = await write(ledger)
        await until(lambda: reached(project, DOUBLED, position))
        async with Feed(conninfo, decode) as feed:  # the older program has nothing left to do
            assert await Projector("", decode, [TALLY]).step(project, feed) == 0
    assert {len(row.positions) for row in (await find(app, DOUBLED, "t")).rows.values()} == {8}
    assert [build.version for build in await builds_of(project, [TALLY])] == [2]
    with pytest.raises(NewerVersion):
        await rebuild(conninfo, decode, TALLY)


async def test_other_columns_come_with_the_new_version(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await write(ledger)
    await step_all(project, TALLY)
    await rebuild(conninfo, decode, replace(DOUBLED, index=()))
    async with as_tenant(app, "t"):
        cursor = await app.execute("SELECT * FROM read.tally LIMIT 1")
    assert [column.name for column in cursor.description or ()] == ["key", "tenant", "data"]


async def test_a_rebuild_that_died_leaves_nothing_behind(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    await write(ledger, 20)
    await step_all(project, TALLY)
    dying = asyncio.create_task(rebuild(conninfo, decode, TALLY))
    await until(lambda: has_builds(project, 2))
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    await rebuild(conninfo, decode, TALLY)
    assert await has_builds(project, 1)
    tables = await project.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'read' AND tablename ~ '^tally'")
    assert len(await tables.fetchall()) == 1
    assert await compare(project, decode, TALLY) == []


async def has_builds(project: AsyncConnection, number: int) -> bool:
    return len(await builds_of(project, [TALLY])) == number


async def test_the_switch_waits_for_a_long_reader_and_others_read_on(
    ledger: Ledger, database: str, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await write(ledger)
    await step_all(project, TALLY)
    seen: list[tuple[int, int]] = []
    async with as_tenant(app, "t"):
        await app.execute("SELECT count(*) FROM read.tally")
        task = asyncio.create_task(rebuild(conninfo, decode, TALLY))
        async with meanwhile(reading(database, seen, prepared=False)):
            await asyncio.sleep(0.7)
        assert not task.done()
    await task
    assert {rows for rows, _ in seen} == {SESSIONS}
    assert await has_builds(project, 1)


async def test_two_rebuilds_come_one_after_the_other(ledger: Ledger, conninfo: str, project: AsyncConnection) -> None:
    position = await write(ledger)
    await step_all(project, TALLY)
    assert await asyncio.gather(*(rebuild(conninfo, decode, TALLY) for _ in range(3))) == [position] * 3
    assert await compare(project, decode, TALLY) == []


async def test_who_watches_begins_afresh_after_a_switch(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    mark = (await find(app, LIVE, "t")).mark
    assert await changes_since(app, "t", "schedule/anatomy", mark)
    await rebuild(conninfo, decode, LIVE)
    assert await changes_since(app, "t", "schedule/anatomy", mark) is None
    fresh = (await find(app, LIVE, "t")).mark
    await ledger.append(flagged())
    await step_all(project, LIVE)
    changes = await changes_since(app, "t", "schedule/anatomy", fresh)
    assert changes
    assert len(changes.told) == 1


async def test_nobody_but_the_projector_can_rebuild(database: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await rebuild(as_role(database, "app"), decode, TALLY)


async def test_a_rebuild_says_how_far_it_is(
    ledger: Ledger, conninfo: str, project: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "AT_ONCE", 1000)
    position = await write(ledger, 40)
    await step_all(project, TALLY)
    heard: list[tuple[int, int]] = []
    await rebuild(conninfo, decode, TALLY, lambda at, head: heard.append((at, head)))
    assert heard == [(1000, position), (2000, position), (position, position)]


async def test_all_models_are_built_again_at_once_and_one_that_fails_stays_as_it_was(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    position = await write(ledger, 20)
    await step_all(project, TALLY, *MODELS)

    unfit = replace(TALLY, name="tally", fold=lambda row, _: row or object())  # no row: it cannot be written
    answers = await rebuild_all(conninfo, decode, [unfit, *MODELS])
    assert isinstance(answers.pop("tally"), Exception)
    assert answers == {model.name: position for model in MODELS}
    assert {len(row.positions) for row in (await find(app, TALLY, "t")).rows.values()} == {20}
    for model in (TALLY, *MODELS):
        (build,) = await builds_of(project, [model])
        assert (build.live, build.build) == (True, 1 if model is TALLY else 2)
        assert await compare(project, decode, model) == []


async def test_two_rebuilds_of_many_models_do_not_lock_each_other_up(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    position = await write(ledger)
    await step_all(project, TALLY, LIVE)
    async with asyncio.timeout(20):
        there, back = await asyncio.gather(
            rebuild_all(conninfo, decode, [TALLY, LIVE]), rebuild_all(conninfo, decode, [LIVE, TALLY])
        )
    assert there == back == {"tally": position, "live": position}


async def test_a_projector_that_starts_clears_what_a_killed_rebuild_left(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    await write(ledger, 2)
    await step_all(project, TALLY)
    async with project.transaction():
        await create(project, TALLY, 2, live=False)
    async with projecting(conninfo, TALLY):
        await until(lambda: has_builds(project, 1))
    assert await compare(project, decode, TALLY) == []


async def test_the_first_tables_are_made_and_built_again_at_once(ledger: Ledger, conninfo: str) -> None:
    position = await write(ledger)
    async with projecting(conninfo, TALLY), projecting(conninfo, TALLY):
        assert await asyncio.gather(*(rebuild(conninfo, decode, TALLY) for _ in range(3))) == [position] * 3
    async with await AsyncConnection.connect(conninfo, autocommit=True) as project:
        assert await compare(project, decode, TALLY) == []


async def test_only_the_switch_waits_for_the_disk(conninfo: str) -> None:
    there = f"{conninfo} options='-c synchronous_commit=local'"
    async with await AsyncConnection.connect(there, autocommit=True) as conn:
        await conn.execute("SET synchronous_commit = off")
        async with impatient(conn):
            assert await (await conn.execute("SHOW synchronous_commit")).fetchone() == ("local",)
        assert await (await conn.execute("SHOW synchronous_commit")).fetchone() == ("off",)
