"""Folding rows again from their streams: as of a past position, to unpark one, and to check a whole table."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL

from domain.stream import Stream
from projections.builds import THIS, Build, advance, builds_of, live_build, lock
from projections.events import read_after, read_streams
from projections.feed import BATCH
from projections.folding import Folded, Touching, fold, touching
from projections.keys import session_keys, session_streams
from projections.model import AT_ONCE, AnyModel, Decode, Entry, Model, R, Undecoded, decoded
from projections.rows import as_json, store


async def fold_as_of(
    conn: AsyncConnection, decode: Decode, model: Model[R], position: int,
    *, keys: Collection[str] = (), streams: Collection[str] = (),
) -> dict[str, R]:  # fmt: skip
    """Rows as they were at a position: those with these keys, and those that the events of these streams touch.

    For the wall of a schedule give its stream, `tenant/schedule/id`. The position of a time is the last one recorded at
    or before it. Nothing is written. A row that cannot be folded is left out.
    """
    named = await _touching(conn, decode, model, streams, position)
    wanted = {*keys, *(key for _, touched in named for key in touched)}
    folded = await _refold(conn, decode, model, wanted, position)
    return {key: row for key, row in folded.rows.items() if row is not None and key not in folded.poison}


async def unpark(conn: AsyncConnection, decode: Decode, model: AnyModel, key: str) -> bool:
    """Folds a parked row again from all its streams, up to where its model stands, in one transaction.

    False when there is no such row or it still cannot be folded; then it stays parked. A key that is a stream's id
    stands for every row that the stream touches.
    """
    async with conn.transaction():
        live = await live_build(conn, model)
        head = await lock(conn, live) if live and live.version == model.version else None
        if head is None or not await _is_parked(conn, head, key):
            return False
        about = await _touching(conn, decode, model, [key], head.position)
        keys = {key} | {touched for _, many in about for touched in many}
        folded = await _refold(conn, decode, model, keys, head.position)
        if key in folded.poison or any(isinstance(entry, Undecoded) for entry, _ in about):
            return False
        for touched in keys:
            folded.rows.setdefault(touched, None)
        await conn.execute(
            SQL("DELETE FROM read.parked WHERE {} AND key = ANY(%s)").format(THIS), (*head.id, list(keys))
        )
        await store(conn, model, head, folded)
        mark = head.mark + 1
        await advance(conn, head, head.position, mark, mark)  # who watches begins afresh
    return True


async def refold_session(
    conn: AsyncConnection, decode: Decode, model: AnyModel, *, tenant: str, session: str, schedule: str
) -> bool:
    """Folds all that a session has in a model again from the ledger, in every build, parked or not.

    What no key opens any more is then gone from the tables, and from what was pushed lately. False when that cannot be
    done now: a build is of another version, or changes places. Then try again.
    """
    key = f"{tenant}/{session}"
    about = (*session_streams(key), str(Stream(tenant, "schedule", schedule)))
    for build in await builds_of(conn, [model]):
        async with conn.transaction():
            head = await lock(conn, build) if build.version == model.version else None
            if head is None:
                return False
            touched = await _touching(conn, decode, model, about, head.position)
            mine = {
                one for entry, keys in touched for one in keys
                if session_keys(_stream_of(entry)) or one == key or one.startswith(f"{key}/")
            }  # fmt: skip
            folded = await _refold(conn, decode, model, mine, head.position)
            await store(conn, model, head, folded)
            await conn.execute(
                "DELETE FROM read.live_change WHERE model = %s AND tenant = %s AND (channel = %s"
                " OR channel = %s AND strpos(patches::text, %s) > 0)",
                (model.name, tenant, f"session/{session}", f"schedule/{schedule}", session),
            )
            mark = head.mark + 1
            await advance(conn, head, head.position, mark, mark)  # who watches begins afresh, and so does the projector
    return True


def _stream_of(entry: Entry) -> str:
    return entry.stored.stream if isinstance(entry, Undecoded) else entry.stream


class Difference(NamedTuple):
    """A row that is not what the ledger says. None: not there."""

    key: str
    table: object
    ledger: object


async def compare(conn: AsyncConnection, decode: Decode, model: Model[R]) -> list[Difference]:
    """Folds everything up to the model's position in memory and names the rows that differ from the table.

    A parked row is not compared: it is known not to be up to date. For ledgers that fit into memory.
    """
    async with conn.transaction():
        live = await live_build(conn, model)
        head = live and await lock(conn, live)
        if head is None:
            raise LookupError(f"the model {model.name} has no table yet")
        cursor = await conn.execute(SQL("SELECT key, data::text FROM {}").format(head.table))
        table = {key: text async for key, text in cursor}
        query = SQL("SELECT key FROM read.parked WHERE {}").format(THIS)
        parked = {key for (key,) in await (await conn.execute(query, head.id)).fetchall()}
    rows: dict[str, R | None] = {}
    stuck, position = set(parked), 0
    while batch := await read_after(conn, position, BATCH, up_to=head.position):
        stuck |= fold(model, touching(model, await decoded(decode, batch)), rows, stuck).poison.keys()
        position = batch[-1].position
    decoder = msgspec.json.Decoder(model.row)
    found = []
    for key in sorted((table.keys() | rows.keys()) - parked):
        row = rows.get(key)
        ours = None if row is None else decoder.decode(as_json(row))
        theirs = decoder.decode(table[key]) if key in table else None
        if ours != theirs:
            found.append(Difference(key, theirs, ours))
    return found


async def _refold(
    conn: AsyncConnection, decode: Decode, model: Model[R], keys: Collection[str], position: int
) -> Folded[R]:
    known: set[str] = set()
    wanted = {stream for key in keys for stream in model.streams(key)}
    entries: list[Entry] = []
    while new := wanted - known:
        fresh = await decoded(decode, await read_streams(conn, new, position, tags=model.tags))
        wanted |= {s for entry in fresh if not isinstance(entry, Undecoded) for s in model.leads(entry)}
        entries += fresh
        known |= new
    due = sorted((e for e in entries if e.position <= position), key=lambda entry: entry.position)
    rows: dict[str, R | None] = {}
    whole: Folded[R] = Folded()
    for start in range(0, len(due), AT_ONCE):
        run = touching(model, due[start : start + AT_ONCE])
        folded = fold(model, _only(run, keys), rows, whole.poison)
        whole.rows |= folded.rows
        whole.poison |= folded.poison
        await asyncio.sleep(0)
    return whole


async def _touching(
    conn: AsyncConnection, decode: Decode, model: Model[R], streams: Collection[str], position: int
) -> list[Touching]:
    found = await read_streams(conn, streams, position, tags=model.tags)
    rows = [row for row in found if row.position <= position]
    return touching(model, await decoded(decode, rows))


def _only(run: Iterable[Touching], keys: Collection[str]) -> Iterable[Touching]:
    for entry, touched in run:
        if mine := tuple(key for key in touched if key in keys):
            yield entry, mine


async def _is_parked(conn: AsyncConnection, build: Build, key: str) -> bool:
    query = SQL("SELECT 1 FROM read.parked WHERE {} AND key = %s").format(THIS)
    return await (await conn.execute(query, (*build.id, key))).fetchone() is not None
