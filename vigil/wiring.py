"""The one place where everything is wired together: pools, clients, keys and the handler, made from settings."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nats.aio.client import Client as Nats
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from commands.checkpoint import Signer
from commands.handler import Handler, Order, Receipt, UseCase
from commands.ids import Pseudonyms
from commands.keys import KeyRing
from commands.ledger import Appender
from commands.objects import ObjectStore, open_store
from vigil import embedded
from vigil.forgetting import forget_along
from vigil.settings import Settings, SettingsError, folder_of_objects, load
from vigil.signing import signer

log = logging.getLogger(__name__)

ANSWER_S = 10.0  # how long a server is waited for when a process starts

Pool = AsyncConnectionPool[AsyncConnection]


class NotRunning(Exception):
    """What is needed to run is not there; says what that is, and what to do."""


@dataclass(frozen=True)
class Core:
    """What every process of Vigil holds."""

    settings: Settings
    pool: Pool  # as vigil_app
    readers: Pool  # as vigil_project, whose own the read models are
    keys: KeyRing
    handler: Handler
    nats: Nats
    objects: ObjectStore
    pseudonyms: Pseudonyms
    tokens: bytes  # the secret that signs tokens and links

    @cached_property
    def signer(self) -> Signer:
        """Who signs checkpoints and exports. Only processes that ask read its key. Raises `SettingsError`."""
        return signer(self.settings)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that reads every tenant's read models, for Vigil's own roles."""
        return self.readers.connection()

    async def act(self, tenant: str, actor: str, cause: str, use_case: UseCase) -> Receipt:
        """Runs a command of Vigil's own. Its key is derived from the cause, so that a crash repeats nothing."""
        order = Order(
            tenant=tenant,
            actor=actor,
            key=cause,
            request=sha256(cause.encode()).digest(),
            at=self.now(),
            correlation=cause,
        )
        return await self.handler.run(order, use_case)


@asynccontextmanager
async def core(settings: Settings, process: str) -> AsyncIterator[Core]:
    """Opens everything for one process and closes it in order. `process` names it to PostgreSQL and NATS.

    Raises `NotRunning` when one of them does not answer; later they may come and go.
    """
    master = settings.master_secret()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(_pool(settings.database_url_for("app"), process, 6))
        readers = await stack.enter_async_context(_pool(settings.database_url_for("project"), process, 4))
        keys_pool = await stack.enter_async_context(_pool(settings.database_url_for("keys"), process, 2))
        appender = await stack.enter_async_context(Appender(settings.database_url_for("app")))
        try:
            async with asyncio.timeout(ANSWER_S):
                client = await connect_nats(settings.nats_url, process)
        except TimeoutError:
            raise NotRunning("NATS does not answer; is VIGIL_NATS_URL right, and does it run?") from None
        stack.push_async_callback(client.close)
        keys = KeyRing(keys_pool, derive(master, "keys"))
        handler = Handler(pool, appender, keys)
        forgetting = asyncio.create_task(forget_along(keys, handler, settings.home), name="forgetting")
        stack.push_async_callback(_ended, forgetting)
        yield Core(
            settings=settings, pool=pool, readers=readers, keys=keys, handler=handler,
            nats=client, objects=open_store(settings.objects_url), pseudonyms=Pseudonyms(derive(master, "pseudonyms")),
            tokens=derive(master, "tokens"),
        )  # fmt: skip


async def connect_nats(url: str, process: str) -> Nats:
    """A client that reconnects for ever and says so once each time, not at each try."""

    async def gone() -> None:
        if not client.is_closed:
            log.warning("NATS is away; live hints and media wait, commands go on")

    async def back() -> None:
        log.info("NATS is back")

    async def quiet(error: Exception) -> None:
        log.debug("NATS: %s", error)

    client = Nats()
    await client.connect(
        url, name=f"vigil {process}", max_reconnect_attempts=-1, reconnect_time_wait=1, disconnected_cb=gone,
        reconnected_cb=back, error_cb=quiet, pending_size=16 * 1024 * 1024, ping_interval=5,
    )  # fmt: skip
    return client


def spool(settings: Settings) -> Path:
    """Where media processes write and `upload` reads; all run on one machine."""
    return settings.home / "spool"


def derive(master: bytes, purpose: str) -> bytes:
    """A 32-byte secret of its own for each purpose."""
    return HKDF(SHA256(), 32, salt=None, info=f"vigil/{purpose}/1".encode()).derive(master)


class _Pool(AsyncConnectionPool[AsyncConnection]):
    """Ends who is cancelled while they wait.

    The pool's own `wait_for` loses that before Python 3.12, if a connection comes at the same moment.
    """

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        conn = await super().getconn(timeout)
        if task and task.cancelling() > before:
            await self.putconn(conn)
            raise asyncio.CancelledError
        return conn


@asynccontextmanager
async def _pool(conninfo: str, process: str, most: int) -> AsyncIterator[Pool]:
    pool: Pool = _Pool(
        conninfo, min_size=1, max_size=most, open=False, timeout=20, name=process,
        kwargs={"autocommit": True, "application_name": f"vigil {process}"}, check=AsyncConnectionPool.check_connection,
    )  # fmt: skip
    await pool.open()
    try:
        try:
            await pool.wait(ANSWER_S)
        except PoolTimeout:
            raise NotRunning("the database does not answer; is VIGIL_DATABASE_URL right, and does it run?") from None
        yield pool
    finally:
        await asyncio.wait_for(pool.close(), 10)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def attached(settings: Settings) -> Settings:
    """Settings completed with the embedded servers that another process runs for this home, and its object store."""
    if not settings.embedded:
        return settings
    servers = embedded.running(settings.home)
    if servers is None:
        raise NotRunning("no servers run here: start `vigil run` first, or set VIGIL_DATABASE_URL and VIGIL_NATS_URL")
    if settings.objects_url not in (servers.objects_url, folder_of_objects(settings.home)):
        raise SettingsError("VIGIL_OBJECTS_URL: expected the object store that `vigil run` uses here, or nothing")
    return load({**os.environ, **servers.environment()})
