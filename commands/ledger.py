"""The one way in: a group-commit appender over the function `ledger.append`, and the reads that commands need.

Callers that arrive while a batch is being committed share the next one. A lost connection is reopened and the same
batch is sent again: receipts make that harmless, so a lost answer is never a lost or doubled command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from commands.archived import at_hand
from commands.arrays import Array, array, int4s
from domain.recorded import Stored

log = logging.getLogger(__name__)

Verdict = Literal["done", "again", "conflict", "archived"]
CALL = (
    "SELECT place, verdict, at_position, at_time, old_request, old_outcome FROM ledger.append("
    "%b::uuid[], %b::bytea[], %b::text[], %b::int[], %b::int[], %b::text[], %b::int[],"
    " %b::text[], %b::int[], %b::text[], %b::bytea[])"
)
FEW = 32  # commands that always go in one batch


class Part(NamedTuple):
    """One stream of a command: the version that was seen, and the (tag, state) of each new event; none if only read."""

    stream: str
    after: int
    events: Sequence[tuple[str, bytes]]


class Append(NamedTuple):
    """One command for the ledger: all its parts or nothing, and the receipt that it leaves."""

    command: UUID
    request: bytes
    outcome: str
    parts: Sequence[Part]


class Answer(NamedTuple):
    """`position` is of the last event, None when nothing changed; `request`, `outcome`: the receipt's, if `again`."""

    verdict: Verdict
    position: int | None
    recorded_at: datetime
    request: bytes | None
    outcome: str | None


class LedgerAway(Exception):
    """The database did not answer for long; nothing is known to be lost, and the same command may be sent again."""


class Appender:
    """Appends commands in batches. `patience_s` is how long a command waits for a database that is away."""

    def __init__(self, conninfo: str, *, patience_s: float = 20.0) -> None:
        self._conninfo = conninfo
        self._patience_s = patience_s
        self._waiting: Waiting = []
        self._wake = asyncio.Event()
        self._conn: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="ledger appender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for _, future in self._waiting:
            future.cancel()
        if self._conn:
            await self._conn.close()

    async def append(self, command: Append) -> Answer:
        """Raises `LedgerAway`, also when this process is about to end: then nobody would answer any more."""
        if self._task is None or self._task.done():
            raise LedgerAway("this process is stopping; try again in a moment")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            # Half of many that wait, so that their callers work on while the database takes the other half.
            batch, self._waiting = take(self._waiting, max(FEW, len(self._waiting) // 2))
            if not self._waiting:
                self._wake.clear()
            try:
                await self._settle(batch)
            except BaseException:
                for _, future in batch:
                    future.cancel()
                raise

    async def _settle(self, batch: Waiting) -> None:
        """Answers every command of a batch. One that the database cannot take does not harm the others."""
        while batch:
            try:
                rows = await self._send(arguments([command for command, _ in batch]))
            except Exception as error:
                if len(batch) > 1 and not isinstance(error, LedgerAway):
                    for item in batch:
                        await self._settle([item])
                    return
                log.exception("%d commands failed", len(batch))
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                return
            # A moment later, so that the next batch is on its way before callers take their turn.
            asyncio.get_running_loop().call_soon(_answer, batch, rows)
            judged = {place - 1 for place, *_ in rows}
            batch = [] if rows[0][1] == "done" else [item for n, item in enumerate(batch) if n not in judged]

    async def _send(self, work: tuple[Array, ...]) -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + self._patience_s, 0.05
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    self._conn = await _connect(self._conninfo)
                cursor = await self._conn.execute(CALL, work, prepare=True, binary=True)
                return await cursor.fetchall()
            except psycopg.OperationalError as error:
                if self._conn:
                    await self._conn.close()
                if loop.time() > until:
                    raise LedgerAway("the database is away; try again in a moment") from error
                log.warning("the ledger's connection was lost; the batch is sent again")
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)


def _answer(batch: Waiting, rows: list[tuple[Any, ...]]) -> None:
    """Tells the callers what `ledger.append` said: `done` to all, or to some of them why not."""
    _, verdict, last, at, *_ = rows[0]
    if verdict == "done":
        reaches = _reaches([command for command, _ in batch])
        before = (last or 0) - max(reaches)
        told = [
            (future, Answer("done", before + reach if reach else None, at, None, None))
            for (_, future), reach in zip(batch, reaches, strict=True)
        ]
    else:
        told = [(batch[place - 1][1], Answer(*answer)) for place, *answer in rows]
    for future, answer in told:
        if not future.done():
            future.set_result(answer)


async def _connect(conninfo: str) -> AsyncConnection:
    """Notices within a command's patience that a server is gone, also when that went without a word."""
    return await AsyncConnection.connect(
        conninfo, autocommit=True, connect_timeout=5, keepalives_idle=5, keepalives_interval=5, keepalives_count=2,
        tcp_user_timeout=15000,
    )  # fmt: skip


Waiting = list[tuple[Append, "asyncio.Future[Answer]"]]


def take(waiting: Waiting, most: int) -> tuple[Waiting, Waiting]:
    """Splits what waits into the next batch and the rest.

    A batch is judged as a whole against the ledger before it, so a command is in it once, and a stream that one command
    writes is touched by no other. Many may read the same stream.
    """
    batch: Waiting = []
    rest: Waiting = []
    commands: set[UUID] = set()
    reads: set[str] = set()
    writes: set[str] = set()
    for n, item in enumerate(waiting):
        if len(batch) == most:
            return batch, rest + waiting[n:]
        command = item[0]
        wants = {p.stream for p in command.parts}
        makes = {p.stream for p in command.parts if p.events}
        if command.command not in commands and makes.isdisjoint(reads) and wants.isdisjoint(writes):
            batch.append(item)
            commands.add(command.command)
        else:
            rest.append(item)
        reads |= wants  # a later command may not overtake an earlier one on the same stream
        writes |= makes
    return batch, rest


def arguments(work: Sequence[Append]) -> tuple[Array, ...]:
    """The arrays that `ledger.append` takes."""
    parts = [(n, part) for n, command in enumerate(work, 1) for part in command.parts]
    written = [part for _, part in parts if part.events]
    return (
        array("uuid", [c.command.bytes for c in work]),
        array("bytea", [c.request for c in work]),
        array("text", [c.outcome.encode() for c in work]),
        int4s(_reaches(work)),
        int4s([n for n, _ in parts]),
        array("text", [p.stream.encode() for _, p in parts]),
        int4s([p.after for _, p in parts]),
        array("text", [p.stream.encode() for p in written for _ in p.events]),
        int4s([p.after + n for p in written for n in range(1, len(p.events) + 1)]),
        array("text", [tag.encode() for p in written for tag, _ in p.events]),
        array("bytea", [state for p in written for _, state in p.events]),
    )


def _reaches(work: Sequence[Append]) -> list[int]:
    """How many events there are up to each command's last; 0 for a command without any."""
    reaches, total = [], 0
    for command in work:
        count = sum([len(part.events) for part in command.parts])
        total += count
        reaches.append(total if count else 0)
    return reaches


COLUMNS = "notification_id, originator_id, originator_version, topic, recorded_at, state"


async def read_stream(conn: AsyncConnection, stream: str, after: int = 0, up_to: int | None = None) -> list[Stored]:
    """The rows of one stream after a version, in order, up to a position of the ledger when one is given.

    Raises `Away` where it is archived.
    """
    cursor = await conn.execute(
        f"SELECT {COLUMNS} FROM ledger.events WHERE originator_id = %s AND originator_version > %s"  # noqa: S608
        " AND (%s::bigint IS NULL OR notification_id <= %s) ORDER BY originator_version",
        (stream, after, up_to, up_to),
        prepare=True,
    )
    rows = [Stored(*row) async for row in cursor]
    await at_hand(conn, rows)
    return rows


async def position_at(conn: AsyncConnection, moment: datetime) -> int:
    """The last position recorded at or before a moment; 0 when there is none."""
    cursor = await conn.execute(
        "SELECT notification_id FROM ledger.events WHERE recorded_at <= %s"
        " ORDER BY recorded_at DESC, notification_id DESC LIMIT 1",
        (moment,),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def last_position(conn: AsyncConnection) -> int:
    """The position of the last event; 0 when there is none."""
    cursor = await conn.execute("SELECT coalesce(max(notification_id), 0) FROM ledger.events")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def read_session(
    conn: AsyncConnection, tenant: str, session: str, up_to: int | None = None, *, whole: bool = True
) -> list[Stored]:
    """Every event of a session's streams in the order of the ledger, up to a position when one is given.

    Raises `Away` where it is archived; unless `whole`: then the state of what is away is empty.
    """
    exact = [f"{tenant}/{kind}/{session}" for kind in ("session", "incidents", "chat", "record")]
    # Names below a session begin with `<session>.`; in the C collation `/` is the character after `.`.
    ranges = [f"{tenant}/{kind}/{session}" for kind in ("intervention", "recording")]
    cursor = await conn.execute(
        f"SELECT {COLUMNS} FROM ledger.events WHERE (originator_id = ANY(%s)"  # noqa: S608
        " OR (originator_id >= %s AND originator_id < %s) OR (originator_id >= %s AND originator_id < %s))"
        " AND (%s::bigint IS NULL OR notification_id <= %s) ORDER BY notification_id",
        (exact, *(name + end for name in ranges for end in "./"), up_to, up_to),
        prepare=True,
        binary=True,
    )
    rows = [Stored(*row) for row in await cursor.fetchall()]  # row by row it would take twice as long
    if whole:
        await at_hand(conn, rows)
    return rows
