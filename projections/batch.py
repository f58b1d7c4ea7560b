"""One batch of events into one build, in one transaction: rows, parked rows, what is pushed, and the position."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from psycopg import AsyncConnection

from projections.builds import Build, advance, lock
from projections.folding import fold, touching
from projections.model import Entry, Model, R
from projections.rows import load, push, store

log = logging.getLogger(__name__)

BATCH = 1000  # events
PUSHED_FOR = timedelta(hours=1)  # how long changes are kept for readers that come again


async def apply(conn: AsyncConnection, model: Model[R], build: Build, entries: Sequence[Entry]) -> set[str]:
    """Folds what is new of a batch; gives the channels that have something to read.

    The locked position lets one projector work at a time: a second one waits, and then finds the batch done.
    """
    async with conn.transaction():
        head = await lock(conn, build)
        fresh = [entry for entry in entries if head and entry.position > head.position]
        if head is None or not fresh:
            return set()
        reached, mark, resumable_from = fresh[-1].position, head.mark, head.resumable_from
        run = touching(model, fresh)
        rows, parked = await load(conn, model, head, {key for _, keys in run for key in keys})
        folded = fold(model, run, rows, parked, push_since=head.now - PUSHED_FOR if head.live else None)
        await store(conn, model, head, folded)
        if folded.unpushed:
            mark = resumable_from = max(mark + 1, folded.unpushed)
        mark = max(await push(conn, head, folded.pushed, mark), reached)
        if folded.poison:  # nothing can be told of such a row: who watches begins afresh and sees that it waits
            mark = resumable_from = mark + 1
        await advance(conn, head, reached, mark, resumable_from)
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
