"""The ledger under stress: races, killed connections and lost answers lose nothing, double nothing, keep one order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commands.ledger import (
    Answer,
    Appender,
    LedgerAway,
)
from domain.recorded import Stored
from tests.commands.appends import command, everything, writes

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

SLOT = "tu/slot/1"


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
        answers: list[Answer] = []
        while killed < 5:
            answers.append(await appender.append(command(writes(f"tu/caller/{n}", len(answers)))))
        return answers

    callers = asyncio.gather(*(caller(n) for n in range(16)))
    while killed < 5:
        await asyncio.sleep(0.03)
        killed += await _kill_appenders(owner)
    told = await callers
    answers = [answer for answers in told for answer in answers]
    assert {answer.verdict for answer in answers} <= {"done", "again"}  # again: its answer had been lost
    rows = await everything(owner)
    assert Counter(row.stream for row in rows) == {f"tu/caller/{n}": len(told[n]) for n in range(16)}
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
