"""Archived events as if they were here: their bytes out of the bundles, wherever these can be reached.

So read models are rebuilt, rows folded again, and the ledger checked, while what they rest on is archived.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api import opening
from commands.archived import Shelf, shelves
from commands.keys import KeyRing
from commands.objects import ObjectMissing, ObjectStoreAway, open_store
from domain.recorded import Recorded, Stored
from projections.model import Decode, NotAtHand
from vigil.bundle import Damaged, states

log = logging.getLogger(__name__)

KEPT = 8  # bundles in memory: events of one lie close together in the ledger
States = dict[tuple[str, int], bytes]


class Bundles:
    """Reads bundles, and holds the last few. `pool` may read which streams lie in which."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._held: OrderedDict[bytes, States] = OrderedDict()

    async def fill(self, rows: Sequence[Stored]) -> Sequence[Stored]:
        """The rows with their bytes; empty stays what lies in a bundle that cannot be reached, or is another."""
        return (await self._filled(rows))[0]

    async def whole(self, rows: Sequence[Stored]) -> Sequence[Stored]:
        """The same. Raises `NotAtHand`, which names the bundles, where some stay empty."""
        filled, why = await self._filled(rows)
        if why:
            raise NotAtHand("; ".join(f"{bundle}: {reason}" for bundle, reason in sorted(why.items())))
        return filled

    async def _filled(self, rows: Sequence[Stored]) -> tuple[Sequence[Stored], dict[str, str]]:
        wanted = {row.stream for row in rows if not row.state}
        if not wanted:
            return rows, {}
        async with self._pool.connection() as conn:
            found = await shelves(conn, wanted)
        known: States = {}
        why: dict[str, str] = {}
        for shelf in {shelf.sha256: shelf for shelf in found}.values():
            try:
                known |= await self._states(shelf)
            except (ObjectMissing, ObjectStoreAway, Damaged, ValueError) as error:
                why[shelf.bundle] = reason(error, shelf)
        for stream in wanted - {shelf.stream for shelf in found}:
            why[stream] = "no bundle is named that has it"

        def filled(row: Stored) -> Stored:
            return row if row.state else row._replace(state=known.get((row.stream, row.version), b""))

        return [filled(row) for row in rows], why

    async def _states(self, shelf: Shelf) -> States:
        if shelf.sha256 not in self._held:
            data = await fetch(shelf)
            self._held[shelf.sha256] = await asyncio.to_thread(states, data)
            if len(self._held) > KEPT:
                self._held.popitem(last=False)
        self._held.move_to_end(shelf.sha256)
        return self._held[shelf.sha256]


async def fetch(shelf: Shelf) -> bytes:
    """The bundle's bytes, as they were archived. Raises `Damaged`, `ObjectMissing`, `ObjectStoreAway`."""
    data = await open_store(shelf.place).get(shelf.bundle)
    if sha256(data).digest() != shelf.sha256:
        raise Damaged(f"it is not the one that was archived, whose SHA-256 is {shelf.sha256.hex()}")
    return data


async def unreachable(conn: AsyncConnection) -> list[str]:
    """A line for each bundle with archived streams that is not where it was put."""
    found = {shelf.sha256: shelf for shelf in await shelves(conn)}
    return [line for shelf in found.values() if (line := await _missing(shelf))]


def decoder(keys: KeyRing, pool: AsyncConnectionPool[AsyncConnection]) -> Decode:
    """What folding asks for, also of what is archived. Raises `NotAtHand` where a bundle cannot be reached."""
    bundles, plain = Bundles(pool), opening.decoder(keys)

    async def decode(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
        return await plain(rows if all(row.state for row in rows) else await bundles.whole(rows))

    return decode


def reason(error: Exception, shelf: Shelf) -> str:
    """Why a bundle cannot be read, in a few words."""
    if isinstance(error, ObjectMissing):
        return f"is not in {shelf.place}"
    return f"in {shelf.place}: {error}"


async def _missing(shelf: Shelf) -> str:
    try:
        there = await open_store(shelf.place).exists(shelf.bundle)
    except (ObjectStoreAway, ValueError) as error:
        return f"{shelf.bundle}: {reason(error, shelf)}"
    return "" if there else f"{shelf.bundle}: {reason(ObjectMissing(), shelf)}"
