"""Reads of what the notary keeps: checkpoints, and the proofs that events and trees are in them. O(log n) rows each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection

from commands.leaf import leaf
from commands.ledger import read_session
from commands.merkle import NodeAt, Span, consistency_spans, cover, inclusion_spans, root, span_root
from domain.recorded import Stored

ASKED = "notary"  # NOTIFY on this channel asks the notary to sign now


class Checkpoint(NamedTuple):
    """A signed head: the first `size` leaves, the last of which is the event at `position`, have this root."""

    size: int
    position: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Leaf `index` is the event at `position`; `path` leads from its hash to the root over `size` leaves."""

    position: int
    index: int
    size: int
    hash: bytes
    path: tuple[bytes, ...]


class RecordRoot(NamedTuple):
    """What a seal covers: the last version of each stream, the root over their leaves, and where the last one lies."""

    streams: dict[str, int]
    root: bytes
    position: int


class NotCovered(LookupError):
    """No checkpoint of that size, no leaf for that position, or none within that size."""


CHECKPOINT = "SELECT size, position, root, note, signed_at FROM ledger.checkpoints"


async def latest(conn: AsyncConnection) -> Checkpoint | None:
    cursor = await conn.execute(f"{CHECKPOINT} ORDER BY size DESC LIMIT 1")
    row = await cursor.fetchone()
    return Checkpoint(*row) if row else None


async def of_size(conn: AsyncConnection, size: int) -> Checkpoint:
    cursor = await conn.execute(f"{CHECKPOINT} WHERE size = %s", (size,))
    if row := await cursor.fetchone():
        return Checkpoint(*row)
    raise NotCovered(f"no checkpoint was signed over {size} events")


async def covering(conn: AsyncConnection, position: int) -> Checkpoint | None:
    """The first checkpoint that covers a position."""
    cursor = await conn.execute(f"{CHECKPOINT} WHERE position >= %s ORDER BY position LIMIT 1", (position,))
    row = await cursor.fetchone()
    return Checkpoint(*row) if row else None


async def checkpoints(conn: AsyncConnection, after: int = 0, most: int = 100) -> list[Checkpoint]:
    """Checkpoints of more than `after` leaves, smallest first."""
    cursor = await conn.execute(f"{CHECKPOINT} WHERE size > %s ORDER BY size LIMIT %s", (after, most))
    return [Checkpoint(*row) async for row in cursor]


async def covered(conn: AsyncConnection, position: int, timeout_s: float = 5.0) -> Checkpoint:
    """Asks the notary, wherever it runs, and waits for a checkpoint over a position. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while (found := await covering(conn, position)) is None:
            await conn.execute("SELECT pg_notify(%s, '')", (ASKED,))
            await asyncio.sleep(0.05)
    return found


async def of_tenant(conn: AsyncConnection, tenant: str, position: int) -> None:
    """Raises `NotCovered` unless the event at a position is a tenant's own: the tree is over those of all tenants."""
    cursor = await conn.execute(
        "SELECT 1 FROM ledger.events WHERE notification_id = %s AND starts_with(originator_id, %s)",
        (position, f"{tenant}/"),
    )
    if await cursor.fetchone() is None:
        raise NotCovered(f"position {position} is of no event of this tenant")


async def inclusion(conn: AsyncConnection, position: int, size: int) -> Inclusion:
    """Proves that the event at a position is among the first `size` leaves. Raises `NotCovered`."""
    (proof,) = await inclusions(conn, [position], size)
    return proof


async def inclusions(conn: AsyncConnection, positions: Sequence[int], size: int) -> list[Inclusion]:
    """The same for many positions with two reads, in their order. Raises `NotCovered`."""
    cursor = await conn.execute(
        "SELECT position, index, hash FROM ledger.leaves WHERE position = ANY(%s) AND index < %s",
        (list(positions), size),
    )
    leaves = {position: (index, hash_) async for position, index, hash_ in cursor}
    if missing := [position for position in positions if position not in leaves]:
        raise NotCovered(f"position {missing[0]} is not among the first {size} events that were sealed")
    node = await _nodes(conn, (span for index, _ in leaves.values() for span in inclusion_spans(index, size)))
    return [
        Inclusion(p, leaves[p][0], size, leaves[p][1], _path(inclusion_spans(leaves[p][0], size), node))
        for p in positions
    ]


async def consistency(conn: AsyncConnection, old: int, new: int) -> tuple[bytes, ...]:
    """Proves that the tree of `new` leaves begins with the tree of `old`. Raises `NotCovered`."""
    if old > new or old < 0:
        raise NotCovered(f"a tree of {new} leaves does not begin with one of {old}")
    spans = consistency_spans(old, new)
    return _path(spans, await _nodes(conn, spans))


async def record_root(
    conn: AsyncConnection, tenant: str, session: str, last_versions: dict[str, int] | None = None
) -> RecordRoot:
    """The root over a session's own leaves, ordered by stream (as UTF-8) and version, from the rows themselves.

    Of what is archived, from the leaves that were sealed.

    Covers all there is, or up to `last_versions` of each stream. Raises `NotCovered` when the session has fewer.
    """
    rows = await read_session(conn, tenant, session, whole=False)
    if last_versions is not None:
        rows = [row for row in rows if row.version <= last_versions.get(row.stream, 0)]
    rows.sort(key=lambda row: (row.stream.encode(), row.version))
    streams = {row.stream: row.version for row in rows}
    if not rows or (last_versions is not None and streams != last_versions):
        raise NotCovered("the session does not have these events")
    sealed = await _leaves(conn, [row.position for row in rows if not row.state])
    leaves = [leaf(row) if row.state else sealed[row.position] for row in rows]
    return RecordRoot(streams, root(leaves), max(row.position for row in rows))


async def _leaves(conn: AsyncConnection, positions: Sequence[int]) -> dict[int, bytes]:
    if not positions:
        return {}
    cursor = await conn.execute("SELECT position, hash FROM ledger.leaves WHERE position = ANY(%s)", (list(positions),))
    return dict(await cursor.fetchall())


async def read_after(conn: AsyncConnection, position: int, most: int) -> list[Stored]:
    """The next events of the whole ledger, in order."""
    cursor = await conn.execute(
        "SELECT notification_id, originator_id, originator_version, topic, recorded_at, state FROM ledger.events"
        " WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
        (position, most),
        prepare=True,
    )
    return [Stored(*row) for row in await cursor.fetchall()]


def _path(spans: Iterable[Span], node: NodeAt) -> tuple[bytes, ...]:
    return tuple(span_root(span, node) for span in spans)


async def _nodes(conn: AsyncConnection, spans: Iterable[Span]) -> NodeAt:
    """The stored nodes that these spans are made of, fetched at once."""
    found = await stored_nodes(conn, sorted({place for span in spans for place in cover(span)}))

    def node(level: int, index: int) -> bytes:
        if (hash_ := found.get((level, index))) is None:
            raise NotCovered("the tree has not grown to that size")
        return hash_

    return node


async def stored_nodes(conn: AsyncConnection, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of nodes, leaves included, by (level, index); what is not there is left out."""
    leaves = [index for level, index in places if level == 0]
    above = [(level, index) for level, index in places if level]
    cursor = await conn.execute(
        "SELECT 0, l.index, l.hash FROM ledger.leaves l JOIN unnest(%s::bigint[]) AS w(index) ON l.index = w.index"
        " UNION ALL SELECT n.level, n.index, n.hash FROM ledger.nodes n"
        " JOIN unnest(%s::smallint[], %s::bigint[]) AS w(level, index) ON (n.level, n.index) = (w.level, w.index)",
        (leaves, [level for level, _ in above], [index for _, index in above]),
    )
    return {(level, index): hash_ for level, index, hash_ in await cursor.fetchall()}
