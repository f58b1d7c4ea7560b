"""What lies in bundles: which streams, where, and the refusal of whoever asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection

from domain.archive import Away
from domain.recorded import Stored


class Shelf(NamedTuple):
    """One archived stream: its last version, and the bundle that holds it, in the object store of this URL."""

    stream: str
    version: int
    place: str
    bundle: str
    sha256: bytes
    archived_at: datetime


async def shelves(conn: AsyncConnection, streams: Collection[str] | None = None) -> list[Shelf]:
    """Those of these streams that are archived, or all that are, by bundle and stream."""
    cursor = await conn.execute(
        "SELECT stream, version, place, bundle, sha256, archived_at FROM ledger.archived"
        " WHERE %s::text[] IS NULL OR stream = ANY(%s) ORDER BY bundle, stream",
        (wanted := None if streams is None else list(streams), wanted),
    )
    return [Shelf(*row) async for row in cursor]


async def at_hand(conn: AsyncConnection, rows: Sequence[Stored]) -> None:
    """Raises `Away` unless the bytes of all these rows are here."""
    if gone := next((row.stream for row in rows if not row.state), None):
        await refuse(conn, [gone])


async def refuse(conn: AsyncConnection, streams: Collection[str]) -> None:
    """Raises `Away` for the first of these streams that is archived."""
    found = await shelves(conn, streams)
    if found or len(streams) == 1:
        raise Away(found[0].stream, found[0].bundle) if found else Away(*streams)
