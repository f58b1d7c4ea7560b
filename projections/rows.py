"""Reading and writing rows, parked rows and pushed changes: a few set-based statements for a whole batch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from projections.builds import THIS, Build, columns
from projections.folding import Folded, Poison, Pushed, tenant_of
from projections.model import AnyModel, Model, R


async def load(
    conn: AsyncConnection, model: Model[R], build: Build, keys: Collection[str]
) -> tuple[dict[str, R | None], set[str]]:
    """These rows as they are, and which of them are parked. A row that cannot be read is parked now."""
    rows: dict[str, R | None] = dict.fromkeys(keys)
    parked: set[str] = set()
    if not keys:
        return rows, parked
    cursor = conn.cursor(binary=True)
    await cursor.execute(_load(build.name), (list(keys), list(keys), *build.id))
    decoder = msgspec.json.Decoder(model.row)
    for key, text in await cursor.fetchall():
        try:
            if text is None:
                parked.add(key)
            else:
                rows[key] = decoder.decode(text)
        except msgspec.MsgspecError as error:
            parked.add(key)
            await park(conn, build, [Poison(key, "", build.position, f"{type(error).__name__} of the row itself")])
    return rows, parked


async def store(conn: AsyncConnection, model: Model[R], build: Build, folded: Folded[R]) -> None:
    """Writes what was folded: one upsert for each row that changed. Parks what could not be folded."""
    there = [(key, row) for key, row in folded.rows.items() if row is not None]
    gone = [key for key, row in folded.rows.items() if row is None]
    if there:
        indexed = [[getattr(row, name) for _, row in there] for name in model.index]
        keys, tenants = [key for key, _ in there], [tenant_of(key) for key, _ in there]
        await conn.execute(_upsert(model, build.name), (keys, tenants, *indexed, [as_json(row) for _, row in there]))
    if gone:
        await conn.execute(SQL("DELETE FROM {} WHERE key = ANY(%s)").format(build.table), (gone,))
    await park(conn, build, folded.poison.values())


async def park(conn: AsyncConnection, build: Build, poison: Iterable[Poison]) -> None:
    for one in poison:
        await conn.execute(
            "INSERT INTO read.parked (model, version, build, key, tenant, stream, position, error)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (*build.id, one.key, tenant_of(one.key), one.stream, one.position, one.error),
        )


async def push(conn: AsyncConnection, build: Build, pushed: Sequence[Pushed], mark: int) -> int:
    """Writes changes for the readers of the live streams, one row for each channel and event.

    They are numbered after `mark`, by their positions as long as those are higher; gives the last number.
    """
    position = 0
    patches: dict[tuple[str, str, int], list[object]] = {}
    for one in pushed:
        if one.position != position:
            mark, position = max(mark + 1, one.position), one.position
        for channel, patch in one.changes:
            patches.setdefault((one.tenant, channel, mark), []).append(patch)
    if patches:
        tenants, channels, marks = map(list, zip(*patches, strict=True))
        await conn.execute(
            "INSERT INTO read.live_change (tenant, channel, mark, model, patches)"
            " SELECT u.tenant, u.channel, u.mark, %s, u.patches::jsonb"
            " FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::text[]) AS u(tenant, channel, mark, patches)",
            (build.model, tenants, channels, marks, [as_json(listed) for listed in patches.values()]),
        )
    return mark


def as_json(value: object) -> str:
    """JSON that PostgreSQL takes as jsonb: a NUL, which it cannot hold, becomes the replacement character."""
    text = msgspec.json.encode(value).decode()
    return _NUL.sub(lambda found: found[1] or "\\ufffd", text) if "\\u0000" in text else text


_NUL = re.compile(r"(\\\\)|\\u0000")  # an escaped backslash may stand before the letters "u0000"


@cache
def _load(table: str) -> str:
    query = SQL(
        "SELECT key, data::text FROM {} WHERE key = ANY(%b::text[]) UNION ALL"
        " SELECT key, NULL FROM read.parked WHERE key = ANY(%b::text[]) AND {}"
    )
    return query.format(Identifier("read", table), THIS).as_string()


@cache
def _upsert(model: AnyModel, table: str) -> str:
    kinds = columns(model)
    names = list(map(Identifier, kinds))
    taken = [SQL(kind) if kind in ("bigint", "timestamptz") else SQL("text") for kind in kinds.values()]
    query = SQL(
        "INSERT INTO {table} ({names}) SELECT {indexed}, data::jsonb FROM unnest({arrays}) AS u({names})"
        " ON CONFLICT (key) DO UPDATE SET {sets}"
    ).format(
        table=Identifier("read", table), names=SQL(", ").join(names), indexed=SQL(", ").join(names[:-1]),
        arrays=SQL(", ").join(SQL("%b::{}[]").format(kind) for kind in taken),
        sets=SQL(", ").join(SQL("{0} = excluded.{0}").format(name) for name in names[1:]),
    )  # fmt: skip
    return query.as_string()
