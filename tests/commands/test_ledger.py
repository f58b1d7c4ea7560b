"""The ledger on a real PostgreSQL: one order, one verdict for each command, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commands.ledger import (
    CALL,
    Answer,
    Append,
    Appender,
    LedgerAway,
    Part,
    arguments,
    position_at,
    read_session,
    read_stream,
)
from domain.recorded import Stored

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

SLOT = "tu/slot/1"


def command(*parts: Part, id: UUID | None = None, request: bytes = b"r", outcome: str = "{}") -> Append:  # noqa: A002
    return Append(id or uuid4(), request, outcome, parts)


def writes(stream: str, after: int = 0, *, count: int = 1) -> Part:
    return Part(stream, after, [("session.opened", f"{stream} {after + n}".encode()) for n in range(1, count + 1)])


def reads(stream: str, after: int) -> Part:
    return Part(stream, after, ())


async def everything(conn: AsyncConnection) -> list[Stored]:
    rows = await conn.execute(
        "SELECT notification_id, originator_id, originator_version, topic, recorded_at, state FROM ledger.events"
        " ORDER BY notification_id"
    )
    return [Stored(*row) async for row in rows]


@pytest.fixture
async def appender(processes: Processes) -> Appender:
    return await processes.appender()


# Verdicts.


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


# Races.


async def test_of_ten_who_want_the_last_place_one_gets_it_and_the_others_leave_no_trace(
    processes: Processes, app: AsyncConnection
) -> None:
    appenders = [await processes.appender() for _ in range(2)]
    await appenders[0].append(command(writes(SLOT)))
    racers = [command(writes(SLOT, 1), writes(f"tu/booking/{n}")) for n in range(10)]
    answers = await asyncio.gather(*(appenders[n % 2].append(racer) for n, racer in enumerate(racers)))
    assert Counter(answer.verdict for answer in answers) == {"done": 1, "conflict": 9}
    winner = next(n for n, answer in enumerate(answers) if answer.verdict == "done")
    assert [row.stream for row in await everything(app)] == [SLOT, SLOT, f"tu/booking/{winner}"]


async def test_one_command_delivered_ten_times_by_two_processes_has_one_position(
    processes: Processes, app: AsyncConnection
) -> None:
    appenders = [await processes.appender() for _ in range(2)]
    once = command(writes("tu/a/1"))
    answers = await asyncio.gather(*(appenders[n % 2].append(once) for n in range(10)))
    assert Counter(answer.verdict for answer in answers) == {"done": 1, "again": 9}
    assert len({(answer.position, answer.recorded_at) for answer in answers}) == 1
    assert len(await everything(app)) == 1


async def test_nobody_overtakes_on_a_stream_that_an_earlier_command_waits_for(appender: Appender) -> None:
    busy = [command(writes("tu/a/1", n)) for n in range(40)]
    answers = await asyncio.gather(*map(appender.append, busy))
    assert {answer.verdict for answer in answers} == {"done"}
    positions = [answer.position or 0 for answer in answers]
    assert positions == sorted(positions)


# Lost connections.


async def _kill_appenders(owner: AsyncConnection) -> int:
    killed = await owner.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'vigil_app' AND query LIKE '%ledger.append%' AND datname = current_database()"
    )
    return (await killed.fetchone() or (0,))[0]


async def test_connections_killed_in_mid_flight_lose_nothing_and_double_nothing(
    processes: Processes, owner: AsyncConnection
) -> None:
    appender = await processes.appender()
    killed = 0

    async def caller(n: int) -> list[Answer]:
        return [await appender.append(command(writes(f"tu/caller/{n}", v))) for v in range(30)]

    callers = asyncio.gather(*(caller(n) for n in range(16)))
    while not callers.done():
        await asyncio.sleep(0.03)
        killed += await _kill_appenders(owner)
    answers = [answer for answers in await callers for answer in answers]
    assert killed >= 2
    assert {answer.verdict for answer in answers} <= {"done", "again"}  # again: its answer had been lost
    rows = await everything(owner)
    assert Counter(row.stream for row in rows) == {f"tu/caller/{n}": 30 for n in range(16)}
    assert sorted(row.position for row in rows) == sorted(answer.position or 0 for answer in answers)


@asynccontextmanager
async def _losing_one_answer(url: str) -> AsyncIterator[str]:
    """A way to the database that breaks when `ledger.append` first answers, which is after its commit."""
    place = conninfo_to_dict(url)
    lost = False

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        nonlocal lost
        while data := await source.read(65536):
            if answers and not lost and b"SELECT 1\0" in data:
                lost = True
                break
            sink.write(data)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = f"{place['host']}/.s.PGSQL.{place.get('port', 5432)}"
        there, back = await asyncio.open_unix_connection(path)
        with suppress(ConnectionError):
            await asyncio.gather(carry(reader, back, answers=False), carry(there, writer, answers=True))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield make_conninfo(url, host="127.0.0.1", port=server.sockets[0].getsockname()[1], sslmode="disable")
    assert lost


async def test_a_command_whose_answer_was_lost_after_the_commit_is_told_its_position(
    processes: Processes, app: AsyncConnection
) -> None:
    async with _losing_one_answer(processes.url("app")) as url, Appender(url) as appender:
        answer = await appender.append(command(writes("tu/a/1"), request=b"mine"))
        assert (answer.verdict, answer.request) == ("again", b"mine")
        assert [row.position for row in await everything(app)] == [answer.position]


async def test_a_database_that_stays_away_is_said_so_and_the_next_command_tries_again() -> None:
    async with Appender("host=127.0.0.1 port=1 dbname=nowhere", patience_s=0.1) as appender:
        for _ in range(2):
            with pytest.raises(LedgerAway):
                await appender.append(command(writes("tu/a/1")))


async def test_a_command_that_the_database_cannot_take_does_not_harm_the_others(
    appender: Appender, app: AsyncConnection
) -> None:
    twice = command(writes("tu/a/1"), writes("tu/a/1"))  # the same stream named twice: two events of one version
    good = [command(writes(f"tu/b/{n}")) for n in range(3)]
    answers = await asyncio.gather(*map(appender.append, [good[0], twice, *good[1:]]), return_exceptions=True)
    assert isinstance(answers[1], psycopg.errors.UniqueViolation)
    assert [answer.verdict for answer in answers if isinstance(answer, Answer)] == ["done"] * 3
    assert len(await everything(app)) == 3


async def test_a_caller_who_gives_up_does_not_stop_the_others(appender: Appender, app: AsyncConnection) -> None:
    tasks = [asyncio.create_task(appender.append(command(writes(f"tu/a/{n}")))) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await appender.append(command(writes("tu/a/9")))).verdict == "done"
    assert tasks[0].result().verdict == tasks[2].result().verdict == "done"


# Order.


async def test_a_reader_at_the_tail_misses_nothing_while_many_write(processes: Processes, app: AsyncConnection) -> None:
    appenders = [await processes.appender() for _ in range(4)]
    writing = True
    seen: list[Stored] = []

    async def reader() -> None:
        while True:
            last = not writing
            rows = await app.execute(
                "SELECT notification_id, originator_id, originator_version, topic, recorded_at, state"
                " FROM ledger.events WHERE notification_id > %s ORDER BY notification_id",
                (seen[-1].position if seen else 0,),
            )
            seen.extend([Stored(*row) async for row in rows])
            if last:
                return

    async def writer(n: int) -> list[Answer]:
        return [await appenders[n % 4].append(command(writes(f"tu/writer/{n}", v))) for v in range(300)]

    tail = asyncio.create_task(reader())
    answers = [answer for answers in await asyncio.gather(*(writer(n) for n in range(8))) for answer in answers]
    writing = False
    await tail

    assert len(answers) == 2400
    assert [row.position for row in seen] == sorted(answer.position or 0 for answer in answers)
    assert [row.position for row in seen] == list(range(seen[0].position, seen[0].position + 2400))
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(seen))
    for n in range(8):
        assert [row.version for row in seen if row.stream == f"tu/writer/{n}"] == list(range(1, 301))


async def test_the_recorded_time_never_goes_back_even_when_the_clock_does(
    appender: Appender, owner: AsyncConnection
) -> None:
    await owner.execute(
        "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
        " VALUES ('tu/future/1', 1, 't', '', now() + interval '1 hour')"
    )
    answers = [await appender.append(command(writes("tu/a/1", n))) for n in range(2)]
    rows = await everything(owner)
    assert {row.recorded_at for row in rows} == {rows[0].recorded_at}
    assert {answer.recorded_at for answer in answers} == {rows[0].recorded_at}


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


# Who may write.


STATEMENTS = {
    "insert": "INSERT INTO ledger.{} OVERRIDING SYSTEM VALUE SELECT * FROM ledger.{}",
    "update": "UPDATE ledger.{} SET recorded_at = now()",
    "delete": "DELETE FROM ledger.{}",
    "truncate": "TRUNCATE ledger.{}",
}


@pytest.mark.parametrize("role", ["app", "project", "keys", "notary"])
@pytest.mark.parametrize("table", ["events", "receipts"])
async def test_no_role_of_ours_writes_to_the_ledger_but_through_its_function(
    processes: Processes, role: str, table: str
) -> None:
    connection = await processes.connection(role)
    for statement in STATEMENTS.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement.format(table, table))


@pytest.mark.parametrize("role", ["project", "keys", "notary"])
async def test_only_the_application_may_append(processes: Processes, role: str) -> None:
    connection = await processes.connection(role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute("SELECT ledger.append('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')")


@pytest.mark.parametrize("table", ["events", "receipts"])
@pytest.mark.parametrize("act", ["update", "delete", "truncate"])
async def test_even_the_owner_is_stopped_from_changing_what_was_recorded(
    appender: Appender, owner: AsyncConnection, table: str, act: str
) -> None:
    await appender.append(command(writes("tu/a/1")))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        await owner.execute(STATEMENTS[act].format(table))
    rows = await owner.execute(f"SELECT count(*) FROM ledger.{table}")
    assert await rows.fetchone() == (1,)


async def test_the_application_cannot_choose_a_position_or_a_time(app: AsyncConnection) -> None:
    for statement in (
        "SELECT nextval(pg_get_serial_sequence('ledger.events', 'notification_id'))",
        "SET ROLE postgres",
    ):
        with pytest.raises(psycopg.Error):
            await app.execute(statement)


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
        await conn.execute(CALL, arguments(batch), prepare=True)
    plan = next(plan for plan in plans if "judged" in plan)
    assert "events_pkey on events" in plan
    assert "receipts_pkey on receipts" in plan
    assert not re.search("Seq Scan on (events|receipts)", plan)
    assert "Rows Removed by Join Filter" not in plan  # or its time would grow with the square of the batch
    assert max(float(rows) for rows in re.findall(r"actual .*rows=([0-9.]+)", plan)) <= 200
