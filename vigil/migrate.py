"""Migrations: plain SQL files, each applied once, in order of name, in its own transaction, under one advisory lock.

The SHA-256 of each applied file is kept, so that a file edited afterwards is refused instead of silently ignored.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from psycopg import AsyncConnection

log = logging.getLogger(__name__)

_LOCK = 0x5649_4749_4C4D  # "VIGILM": any number that no other program takes
_TABLE = """
CREATE SCHEMA IF NOT EXISTS vigil;
CREATE TABLE IF NOT EXISTS vigil.migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationRefused(Exception):
    """The database and the files do not belong together; says which file and why."""


class Migration(NamedTuple):
    """One SQL file. `name` is the file's name, such as `0001_roles.sql`."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash that must stay the same once the file has been applied."""
        return sha256(self.sql.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """The migrations that come with this version, in the order in which they apply."""
    folder = files("commands") / "migrations"
    found = (Migration(file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(sorted(found))


async def migrate(database_url: str, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """Brings a database up to date and returns the names of the files applied now; run as the database's owner.

    Any number of processes may call it at once. Raises `MigrationRefused` when an applied file was edited, or when the
    database has files that this version does not know. A file that fails leaves nothing of itself behind.
    """
    if not database_url:  # or libpq would go wherever it goes by itself
        raise MigrationRefused("VIGIL_DATABASE_URL: expected the URL of the database's owner, who alone can migrate")
    wanted = shipped() if migrations is None else migrations
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection, _alone(connection):
        await connection.execute(_TABLE)
        applied = _pending(await _applied(connection), wanted)
        for migration in applied:
            async with connection.transaction():
                await connection.execute(migration.sql.encode())
                await connection.execute(
                    "INSERT INTO vigil.migration (name, sha256) VALUES (%s, %s)", (migration.name, migration.sha256)
                )
            log.info("applied %s", migration.name)
    return tuple(migration.name for migration in applied)


async def pending(connection: AsyncConnection, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """The names of the files that are still to be applied; any role may ask. Raises as `migrate` does."""
    wanted = shipped() if migrations is None else migrations
    found = await connection.execute("SELECT to_regclass('vigil.migration') IS NOT NULL")
    applied = await _applied(connection) if await found.fetchone() == (True,) else {}
    return tuple(migration.name for migration in _pending(applied, wanted))


async def require_up_to_date(database_url: str) -> None:
    """For those who are not the owner, with any role's URL. Raises `MigrationRefused` when a file is to be applied."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        if lacking := await pending(connection):
            raise MigrationRefused(
                f"the database lacks {', '.join(lacking)}: run `vigil migrate` with VIGIL_DATABASE_URL of its owner"
            )


async def _applied(connection: AsyncConnection) -> dict[str, str]:
    rows = await connection.execute("SELECT name, sha256 FROM vigil.migration")
    return dict(await rows.fetchall())


def _pending(applied: dict[str, str], wanted: tuple[Migration, ...]) -> tuple[Migration, ...]:
    if unknown := applied.keys() - {migration.name for migration in wanted}:
        raise MigrationRefused(f"the database has migrations of a newer version: {', '.join(sorted(unknown))}")
    for migration in wanted:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationRefused(f"{migration.name} was edited after it had been applied; write a new file instead")
    return tuple(migration for migration in wanted if migration.name not in applied)


@asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncIterator[None]:
    await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
