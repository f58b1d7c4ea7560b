"""What keeping the read models costs: catching up and rebuilding, beside reading and decoding the same events alone.

The events are a morning of 150 candidates (`mornings.py`). Rounds alternate with the baseline, and the median counts.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop
from psycopg import AsyncConnection

from bench.mornings import decode, fill
from commands.envelope import read
from projections.builds import builds_of, drop, prepare
from projections.connection import connect
from projections.events import read_after
from projections.feed import Feed
from projections.gradebook import GRADEBOOK
from projections.kernel import Projector
from projections.live import LIVE
from projections.model import AnyModel
from projections.models import MODELS
from projections.rebuild import rebuild
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

ROUNDS = 5


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 20 seconds."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measure(servers.database_url))
    finally:
        remove(home)


async def _measure(url: str) -> list[dict[str, object]]:
    await migrate(url)
    events = await fill(url)
    conninfo = as_role(url, "project")
    took: dict[str, list[float]] = {"plain": [], "wall": [], "gradebook": [], "rebuild": []}
    async with await connect(conninfo) as conn:
        for _ in range(ROUNDS + 1):  # the first is discarded
            took["plain"].append(await _plainly(conn))
            took["wall"].append(await _caught_up(conninfo, conn, LIVE))
            took["gradebook"].append(await _caught_up(conninfo, conn, GRADEBOOK))
            took["rebuild"].append(await _rebuilt(conninfo))
        took["all"] = [0, await _caught_up(conninfo, conn, *MODELS)]
    rates = {name: events / median(rounds[1:]) for name, rounds in took.items()}

    def row(name: str, what: str, beside: str, goal: str | None, note: str) -> dict[str, object]:
        ratio = median(other / own for own, other in zip(took[what][1:], took[beside][1:], strict=False))
        return {
            "name": name, "value": round(rates[what]), "unit": "events/s", "baseline": round(rates[beside]),
            "ratio": round(ratio, 3), "goal": goal, "note": note,
        }  # fmt: skip

    alone = "baseline: SELECT and msgspec decode of the same events, in the same batches"
    many = f"{len(MODELS)} models in one process; {alone}"
    return [
        row("catching up with the wall, changes pushed", "wall", "plain", ">=0.25", alone),
        row("catching up with the gradebook, a row of which every event changes", "gradebook", "plain", None, alone),
        row("catching up with all read models at once", "all", "plain", None, many),
        row(
            "rebuilding the gradebook, switch included", "rebuild", "gradebook", ">=1", "baseline: catching up with it"
        ),
    ]


async def _plainly(conn: AsyncConnection) -> float:
    began, position = time.perf_counter(), 0
    while rows := await read_after(conn, position, 1000):
        for row in rows:
            read(row)
        position = rows[-1].position
    return time.perf_counter() - began


async def _caught_up(conninfo: str, conn: AsyncConnection, *models: AnyModel) -> float:
    for build in await builds_of(conn, models):
        await conn.execute(f"DROP VIEW read.{build.model}")
        await drop(conn, build)
    await conn.execute("DELETE FROM read.live_change")
    await prepare(conn, models)
    projector = Projector("", decode, models)
    began = time.perf_counter()
    async with Feed(conninfo, decode) as feed:
        while await projector.step(conn, feed):
            pass
    return time.perf_counter() - began


async def _rebuilt(conninfo: str) -> float:
    began = time.perf_counter()
    await rebuild(conninfo, decode, GRADEBOOK)
    return time.perf_counter() - began
