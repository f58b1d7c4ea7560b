"""Migrations apply once, whole, in order, and only as they were written."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from vigil.embedded import Servers
from vigil.migrate import Migration, MigrationRefused, migrate, pending, shipped
from vigil.settings import Role, as_role

FIRST = Migration("1_first.sql", "CREATE TABLE first (n int); INSERT INTO first VALUES (1)")
SECOND = Migration("2_second.sql", "INSERT INTO first SELECT 2 FROM pg_sleep(0.05)")
ROLES: tuple[Role, ...] = ("app", "project", "keys", "notary")


@pytest.fixture
def empty(servers: Servers, request: pytest.FixtureRequest) -> str:
    """The owner's URL of a new database without anything in it."""
    name = f"empty_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_conninfo(servers.database_url, dbname=name)


def numbers(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM first ORDER BY n")]


async def test_four_racing_migrators_apply_each_file_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty, (FIRST, SECOND)) for _ in range(4)))
    assert sorted(applied) == [(), (), (), ("1_first.sql", "2_second.sql")]
    assert numbers(empty) == [1, 2]


async def test_a_second_run_applies_only_what_is_new(empty: str) -> None:
    assert await migrate(empty, (FIRST,)) == ("1_first.sql",)
    assert await migrate(empty, (FIRST, SECOND)) == ("2_second.sql",)


async def test_an_edited_file_is_refused_by_name(empty: str) -> None:
    await migrate(empty, (FIRST,))
    edited = FIRST._replace(sql=FIRST.sql + " ")
    with pytest.raises(MigrationRefused, match=r"1_first\.sql was edited"):
        await migrate(empty, (edited, SECOND))
    assert numbers(empty) == [1]


async def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    await migrate(empty, (FIRST, SECOND))
    with pytest.raises(MigrationRefused, match=r"newer version: 2_second\.sql"):
        await migrate(empty, (FIRST,))


async def test_a_file_that_fails_leaves_nothing_of_itself(empty: str) -> None:
    broken = Migration("2_broken.sql", "INSERT INTO first VALUES (2); SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(empty, (FIRST, broken))
    assert numbers(empty) == [1]
    assert await migrate(empty, (FIRST, SECOND)) == ("2_second.sql",)


async def test_any_role_may_ask_what_is_pending(empty: str, database: str) -> None:
    async with await AsyncConnection.connect(empty) as connection:
        assert await pending(connection) == tuple(migration.name for migration in shipped())
    for role in ROLES:
        async with await AsyncConnection.connect(as_role(database, role)) as connection:
            assert await pending(connection) == ()


async def test_shipped_files_make_the_roles_while_other_databases_make_them_too(servers: Servers) -> None:
    urls = [make_conninfo(servers.database_url, dbname=f"beside_{n}") for n in range(3)]
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        for n in range(3):
            connection.execute(f"CREATE DATABASE beside_{n}")
    await asyncio.gather(*(migrate(url) for url in urls))
    with psycopg.connect(urls[0]) as connection:
        schemas = connection.execute("SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace").fetchall()
    assert ("read", "vigil_project") in schemas
    assert ("keys", "vigil_owner") in schemas


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_can_make_tables_where_it_should_not(database: str, role: Role) -> None:
    own = {"project": {"read"}}.get(role, set())
    with psycopg.connect(as_role(database, role), autocommit=True) as connection:
        for schema in {"public", "ledger", "keys", "read", "vigil"} - own:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"CREATE TABLE {schema}.mine (n int)")


@pytest.mark.parametrize("role", ["app", "project", "notary"])
async def test_only_the_key_role_enters_the_keys(database: str, role: Role) -> None:
    with psycopg.connect(as_role(database, "keys")) as connection:
        connection.execute("SELECT count(*) FROM keys.subject")
    with psycopg.connect(as_role(database, role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT count(*) FROM keys.subject")


async def test_what_the_projector_makes_the_front_door_reads_and_cannot_write(database: str) -> None:
    with psycopg.connect(as_role(database, "project")) as connection:
        connection.execute("CREATE TABLE read.seen (n int)")
    with psycopg.connect(as_role(database, "app"), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM read.seen").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO read.seen VALUES (1)")
