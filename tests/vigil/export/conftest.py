"""One exam for all tests of the export, and copies of its export to spoil."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.keys import KeyRing
from commands.ledger import Appender
from commands.objects import FolderStore
from tests.vigil.export.sitting import World, sit_an_exam
from vigil.settings import as_role


@asynccontextmanager
async def a_world(database: str, objects: Path) -> AsyncIterator[World]:
    """A ledger with nothing in it."""
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(as_role(database, "keys"), open=False, min_size=1)
    async with (
        pool,
        Appender(as_role(database, "app")) as appender,
        await AsyncConnection.connect(as_role(database, "notary"), autocommit=True) as conn,
    ):
        keys = KeyRing(pool, bytes(32))
        yield World(conn, keys, appender, FolderStore(objects), {})


@pytest.fixture(scope="session")
async def world(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(new_database(), tmp_path_factory.mktemp("objects")) as world:
        await sit_an_exam(world)
        yield world


@pytest.fixture(scope="session")
async def made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "export"
    await world.export(folder)
    return folder


@pytest.fixture
def export(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "export"))
