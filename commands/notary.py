"""The notary: seals the ledger into a Merkle tree and signs checkpoints over it.

It follows events by position, which is commit order, so it can miss none. Leaves and nodes are stored in batches, each
in one transaction. A head is signed at most once a second while there is something new, and at once when somebody asks.
Any number of notaries may run: an advisory lock lets one work at a time, and each goes on from what is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import psycopg
from psycopg import AsyncConnection

from commands.checkpoint import Signer
from commands.leaf import leaf
from commands.merkle import Frontier, Node, Span, cover
from commands.proofs import ASKED, Checkpoint, RecordRoot, covering, read_after, record_root, stored_nodes

__all__ = ["Batch", "Checkpoint", "Notary", "NotaryAway", "RecordRoot", "Signer", "record_root", "seal_batch", "sign"]

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 1000  # events in a transaction
EVERY_S = 1.0  # between two checkpoints that nobody asked for, and between two polls
LOCK = 0x7669676E6F74  # the advisory lock's number: "vignot" in ASCII


class NotaryAway(Exception):
    """The database did not answer for long; what was asked may be asked again."""


class Batch(NamedTuple):
    """How many events were sealed now, and the last position that is sealed."""

    events: int
    reached: int


class Notary:
    """Seals while it is entered. `conninfo` is for the role `vigil_notary`."""

    def __init__(self, conninfo: str, signer: Signer, *, every_s: float = EVERY_S, patience_s: float = 20.0) -> None:
        self._conninfo = conninfo
        self._signer = signer
        self._every_s = every_s
        self._patience_s = patience_s
        self._conn: AsyncConnection | None = None
        self._turn = asyncio.Lock()  # one user of the connection at a time
        self._new = asyncio.Event()
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._follow(), name="notary"),
            asyncio.create_task(self._listen(), name="notary's ears"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._conn:
            await self._conn.close()

    async def run(self) -> None:
        """Seals until cancelled."""
        async with self:
            await asyncio.gather(*self._tasks)

    async def seal_up_to(self, position: int) -> Checkpoint:
        """A checkpoint over this position: one that exists, or one signed now. LookupError without such an event."""

        async def work(conn: AsyncConnection) -> Checkpoint:
            while (found := await covering(conn, position)) is None:
                events, reached = await seal_batch(conn)
                if events == BATCH and reached < position:
                    continue
                if await sign(conn, self._signer) is None:
                    raise LookupError(f"the ledger has no event at position {position}")
            return found

        return await self._with_connection(work, self._patience_s)

    async def _follow(self) -> None:
        while True:
            try:
                await self._with_connection(self._pass, self._patience_s)
            except NotaryAway:
                log.warning("the notary cannot reach its database and goes on trying")
            except Exception:
                log.exception("a pass of the notary failed; the next one begins where it stood")
            await _event(self._asked, self._every_s)  # nothing sooner unless it was asked for
            await _event(self._new, self._every_s)
            self._new.clear()
            self._asked.clear()

    async def _pass(self, conn: AsyncConnection) -> None:
        while (await seal_batch(conn)).events == BATCH:
            pass
        await sign(conn, self._signer)

    async def _listen(self) -> None:
        """Hears hints. When this connection is lost, the poll goes on alone until it is back."""
        while True:
            with suppress(psycopg.OperationalError):
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as conn:
                    await conn.execute("LISTEN ledger")
                    await conn.execute(f"LISTEN {ASKED}")
                    async for hint in conn.notifies():
                        self._new.set()
                        if hint.channel == ASKED:
                            self._asked.set()
            await asyncio.sleep(self._every_s)

    async def _with_connection(self, work: Callable[[AsyncConnection], Awaitable[T]], patience_s: float) -> T:
        """Runs repeatable work, again on a new connection when one is lost."""
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + patience_s, 0.05
        while True:
            try:
                async with self._turn:
                    if self._conn is None or self._conn.closed:
                        self._conn = await AsyncConnection.connect(self._conninfo, autocommit=True)
                    return await work(self._conn)
            except psycopg.OperationalError as error:
                if self._conn:
                    await self._conn.close()
                if loop.time() > until:
                    raise NotaryAway("the notary's database is away; try again in a moment") from error
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)


async def seal_batch(conn: AsyncConnection, most: int = BATCH) -> Batch:
    """Turns the next events into leaves and nodes, in one transaction."""
    async with conn.transaction():
        edge, position = await _edge(conn)
        rows = await read_after(conn, position, most)
        leaves: list[tuple[int, int, bytes]] = []
        nodes: list[Node] = []
        for row in rows:
            hash_ = leaf(row)
            leaves.append((edge.size, row.position, hash_))
            nodes += edge.append(hash_)
        if leaves:
            await _copy(conn, "leaves (index, position, hash)", "int8", leaves)
            await _copy(conn, "nodes (level, index, hash)", "int2", nodes)
        return Batch(len(rows), rows[-1].position if rows else position)


async def sign(conn: AsyncConnection, signer: Signer) -> Checkpoint | None:
    """Signs and stores the head of the tree; None when the last checkpoint says the same already."""
    async with conn.transaction():
        edge, position = await _edge(conn)
        if edge.size == 0:
            return None
        root = edge.root()
        note = signer.note(edge.size, root)
        cursor = await conn.execute(
            "INSERT INTO ledger.checkpoints (size, position, root, note) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (size) DO NOTHING RETURNING signed_at",
            (edge.size, position, root, note),
        )
        made = await cursor.fetchone()
        return Checkpoint(edge.size, position, root, note, made[0]) if made else None


async def _edge(conn: AsyncConnection) -> tuple[Frontier, int]:
    """The tree's right edge and the last sealed position, with the lock held until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    cursor = await conn.execute("SELECT index + 1, position FROM ledger.leaves ORDER BY index DESC LIMIT 1")
    size, position = await cursor.fetchone() or (0, 0)
    places = cover(Span(0, size))
    nodes = await stored_nodes(conn, places)
    return Frontier(size, [nodes[place] for place in places]), position


async def _copy(conn: AsyncConnection, into: str, first: str, rows: list[tuple[int, int, bytes]]) -> None:
    async with conn.cursor().copy(f"COPY ledger.{into} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([first, "int8", "bytea"])
        for row in rows:
            await copy.write_row(row)


async def _event(event: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):  # `wait_for` loses a cancellation that comes with the event
            await event.wait()
