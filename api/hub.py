"""One reader of the database for all who watch the same schedule: changes are encoded once and handed to everybody.

A hint wakes it, and it looks each second in any case; batches are at least `EVERY_S` apart. A reader whose queue is
full has stalled and is let go: it comes again with the last mark that it saw. Each batch carries the marks between
which it tells, and every reader passes over what it has seen already: nothing is missed and nothing doubled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from api import hints
from api.services import Services
from projections.reader import Told, changes_since, snapshot

log = logging.getLogger(__name__)

EVERY_S = 0.1
POLL_S = 1.0


class Batch(NamedTuple):
    """What was told after `after` up to `upto`, encoded. `told` is None when nobody can tell what was missed."""

    after: int
    upto: int
    told: tuple[Told, ...] | None
    encoded: bytes


class Reader:
    """One open stream's queue."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Batch] = asyncio.Queue(size)
        self.stalled = False

    def give(self, batch: Batch) -> None:
        try:
            self._queue.put_nowait(batch)
        except asyncio.QueueFull:
            self.stalled = True

    async def batches(self) -> AsyncIterator[Batch]:
        """Ends when the reader has stalled."""
        while not self.stalled:
            yield await self._queue.get()


class Channel:
    """What is watched: its readers, and the task that reads for them. `ready` once it knows where it stands."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Hub:
    """The channels that somebody watches from this process."""

    def __init__(self, services: Services, told: hints.Hints) -> None:
        self._services, self._hints = services, told
        self._channels: dict[tuple[str, str], Channel] = {}

    @asynccontextmanager
    async def watching(self, tenant: str, schedule: str) -> AsyncIterator[Reader]:
        """A reader of a schedule's changes. What it reads by itself from now on joins what it is given."""
        key = (tenant, schedule)
        if key not in self._channels:
            fresh = Channel()
            fresh.task = asyncio.create_task(self._follow(tenant, schedule, fresh), name=f"live {schedule}")
            self._channels[key] = fresh
        watched = self._channels[key]
        reader = Reader(self._services.limits.stream_queue)
        watched.readers.add(reader)
        try:
            await watched.ready.wait()
            yield reader
        finally:
            watched.readers.discard(reader)
            if not watched.readers and self._channels.get(key) is watched:
                del self._channels[key]
                if watched.task:
                    watched.task.cancel()

    async def _follow(self, tenant: str, schedule: str, watched: Channel) -> None:
        mark: int | None = None
        with self._hints.on(hints.live(schedule)) as hint:
            while True:
                try:
                    batch = await self._next(tenant, schedule, mark)
                except Exception as error:  # noqa: BLE001 - whatever it is, whoever watches must not be left with a still
                    log.warning("the live changes cannot be read (%s); trying again", type(error).__name__)
                else:
                    if mark is not None and (batch.told is None or batch.told):
                        for reader in tuple(watched.readers):
                            reader.give(batch)
                    mark = batch.upto
                    watched.ready.set()
                await asyncio.sleep(EVERY_S)
                await hint.wait(POLL_S)

    async def _next(self, tenant: str, schedule: str, mark: int | None) -> Batch:
        async with self._services.pool.connection(timeout=5) as conn:
            changes = None if mark is None else await changes_since(conn, tenant, channel(schedule), mark)
            if changes is None:
                return Batch(mark or 0, (await snapshot(conn, tenant, schedule)).mark, None, b"")
        assert mark is not None
        return Batch(mark, changes.mark, tuple(changes.told), encode(changes.told, changes.mark))


def channel(schedule: str) -> str:
    return f"schedule/{schedule}"


def encode(told: Sequence[Told], mark: int) -> bytes:
    """One event with all patches in order. `patches` are JSON arrays already, and stay as they are."""
    joined = ",".join(inner for one in told if (inner := one.patches.strip()[1:-1].strip()))
    return f"id: {mark}\nevent: change\ndata: [{joined}]\n\n".encode()
