"""A table that is being built: catching up with the ledger, and taking the place of the one that people read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL

from projections.batch import Memory, apply
from projections.builds import THIS, Build, builds_of, drop, live_build, lock, show
from projections.feed import Feed
from projections.model import AnyModel

PATIENCE_MS = 200  # nobody is kept waiting for longer by a reader that we wait for

Tell = Callable[[int, int], object]
"""Told how far a building is: the position that it has reached, and the ledger's last one, which may grow."""


@dataclass
class Building:
    """One model's new table, on a connection and with a feed of its own."""

    conn: AsyncConnection
    feed: Feed
    model: AnyModel
    build: Build
    memory: Memory[Any] = field(default_factory=Memory)

    async def catch_up(self) -> None:
        """Folds what there is in the ledger by now."""
        while True:
            position = next(b.position for b in await builds_of(self.conn, [self.model]) if b.id == self.build.id)
            batch = await self.feed.after(self.conn, position, tags=self.model.tags)
            await apply(self.conn, self.model, self.build, batch, self.memory)
            if batch.size < self.feed.at_once:
                return

    async def switch(self) -> Build | None:
        """Points the view to this table; gives the build as it is then.

        None if somebody reads the old table for so long that others would have to wait; try again later.
        """
        with suppress(psycopg.errors.LockNotAvailable):
            async with impatient(self.conn):
                return await self._switch()
        return None

    async def _switch(self) -> Build:
        """Stops the projector for this model, catches up with it, and changes places.

        Readers of the live streams begin afresh: the rows that they hold were folded by other rules.
        """
        live = await live_build(self.conn, self.model)
        old = live and await lock(self.conn, live)
        await self.catch_up()
        head = await lock(self.conn, self.build)
        assert head
        mark = max(head.position, old.mark + 1 if old else 0)
        if old:
            await self.conn.execute(SQL("UPDATE read.position SET live = false WHERE {}").format(THIS), old.id)
        await self.conn.execute(
            SQL("UPDATE read.position SET live = true, mark = %s, resumable_from = %s WHERE {}").format(THIS),
            (mark, mark, *head.id),
        )
        await show(self.conn, head)
        return head


async def clear(conn: AsyncConnection, model: AnyModel) -> None:
    """Drops the tables of a model that are not shown. One that somebody still reads stays until the next time."""
    for build in await builds_of(conn, [model]):
        if not build.live:
            with suppress(psycopg.errors.LockNotAvailable):
                async with impatient(conn):
                    await drop(conn, build)


@asynccontextmanager
async def impatient(conn: AsyncConnection) -> AsyncIterator[None]:
    """A transaction that raises `LockNotAvailable` rather than wait, because others would queue behind it."""
    async with conn.transaction():
        await conn.execute(SQL("SET LOCAL lock_timeout = {}").format(PATIENCE_MS))
        await conn.execute("SET LOCAL synchronous_commit TO DEFAULT")  # and so for all that was committed before it
        yield
