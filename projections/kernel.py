"""The projector: follows the ledger and keeps the tables of the models up to date, each event exactly once.

Models that stand at the same position share the reading and decoding of a batch; each has its own transaction
(`batch.py`). A hint on the channel `ledger` only shortens the wait; a lost connection is opened again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from projections.batch import Memory, apply, purge
from projections.builds import Build, builds_of, prepare
from projections.connection import connect
from projections.feed import Batch, Feed
from projections.model import AnyModel, Decode, tags_of
from projections.rebuild import renew

log = logging.getLogger(__name__)

Announce = Callable[[Collection[str]], Awaitable[None]]

EVERY_S = 1.0  # at least so often, heard of something or not
PURGE_EVERY_S = 60.0
REST_S = 5.0  # of a model that fails as a whole; the others go on
PAUSES_S = (0.05, 2.0)  # the first and the longest wait before a lost connection is opened again


class Projector:
    """Keeps these models up to date. Any number may run; `announce` is told which channels have something new."""

    def __init__(
        self, conninfo: str, decode: Decode, models: Sequence[AnyModel], *, announce: Announce | None = None
    ) -> None:
        self._conninfo = conninfo
        self._decode = decode
        # Those that push come last, so that whoever hears of a change finds it in every other model as well.
        self._models = sorted(models, key=lambda model: model.changes is not None)
        self._announce = announce
        self._memories: dict[str, Memory[Any]] = {model.name: Memory() for model in models}
        self._resting: dict[str, float] = {}  # model -> until when
        self._purged_at = float("-inf")

    async def run(self) -> None:
        """Runs until cancelled, whatever happens to the database.

        What an earlier version left is mended beside it: models of an older version are rebuilt, parked rows refolded.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="projector")
            group.create_task(renew(self._conninfo, self._decode, self._models), name="projector's renewal")

    async def _follow(self) -> None:
        pause_s, longest_s = PAUSES_S
        while True:
            try:
                async with await connect(self._conninfo) as conn, Feed(self._conninfo, self._decode) as feed:
                    await conn.execute("LISTEN ledger")
                    await prepare(conn, self._models)
                    while True:
                        read = await self.step(conn, feed)
                        pause_s = PAUSES_S[0]
                        await self._purge(conn)
                        if not read:
                            await _hint(conn)
            except psycopg.OperationalError as error:
                log.warning("the projector lost its database (%s) and tries again", type(error).__name__)
            except Exception:
                log.exception("the projector failed and begins where it stood")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    async def step(self, conn: AsyncConnection, feed: Feed) -> int:
        """Brings every model one batch further; gives the number of events read.

        Models that are ahead go first, and the others follow up to where those stand now. So nobody waits for a model
        that has far to go, and one that has caught up shares the next batch.
        """
        wanted = {m.name: m for m in self._models if self._resting.get(m.name, 0.0) <= time.monotonic()}
        builds = [b for b in await builds_of(conn, wanted.values()) if b.live and b.version == wanted[b.model].version]
        ceiling: int | None = None
        read = 0
        for position in sorted({build.position for build in builds}, reverse=True):
            group = {build.model: build for build in builds if build.position == position}
            pairs = [(model, group[name]) for name, model in wanted.items() if name in group]
            batch = await feed.after(conn, position, tags=tags_of(model for model, _ in pairs), up_to=ceiling)
            if batch.size:
                await self._apply(conn, pairs, batch)
            if ceiling is None:
                ceiling = batch.last or position
            read += batch.size
        return read

    async def _apply(self, conn: AsyncConnection, pairs: Sequence[tuple[AnyModel, Build]], batch: Batch) -> None:
        channels: set[str] = set()
        for model, build in pairs:
            try:
                channels |= await apply(conn, model, build, batch, self._memories[model.name])
            except psycopg.OperationalError:
                raise
            except Exception:
                log.exception("the model %s failed at its batch after position %d", model.name, build.position)
                self._resting[model.name] = time.monotonic() + REST_S
        if channels and self._announce:
            try:
                async with asyncio.timeout(EVERY_S):  # `wait_for` loses a cancellation that comes with the result
                    await self._announce(channels)
            except Exception:
                log.debug("nobody could be told of news; readers look for themselves", exc_info=True)

    async def _purge(self, conn: AsyncConnection) -> None:
        if time.monotonic() - self._purged_at > PURGE_EVERY_S:
            await purge(conn)
            self._purged_at = time.monotonic()


async def _hint(conn: AsyncConnection) -> None:
    async for _ in conn.notifies(timeout=EVERY_S, stop_after=1):
        pass
