"""The ledger on a real PostgreSQL: one verdict for each command, and what is read back."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from commands.ledger import (
    CALL,
    Answer,
    Appender,
    LedgerAway,
    arguments,
    position_at,
    read_session,
    read_stream,
)
from tests.commands.appends import command, everything, reads, writes
from tests.commands.conftest import Processes

# Verdicts.


async def test_an_appender_that_has_stopped_says_so_and_lets_nobody_wait(processes: Processes) -> None:
    async with Appender(processes.url("app")) as appender:
        pass
    with pytest.raises(LedgerAway, match="stopping"):
        async with asyncio.timeout(5):
            await appender.append(command(writes("tu/a/1")))


async def test_a_command_is_done_and_its_events_lie_in_order(appender: Appender, app: AsyncConnection) -> None:
    answer = await appender.append(command(writes("tu/a/1", count=2), writes("tu/b/1", count=3)))
    rows = await everything(app)
    assert (answer.verdict, answer.position) == ("done", rows[-1].position)
    assert [(row.stream, row.version) for row in rows] == [
        ("tu/a/1", 1), ("tu/a/1", 2), ("tu/b/1", 1), ("tu/b/1", 2), ("tu/b/1", 3),
    ]  # fmt: skip
    assert [row.position for row in rows] == list(range(rows[0].position, rows[0].position + 5))
    assert {row.recorded_at for row in rows} == {answer.recorded_at}
    assert [row.state for row in rows] == [f"{row.stream} {row.version}".encode() for row in rows]


async def test_the_same_command_again_gets_the_receipt_and_changes_nothing(
    appender: Appender, app: AsyncConnection
) -> None:
    first = command(writes("tu/a/1"), request=b"first", outcome='{"ids":{"a":"1"}}')
    done = await appender.append(first)
    again = await appender.append(first._replace(request=b"other", outcome="{}", parts=[writes("tu/a/1", 1)]))
    assert again == Answer("again", done.position, done.recorded_at, b"first", '{"ids":{"a":"1"}}')
    assert len(await everything(app)) == 1


async def test_a_command_that_changes_nothing_has_a_receipt_and_no_position(appender: Appender) -> None:
    nothing = command(reads("tu/a/1", 0), outcome='{"rule":"no"}')
    assert (await appender.append(nothing)).position is None
    again = await appender.append(nothing)
    assert (again.verdict, again.position, again.outcome) == ("again", None, '{"rule":"no"}')


@pytest.mark.parametrize("after", [0, 2])
async def test_a_stream_that_has_moved_on_is_a_conflict_which_leaves_no_receipt(
    appender: Appender, app: AsyncConnection, after: int
) -> None:
    await appender.append(command(writes("tu/a/1")))
    stale = command(writes("tu/a/1", after))
    for _ in range(2):
        assert (await appender.append(stale)).verdict == "conflict"
    assert len(await everything(app)) == 1
    assert (await appender.append(stale._replace(parts=[writes("tu/a/1", 1)]))).verdict == "done"


async def test_a_stream_that_was_only_read_must_not_have_moved_on_either(
    appender: Appender, app: AsyncConnection
) -> None:
    await appender.append(command(writes("tu/a/1", count=3)))
    stale, fresh = (command(reads("tu/a/1", seen), writes("tu/b/1")) for seen in (2, 3))
    assert (await appender.append(stale)).verdict == "conflict"
    assert (await appender.append(fresh)).verdict == "done"
    assert [row.stream for row in await everything(app)][3:] == ["tu/b/1"]


async def test_a_command_over_many_streams_happens_as_a_whole_or_not_at_all(
    appender: Appender, app: AsyncConnection
) -> None:
    await appender.append(command(writes("tu/b/1")))
    half = command(writes("tu/a/1"), writes("tu/b/1"), writes("tu/c/1"))
    assert (await appender.append(half)).verdict == "conflict"
    assert [row.stream for row in await everything(app)] == ["tu/b/1"]


async def test_each_command_of_a_batch_is_judged_for_itself(appender: Appender, app: AsyncConnection) -> None:
    old = command(writes("tu/a/1"))
    await appender.append(old)
    mixed = [old, command(writes("tu/a/1")), command(writes("tu/a/1", 1)), command(writes("tu/b/1")), command()]
    answers = await asyncio.gather(*map(appender.append, mixed))
    assert [answer.verdict for answer in answers] == ["again", "conflict", "done", "done", "done"]
    assert len(await everything(app)) == 3


# Reading.


async def test_a_stream_is_read_from_a_version_up_to_a_position(appender: Appender, app: AsyncConnection) -> None:
    for n in range(4):
        await appender.append(command(writes("tu/a/1", n)))
        await appender.append(command(writes("tu/a/11", n)))
    rows = await read_stream(app, "tu/a/1")
    assert [(row.stream, row.version) for row in rows] == [("tu/a/1", n) for n in (1, 2, 3, 4)]
    assert await read_stream(app, "tu/a/1", 2) == rows[2:]
    assert await read_stream(app, "tu/a/1", 1, rows[2].position) == rows[1:3]
    assert await read_stream(app, "tu/a/2") == []


async def test_a_moment_is_the_last_position_recorded_by_then(appender: Appender, app: AsyncConnection) -> None:
    answers = [await appender.append(command(writes("tu/a/1", n))) for n in range(3)]
    first, second = answers[0], answers[1]
    assert await position_at(app, first.recorded_at - timedelta(microseconds=1)) == 0
    assert await position_at(app, first.recorded_at) == first.position
    assert await position_at(app, second.recorded_at - timedelta(microseconds=1)) == first.position
    assert await position_at(app, second.recorded_at + timedelta(days=1)) == answers[2].position


async def test_a_session_is_read_with_all_its_streams_and_no_other_session(
    appender: Appender, app: AsyncConnection
) -> None:
    own = [
        "tu/session/s1", "tu/recording/s1.camera", "tu/chat/s1", "tu/intervention/s1.i1", "tu/recording/s1.screen",
        "tu/incidents/s1", "tu/record/s1",
    ]  # fmt: skip
    others = [
        "tu/session/s11", "tu/recording/s11.camera", "tu/recording/s1", "tu/intervention/s1-i1", "mit/session/s1",
        "mit/recording/s1.camera", "tu/schedule/s1", "tu/user/s1",
    ]  # fmt: skip
    for stream in (own[0], *others, *own[1:]):
        await appender.append(command(writes(stream)))
    rows = await read_session(app, "tu", "s1")
    assert [row.stream for row in rows] == own
    assert await read_session(app, "tu", "s1", rows[3].position) == rows[:4]


# The plan.


async def test_an_append_stays_quick_when_its_plan_was_made_for_an_empty_table(database: str) -> None:
    """Each connection keeps the plan of its first call: on a new installation, from when there was nothing."""
    plans: list[str] = []
    async with await AsyncConnection.connect(database, autocommit=True) as conn:
        conn.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        await conn.execute("LOAD 'auto_explain'")
        await conn.execute("SET auto_explain.log_nested_statements = on")
        for n in range(10):
            await conn.execute(CALL, arguments([command(writes(f"tu/a/{n}"))]), prepare=True)
        await conn.execute(
            "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
            " SELECT 'tu/filler/' || n, 1, 't', '', now() FROM generate_series(1, 20000) n"
        )
        await conn.execute(
            "INSERT INTO ledger.receipts (command, request, outcome, recorded_at)"
            " SELECT gen_random_uuid(), '', '{}', now() FROM generate_series(1, 20000)"
        )
        for setting in (
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "client_min_messages = log",
        ):
            await conn.execute(f"SET {setting}")
        batch = [command(reads("tu/filler/7", 1), writes(f"tu/b/{n}")) for n in range(100)]
        for _ in range(2):  # done, and done before
            await conn.execute(CALL, arguments(batch), prepare=True)
    plan = "\n".join(plans)
    assert "events_pkey on events" in plan
    assert "receipts_pkey on receipts" in plan
    assert not re.search("Seq Scan on (events|receipts)", plan)
    assert "Rows Removed by Join Filter" not in plan  # or its time would grow with the square of the batch
    assert max(float(rows) for rows in re.findall(r"actual .*rows=([0-9.]+)", plan)) <= 200
