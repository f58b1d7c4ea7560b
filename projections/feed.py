"""The ledger in decoded batches. While one is folded, the next is read on a connection of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from psycopg import AsyncConnection

from projections.connection import connect
from projections.events import read_after
from projections.model import Decode, Entry, decoded

BATCH = 1000  # events


class Feed:
    """Reads ahead only where there is a long way to go, so that nothing waits in memory while it follows the present.

    Used by one task. A lost connection shows as it does without reading ahead.
    """

    def __init__(self, conninfo: str, decode: Decode) -> None:
        self._conninfo = conninfo
        self._decode = decode
        self._conn: AsyncConnection | None = None
        self._next: tuple[int, asyncio.Task[list[Entry]]] | None = None

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

    async def after(self, conn: AsyncConnection, position: int, *, up_to: int | None = None) -> list[Entry]:
        """The events after a position, and none beyond `up_to` when it is given.

        At most `BATCH`. `conn` reads what was not read ahead.
        """
        if self._next and self._next[0] == position:
            (_, task), self._next = self._next, None
            entries = await task
        else:
            entries = await decoded(self._decode, await read_after(conn, position, BATCH, up_to=up_to))
        if len(entries) == BATCH and (self._next is None or self._next[1].done()):
            last = entries[-1].position
            self._next = (last, asyncio.create_task(self._ahead(last), name=f"reading ahead after {last}"))
        return entries if up_to is None else [entry for entry in entries if entry.position <= up_to]

    async def _ahead(self, position: int) -> list[Entry]:
        self._conn = self._conn or await connect(self._conninfo)
        return await decoded(self._decode, await read_after(self._conn, position, BATCH))
