"""The ledger in decoded batches. While one is folded, the next is read on a connection of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from psycopg import AsyncConnection

from projections.connection import connect
from projections.events import read_after
from projections.model import Decode, Entry, decoded

BATCH = 1000  # events


class Batch(NamedTuple):
    """The decoded events of a stretch of the ledger, its last position (None: nothing there), and how many it has."""

    entries: list[Entry]
    last: int | None
    size: int


Tags = frozenset[str] | None


class Feed:
    """Reads ahead only where there is a long way to go, so that nothing waits in memory while it follows the present.

    Used by one task. A lost connection shows as it does without reading ahead.
    """

    def __init__(self, conninfo: str, decode: Decode, *, at_once: int = BATCH) -> None:
        self.at_once = at_once
        self._conninfo = conninfo
        self._decode = decode
        self._conn: AsyncConnection | None = None
        self._next: tuple[tuple[int, Tags], asyncio.Task[Batch]] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._next:
            self._next[1].cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._next[1]
        if self._conn:
            await self._conn.close()

    async def after(
        self, conn: AsyncConnection, position: int, *, tags: Tags = None, up_to: int | None = None
    ) -> Batch:
        """The next events, at most `at_once`, and none beyond `up_to` when it is given.

        Only those with one of `tags` are decoded. `conn` reads what was not read ahead.
        """
        if up_to is None and self._next and self._next[0] == (position, tags):
            (_, task), self._next = self._next, None
            batch = await task
        else:
            batch = await self._read(conn, position, tags, up_to)
        if batch.last and batch.size == self.at_once and (self._next is None or self._next[1].done()):
            self._next = ((batch.last, tags), asyncio.create_task(self._ahead(batch.last, tags), name="reading ahead"))
        return batch

    async def _ahead(self, position: int, tags: Tags) -> Batch:
        self._conn = self._conn or await connect(self._conninfo)
        return await self._read(self._conn, position, tags, None)

    async def _read(self, conn: AsyncConnection, position: int, tags: Tags, up_to: int | None) -> Batch:
        rows = await read_after(conn, position, self.at_once, up_to=up_to)
        wanted = rows if tags is None else [row for row in rows if row.tag in tags]
        return Batch(await decoded(self._decode, wanted), rows[-1].position if rows else None, len(rows))
