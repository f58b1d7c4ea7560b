"""What a proof costs as the tree grows: from a thousand to a million leaves, one proof asked for at a time.

The tree lies in the notary's tables and grows between the measurements. Times must not grow faster than log n.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from hashlib import sha256
from math import log2
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from psycopg import AsyncConnection

from commands.merkle import Frontier, Node, included
from commands.proofs import inclusion
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PROOFS = 300  # at each size, of leaves anywhere


class Cost(NamedTuple):
    """Microseconds of one proof: a tenth of them took less, which other work on the machine disturbs least."""

    build: float
    check: float


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 40 seconds."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers:
            costs = asyncio.run(_measure(servers.database_url))
    finally:
        remove(home)
    return [_row("building", [cost.build for cost in costs]), _row("checking", [cost.check for cost in costs])]


def _row(what: str, times: list[float]) -> dict[str, object]:
    first, *_, last = times
    expected = first * log2(SIZES[-1]) / log2(SIZES[0])
    each = ", ".join(f"{size:,}: {time:.0f} µs" for size, time in zip(SIZES, times, strict=True))
    return {
        "name": f"{what} an inclusion proof of {SIZES[-1]:,} leaves, against log n growth from {SIZES[0]:,}",
        "value": round(last, 1), "unit": "µs", "baseline": round(expected, 1), "ratio": round(last / expected, 3),
        "goal": "<=1.2", "note": f"first decile of {PROOFS}. {each}",
    }  # fmt: skip


async def _measure(database_url: str) -> list[Cost]:
    await migrate(database_url)
    edge, costs = Frontier(), []
    async with await AsyncConnection.connect(as_role(database_url, "notary"), autocommit=True) as conn:
        for size in SIZES:
            await _grow(conn, edge, size)
            costs.append(await _prove(conn, edge))
    return costs


async def _grow(conn: AsyncConnection, edge: Frontier, size: int) -> None:
    """Up to `size` leaves; the leaf `n` is the event at position `n + 1`."""
    leaves: list[tuple[int, int, bytes]] = []
    nodes: list[Node] = []
    for index in range(edge.size, size):
        hash_ = sha256(index.to_bytes(8, "big")).digest()
        leaves.append((index, index + 1, hash_))
        nodes += edge.append(hash_)
    for into, first, rows in (("leaves", "int8", leaves), ("nodes", "int2", nodes)):
        async with conn.cursor().copy(f"COPY ledger.{into} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([first, "int8", "bytea"])
            for row in rows:
                await copy.write_row(row)


async def _prove(conn: AsyncConnection, edge: Frontier) -> Cost:
    root, build, check = edge.root(), [], []
    for index in random.Random(7).sample(range(edge.size), PROOFS):
        began = time.perf_counter()
        proof = await inclusion(conn, index + 1, edge.size)
        built = time.perf_counter()
        held = included(proof.hash, index, edge.size, proof.path, root)
        build.append(built - began)
        check.append(time.perf_counter() - built)
        assert held
    return Cost(quantiles(build, n=10)[0] * 1e6, quantiles(check, n=10)[0] * 1e6)
