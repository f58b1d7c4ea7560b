"""Migrations: plain SQL files, each applied once, in order of name, in its own transaction, under one advisory lock.

The SHA-256 of each applied file is kept, so that a file edited afterwards is refused instead of silently ignored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from typing import LiteralString, NamedTuple, cast

import psycopg
from psycopg.abc import Query

log = logging.getLogger(__name__)

_LOCK = 0x5649_4749_4C4D  # "VIGILM": any number that no other program takes
_TABLE: LiteralString = """
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


def migrate(database_url: str, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """Brings a database up to date and returns the names of the files applied now; run as the database's owner.

    Any number of processes may call it at once. Raises `MigrationRefused` when an applied file was edited, or when the
    database has files that this version does not know. A file that fails leaves nothing of itself behind.
    """
    wanted = shipped() if migrations is None else migrations
    with psycopg.connect(database_url, autocommit=True) as connection, _alone(connection):
        connection.execute(_TABLE)
        applied = _pending(_applied(connection), wanted)
        for migration in applied:
            with connection.transaction():
                connection.execute(_query(migration))
                connection.execute(
                    "INSERT INTO vigil.migration (name, sha256) VALUES (%s, %s)", (migration.name, migration.sha256)
                )
            log.info("applied %s", migration.name)
    return tuple(migration.name for migration in applied)


def pending(connection: psycopg.Connection, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """The names of the files that are still to be applied; any role may ask. Raises as `migrate` does."""
    wanted = shipped() if migrations is None else migrations
    made = connection.execute("SELECT to_regclass('vigil.migration') IS NOT NULL").fetchone()
    applied = _applied(connection) if made == (True,) else {}
    return tuple(migration.name for migration in _pending(applied, wanted))


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sha256 FROM vigil.migration").fetchall())


def _pending(applied: dict[str, str], wanted: tuple[Migration, ...]) -> tuple[Migration, ...]:
    if unknown := applied.keys() - {migration.name for migration in wanted}:
        raise MigrationRefused(f"the database has migrations of a newer version: {', '.join(sorted(unknown))}")
    for migration in wanted:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationRefused(f"{migration.name} was edited after it had been applied; write a new file instead")
    return tuple(migration for migration in wanted if migration.name not in applied)


def _query(migration: Migration) -> Query:
    """Our own files, never text from outside: psycopg asks for a literal to keep strangers' text away."""
    return cast("LiteralString", migration.sql)


@contextmanager
def _alone(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
