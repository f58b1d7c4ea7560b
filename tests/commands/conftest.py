"""A ledger, its keys and a handler over a database of their own, as the processes of Vigil hold them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.handler import Handler
from commands.keys import KeyRing
from commands.ledger import Appender
from vigil.settings import as_role

Pool = AsyncConnectionPool[AsyncConnection]
MASTER = b"m" * 32


class Processes:
    """Makes what each process of Vigil makes for itself, and closes it all."""

    def __init__(self, database: str, stack: AsyncExitStack) -> None:
        self.database = database
        self._stack = stack

    def url(self, role: str) -> str:
        return as_role(self.database, role)

    async def pool(self, role: str) -> Pool:
        pool: Pool = AsyncConnectionPool(
            self.url(role), min_size=1, max_size=4, open=False, kwargs={"autocommit": True}, timeout=20
        )
        await pool.open()
        self._stack.push_async_callback(pool.close)
        return pool

    async def appender(self, **options: float) -> Appender:
        return await self._stack.enter_async_context(Appender(self.url("app"), **options))

    async def keys(self) -> KeyRing:
        return KeyRing(await self.pool("keys"), MASTER)

    async def handler(self) -> Handler:
        return Handler(await self.pool("app"), await self.appender(), await self.keys())

    async def connection(self, role: str = "owner") -> AsyncConnection:
        url = self.database if role == "owner" else self.url(role)
        connection = await AsyncConnection.connect(url, autocommit=True)
        return await self._stack.enter_async_context(connection)


@pytest.fixture
async def processes(database: str) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        yield Processes(database, stack)


@pytest.fixture
async def app(processes: Processes) -> AsyncConnection:
    """A connection as the role `vigil_app`."""
    return await processes.connection("app")


@pytest.fixture
async def owner(processes: Processes) -> AsyncConnection:
    """A connection as the owner of the database."""
    return await processes.connection()


@pytest.fixture
async def appender(processes: Processes) -> Appender:
    return await processes.appender()


@pytest.fixture
async def one(processes: Processes) -> Handler:
    return await processes.handler()


@pytest.fixture
async def other(processes: Processes) -> Handler:
    """The handler of another process, with its own memory, appender and keys."""
    return await processes.handler()
