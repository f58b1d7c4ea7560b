"""One batch of events into one build, in one transaction: rows, parked rows, what is pushed, and the position."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Generic

from psycopg import AsyncConnection

from projections.builds import Build, advance, lock
from projections.feed import Batch
from projections.folding import fold, touching
from projections.model import Model, R
from projections.rows import load, push, store

log = logging.getLogger(__name__)

PUSHED_FOR = timedelta(hours=1)  # how long changes are kept for readers that come again
KEPT = 2000  # rows of a model that are kept in memory between two batches


class Memory(Generic[R]):
    """The rows that the last batches touched, for the next one. They hold as long as nobody else moved the build."""

    def __init__(self) -> None:
        self.rows: dict[str, R | None] = {}
        self.parked: set[str] = set()
        self.build: Build | None = None

    async def recall(self, conn: AsyncConnection, model: Model[R], head: Build, keys: Collection[str]) -> None:
        """Has these rows at hand, from memory or from the table."""
        if self.build is None or self.build._replace(now=head.now) != head or len(self.rows) > KEPT:
            self.rows, self.parked = {}, set()
        self.build = None  # until the batch is committed
        rows, parked = await load(conn, model, head, set(keys) - self.rows.keys())
        self.rows |= rows
        self.parked |= parked


async def apply(
    conn: AsyncConnection, model: Model[R], build: Build, batch: Batch, memory: Memory[R] | None = None
) -> set[str]:
    """Folds what is new of a batch; gives the channels that have something to read.

    The locked position lets one projector work at a time: a second one waits, and then finds the batch done.
    """
    memory = memory or Memory()
    async with conn.transaction():
        head = await lock(conn, build)
        if head is None or batch.last is None or batch.last <= head.position:
            return set()
        reached, mark, resumable_from = batch.last, head.mark, head.resumable_from
        run = touching(model, batch.entries, after=head.position)
        await memory.recall(conn, model, head, {key for _, keys in run for key in keys})
        folded = fold(model, run, memory.rows, memory.parked, push_since=head.now - PUSHED_FOR if head.live else None)
        async with conn.pipeline():  # one way to the database for all that is written
            await store(conn, model, head, folded)
            if folded.unpushed:
                mark = resumable_from = max(mark + 1, folded.unpushed)
            mark = max(await push(conn, head, folded.pushed, mark), reached)
            if folded.poison:  # nothing can be told of such a row: who watches begins afresh and sees that it waits
                mark = resumable_from = mark + 1
            await advance(conn, head, reached, mark, resumable_from)
    memory.parked |= folded.poison.keys()
    memory.build = head._replace(position=reached, mark=mark, resumable_from=resumable_from)
    for one in folded.poison.values():
        log.error("%s: %s waits for a fix since position %d: %s", model.name, one.key, one.position, one.error)
    return {channel for pushed in folded.pushed for channel, _ in pushed.changes}


async def purge(conn: AsyncConnection) -> None:
    """Forgets changes that were kept long enough; readers that are further behind begin afresh."""
    await conn.execute(
        "WITH gone AS (DELETE FROM read.live_change WHERE at < now() - %s RETURNING model, mark)"
        " UPDATE read.position p SET resumable_from = greatest(resumable_from, g.mark)"
        " FROM (SELECT model, max(mark) AS mark FROM gone GROUP BY model) g WHERE p.model = g.model AND p.live",
        (PUSHED_FOR,),
    )
