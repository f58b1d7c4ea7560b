"""What writing costs: appends and whole commands of 64 callers, beside single rows through one plain connection.

The database waits for the disk, as in production. Rounds alternate with the baseline, and the median counts.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

import psycopg
import uvloop
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands import chats
from commands.handler import Handler, Order, Work
from commands.keys import KeyRing
from commands.ledger import Append, Appender, Part
from domain import session_rules
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

CALLERS, ROUNDS = 64, 15
INSERTS, APPENDS, COMMANDS = 600, 60, 25  # in a round; the latter two by each caller
STATE = b"x" * 480  # as long as a stored message
WORDS = "My screen went black for a moment, and now the timer is gone. What shall I do?"
INSERT = """
INSERT INTO plain.events (originator_id, originator_version, topic, state, recorded_at) VALUES (%s, %s, %s, %s, now())
"""


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about half a minute."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measure(servers.database_url))
    finally:
        remove(home)


async def _measure(url: str) -> list[dict[str, object]]:
    await migrate(url)
    rates: dict[str, list[float]] = {"inserts": [], "appends": [], "commands": []}
    async with AsyncExitStack() as stack:
        plain = stack.enter_context(psycopg.connect(url, autocommit=True))
        plain.execute("CREATE SCHEMA plain")
        plain.execute("CREATE TABLE plain.events (LIKE ledger.events INCLUDING ALL)")
        appender = await stack.enter_async_context(Appender(as_role(url, "app")))
        keys = KeyRing(await _pool(stack, as_role(url, "keys")), b"m" * 32)
        callers = Callers(Handler(await _pool(stack, as_role(url, "app")), appender, keys), appender)
        await callers.arrive()
        for _ in range(ROUNDS + 1):
            rates["inserts"].append(_insert(plain))
            rates["appends"].append(await callers.all(callers.append, APPENDS))
            rates["commands"].append(await callers.all(callers.send, COMMANDS))
    inserts, appends, commands = (median(rates[name][1:]) for name in ("inserts", "appends", "commands"))
    return [
        {
            "name": f"appends a second, {CALLERS} callers, against single-row INSERT on one connection",
            "value": round(appends), "unit": "appends/s", "baseline": round(inserts),
            "ratio": round(appends / inserts, 2), "goal": ">=3", "note": "the same table, indexes and disk for both",
        },
        {
            "name": f"whole commands a second, {CALLERS} callers on {CALLERS} live streams, against the same",
            "value": round(commands), "unit": "commands/s", "baseline": round(inserts),
            "ratio": round(commands / inserts, 2), "goal": ">=1",
            "note": "a private message sent: receipt, load, decide, encrypt, append",
        },
    ]  # fmt: skip


class Callers:
    """Sixty-four candidates, each in a session of their own, who all write at once."""

    def __init__(self, handler: Handler, appender: Appender) -> None:
        self._handler = handler
        self._appender = appender
        self._names = [uuid4().hex for _ in range(CALLERS)]
        self._versions = dict.fromkeys(self._names, 0)
        self._now = datetime.now(UTC)

    async def arrive(self) -> None:
        """Opens their sessions, and sends a first message in each."""
        self._ids = [uuid4() for _ in range(2 * CALLERS)]
        for name in self._names:
            await self._handler.run(self._order(name), partial(_open, name=name))
            await self.send(name)

    async def all(self, act: Callable[[str], Awaitable[None]], times: int) -> float:
        """Every caller acts so many times, one after another. Returns acts a second."""

        async def caller(name: str) -> None:
            for _ in range(times):
                await act(name)

        self._ids = [uuid4() for _ in range(CALLERS * times)]  # the baseline needs none
        begun = time.perf_counter()
        await asyncio.gather(*map(caller, self._names))
        return CALLERS * times / (time.perf_counter() - begun)

    async def append(self, name: str) -> None:
        part = Part(f"bench/plain/{name}", self._versions[name], [("chat.message_sent", STATE)])
        self._versions[name] += 1
        await self._appender.append(Append(self._ids.pop(), b"r" * 32, "{}", [part]))

    async def send(self, name: str) -> None:
        await self._handler.run(self._order(name), partial(_send, name=name))

    def _order(self, name: str) -> Order:
        self._now += timedelta(seconds=1)  # slow enough for the limit on messages a minute
        return Order(
            tenant="bench", actor=f"candidate/{name}", key=self._ids.pop().hex, request=b"r" * 32, at=self._now
        )


async def _open(work: Work, name: str) -> None:
    await work.do(session_rules.DECIDER, name, session_rules.Open(schedule="bench", subject=f"c{name}"))


async def _send(work: Work, name: str) -> Mapping[str, str]:
    return await chats.send(work, name, side="candidate", text=WORDS)


def _insert(conn: psycopg.Connection) -> float:
    stream = f"bench/plain/{uuid4().hex}"
    begun = time.perf_counter()
    for version in range(1, INSERTS + 1):
        conn.execute(INSERT, (stream, version, "chat.message_sent", STATE), prepare=True)
    return INSERTS / (time.perf_counter() - begun)


async def _pool(stack: AsyncExitStack, url: str) -> AsyncConnectionPool[AsyncConnection]:
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        url, min_size=1, max_size=6, open=False, kwargs={"autocommit": True}
    )
    await pool.open()
    stack.push_async_callback(pool.close)
    return pool
