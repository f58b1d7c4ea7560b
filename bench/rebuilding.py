"""What building every read model again costs while people write and read, beside catching up with them all.

Both times another process writes into sessions that are there and reads all models; the second time it also keeps the
tables that people see. No reader may find fewer rows than before, and every row must be the one that catching up made,
or that its own streams give.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from bench.busy import STREAMS, Seen
from bench.mornings import TURNS, decode, fill
from bench.processes import expect, hear, process, tell
from projections.builds import builds_of, prepare
from projections.connection import connect
from projections.feed import Feed
from projections.kernel import Projector
from projections.model import AnyModel
from projections.models import MODELS
from projections.rebuild import rebuild_all
from projections.refold import fold_as_of
from projections.rows import as_json
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

MORNINGS = 6  # 204,300 events
AGO = timedelta(hours=2)  # too long for changes to be pushed to anybody, in either way


class Measured(NamedTuple):
    """Seconds and events of both ways; what the other process saw meanwhile; and the rows that were compared."""

    caught_up_s: float
    caught_up: int
    rebuilt_s: float
    rebuilt: int
    seen: Seen
    rows: int

    @property
    def ratio(self) -> float:
        """Of the rates, in events a second."""
        return (self.rebuilt / self.rebuilt_s) / (self.caught_up / self.caught_up_s)


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about three minutes."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measured(servers.database_url, MORNINGS))
    finally:
        remove(home)
    seen = found.seen
    return [
        {
            "name": "rebuilding every read model while people write, per event, against catching up with them",
            "value": round(found.rebuilt / found.rebuilt_s), "unit": "events/s",
            "baseline": round(found.caught_up / found.caught_up_s), "ratio": round(found.ratio, 3), "goal": ">=1",
            "note": f"{len(MODELS)} models, {found.rebuilt:,} events in {found.rebuilt_s:.0f} s, {seen.written} written"
            f" meanwhile; {seen.reads} reads never found fewer rows than before, the longest took"
            f" {seen.longest_s * 1000:.0f} ms; {found.rows:,} rows are the same",
        }
    ]  # fmt: skip


async def measured(url: str, mornings: int, turns: int = TURNS) -> Measured:
    """Fills an empty database and builds everything twice.

    Raises AssertionError when a reader found a table with less in it than before, or a row is another one.
    """
    await migrate(url)
    await fill(url, mornings, turns, AGO)
    conninfo = as_role(url, "project")
    async with await connect(conninfo) as conn:
        await prepare(conn, MODELS)
        await _at_rest(url)
        async with _beside(url):
            began, target = time.perf_counter(), await _head(conn)
            await _catch_up(conninfo, conn, target)
            caught_up_s, caught_up = time.perf_counter() - began, await _events(conn)
        await _catch_up(conninfo, conn, await _head(conn))
        before = {model.name: await _sums(conn, model) for model in MODELS}
        await _at_rest(url)
        async with _beside(url, "follow") as seen:
            began = time.perf_counter()
            answers = await rebuild_all(conninfo, decode, MODELS)
            rebuilt_s, rebuilt = time.perf_counter() - began, await _events(conn)
        broken = [name for name, answer in answers.items() if isinstance(answer, Exception)]
        assert not broken, f"not built: {broken}"
        assert not seen.less, f"readers found less than before in {sorted(set(seen.less))}"
        await _catch_up(conninfo, conn, await _head(conn))
        rows = [await _same(conn, model, before[model.name]) for model in MODELS]
    return Measured(caught_up_s, caught_up, rebuilt_s, rebuilt, seen, sum(rows))


async def _at_rest(url: str) -> None:
    """Does now what the database would do for what lies behind, beside whatever is measured next."""
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("VACUUM (ANALYZE)")
        await conn.execute("CHECKPOINT")


@asynccontextmanager
async def _beside(url: str, *how: str) -> AsyncIterator[Seen]:
    """While the other process is busy; what it saw is there when the body has ended."""
    seen = Seen()
    with process("bench.busy", url, *how) as other:
        await asyncio.to_thread(expect, other, "ready")
        yield seen
        tell(other)
        told = msgspec.convert(await asyncio.to_thread(hear, other), Seen)
    seen.written, seen.reads, seen.longest_s, seen.less = told.written, told.reads, told.longest_s, told.less


async def _catch_up(conninfo: str, conn: AsyncConnection, target: int) -> None:
    """With everything up to a position."""
    projector = Projector("", decode, MODELS)
    async with Feed(conninfo, decode) as feed:
        while min(build.position for build in await builds_of(conn, MODELS) if build.live) < target:
            await projector.step(conn, feed)


async def _head(conn: AsyncConnection) -> int:
    return await _number(conn, "SELECT max(notification_id) FROM ledger.events")


async def _events(conn: AsyncConnection) -> int:
    """Those that every model shows."""
    query = "SELECT count(*) FROM ledger.events WHERE notification_id <= (SELECT min(position) FROM read.position)"
    return await _number(conn, query)


async def _number(conn: AsyncConnection, query: str) -> int:
    row = await (await conn.execute(query)).fetchone()
    assert row
    return int(row[0])


async def _sums(conn: AsyncConnection, model: AnyModel) -> dict[str, str]:
    cursor = await conn.execute(SQL("SELECT key, md5(data::text) FROM {}").format(Identifier("read", model.name)))
    return dict(await cursor.fetchall())


async def _same(conn: AsyncConnection, model: AnyModel, before: dict[str, str]) -> int:
    """Compares the table: what was written meanwhile touched some rows, and all others are as they were. How many."""
    after = await _sums(conn, model)
    touched = await fold_as_of(conn, decode, model, await _head(conn), streams=STREAMS)
    assert {k: v for k, v in after.items() if k not in touched} == {k: v for k, v in before.items() if k not in touched}
    query = SQL("SELECT key, data::text FROM {} WHERE key = ANY(%s)").format(Identifier("read", model.name))
    cursor = await conn.execute(query, (list(touched),))
    decoder = msgspec.json.Decoder(model.row)
    shown = {key: decoder.decode(text) async for key, text in cursor}
    assert shown == {key: decoder.decode(as_json(row)) for key, row in touched.items()}, model.name
    return len(after)
