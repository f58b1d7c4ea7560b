"""The tables of the read models, all of one shape, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import LiteralString, NamedTuple, get_type_hints

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from projections.model import AnyModel


class Build(NamedTuple):
    """One table of a model. Only the live build is shown, and tells its changes.

    `mark` numbers the changes that were told: the position of the event, or a little more. A reader whose mark is below
    `resumable_from` has missed something that is not kept, and begins afresh. `now` is the database's clock.
    """

    model: str
    version: int
    build: int
    live: bool
    position: int
    mark: int
    resumable_from: int
    now: datetime

    @property
    def name(self) -> str:
        return f"{self.model}_v{self.version}_{self.build}"

    @property
    def table(self) -> Identifier:
        return Identifier("read", self.name)

    @property
    def id(self) -> tuple[str, int, int]:
        return (self.model, self.version, self.build)


THIS = SQL("(model, version, build) = (%s, %s, %s)")
_BUILD = SQL("model, version, build, live, position, mark, resumable_from, now()")
# Rendered once, because they run for every batch.
_BUILDS = SQL("SELECT {} FROM read.position WHERE model = ANY(%s)").format(_BUILD).as_string()
_LOCK = SQL("SELECT {} FROM read.position WHERE {} AND live = %s FOR UPDATE").format(_BUILD, THIS).as_string()
_ADVANCE = (
    SQL("UPDATE read.position SET position = %s, mark = %s, resumable_from = %s WHERE {}").format(THIS).as_string()
)


async def builds_of(conn: AsyncConnection, models: Iterable[AnyModel]) -> list[Build]:
    """Every build of these models."""
    cursor = await conn.execute(_BUILDS, ([model.name for model in models],))
    return [Build(*row) async for row in cursor]


async def live_build(conn: AsyncConnection, model: AnyModel) -> Build | None:
    """The build that is shown now, whatever its version."""
    return next((build for build in await builds_of(conn, [model]) if build.live), None)


async def lock(conn: AsyncConnection, build: Build) -> Build | None:
    """The build as it stands now, held until the transaction ends. None if it is gone, or another is shown by now."""
    row = await (await conn.execute(_LOCK, (*build.id, build.live))).fetchone()
    return Build(*row) if row else None


async def prepare(conn: AsyncConnection, models: Sequence[AnyModel]) -> None:
    """Makes the table and the view of each model that has none yet. Any number may do so at once."""
    async with conn.transaction():
        await make_alone(conn)
        there = {build.model for build in await builds_of(conn, models)}
        for model in models:
            if model.name not in there:
                await show(conn, await create(conn, model, 1, live=True))


async def make_alone(conn: AsyncConnection) -> None:
    """Until the transaction ends nobody else makes tables, or gives a build its number."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('vigil read models', 0))")


async def create(conn: AsyncConnection, model: AnyModel, build: int, *, live: bool) -> Build:
    """Makes an empty table and its position. What the front door may read of it is its caller's tenant."""
    query = SQL("INSERT INTO read.position (model, version, build, live) VALUES (%s, %s, %s, %s) RETURNING {}")
    row = await (await conn.execute(query.format(_BUILD), (model.name, model.version, build, live))).fetchone()
    assert row
    made = Build(*row)
    kinds = [Identifier(name) + SQL(" ") + SQL(kind) for name, kind in columns(model).items()]
    await conn.execute(SQL("CREATE TABLE {} ({}, PRIMARY KEY (key))").format(made.table, SQL(", ").join(kinds)))
    for name in model.index:
        await conn.execute(SQL("CREATE INDEX ON {} ({})").format(made.table, Identifier(name)))
    await conn.execute(SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(made.table))
    policy = SQL("CREATE POLICY own_tenant ON {} FOR SELECT USING (tenant = current_setting('vigil.tenant', true))")
    await conn.execute(policy.format(made.table))
    return made


async def show(conn: AsyncConnection, build: Build) -> None:
    """Points the view that has the model's name to this build."""
    view = Identifier("read", build.model)
    await conn.execute(SQL("DROP VIEW IF EXISTS {}").format(view))
    await conn.execute(SQL("CREATE VIEW {} WITH (security_invoker) AS SELECT * FROM {}").format(view, build.table))


async def advance(conn: AsyncConnection, build: Build, position: int, mark: int, resumable_from: int) -> None:
    await conn.execute(_ADVANCE, (position, mark, resumable_from, *build.id))


async def drop(conn: AsyncConnection, build: Build) -> None:
    await conn.execute(SQL("DROP TABLE IF EXISTS {}").format(build.table))
    await conn.execute(SQL("DELETE FROM read.parked WHERE {}").format(THIS), build.id)
    await conn.execute(SQL("DELETE FROM read.position WHERE {}").format(THIS), build.id)


@cache
def columns(model: AnyModel) -> dict[str, LiteralString]:
    """Name and type of each column, in order. An indexed field is a text, a number or a time, or None."""
    hints = get_type_hints(model.row)
    indexed = {name: _kind(hints[name]) for name in model.index}
    return {"key": 'text COLLATE "C"', "tenant": "text", **indexed, "data": "jsonb NOT NULL"}


def _kind(hint: object) -> LiteralString:
    for kind, name in ((int, "bigint"), (datetime, "timestamptz")):
        if hint in (kind, kind | None):
            return name
    return "text"
