"""Delivers what the detectors have to say, in order for each session, again and again while the other side is away."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from detectors.sampler import Key

log = logging.getLogger(__name__)

Send = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for one answer, between two tries, and for one delivery in all; and how many may wait."""

    answer_s: float = 30.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    give_up_s: float = 900.0
    pictures: int = 512  # beyond this many waiting, better pictures of an open incident are let go
    at_most: int = 2048


class Outbox:
    """A queue and a task for each session that has something waiting. A session that is stuck stops no other."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._queues: dict[Key, deque[Send]] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self.lost = 0  # deliveries given up since the start

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def put(self, key: Key, send: Send, *, spare: bool = False) -> None:
        """Queues one delivery; `send` must be safe to repeat. A `spare` one may be let go when much is waiting."""
        waiting = self.waiting
        if waiting >= self._patience.at_most or (spare and waiting >= self._patience.pictures):
            self._lose("too much is waiting")
            return
        self._queues.setdefault(key, deque()).append(send)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._deliver(key), name=f"deliver {key[1]}")

    async def told(self, key: Key, wait_s: float = 5.0) -> None:
        """Waits until what was queued of a session is delivered, for so long at most."""
        task = self._tasks.get(key)
        if task is not None:
            await asyncio.wait({task}, timeout=wait_s)

    async def close(self, wait_s: float = 5.0) -> None:
        """Lets deliveries go on for a moment, then stops. What is left is lost."""
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=wait_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for _ in range(self.waiting):
            self._lose("the worker stopped")
        self._queues.clear()

    async def _deliver(self, key: Key) -> None:
        queue = self._queues[key]
        try:
            while queue:
                await self._send(queue[0])
                queue.popleft()
            del self._queues[key]
        finally:
            del self._tasks[key]

    async def _send(self, send: Send) -> None:
        """Tries until it succeeds or patience ends."""
        clock, patience = asyncio.get_running_loop(), self._patience
        until, wait, failed = clock.time() + patience.give_up_s, patience.first_wait_s, False
        while True:
            try:
                async with asyncio.timeout(patience.answer_s):
                    return await send()
            except Exception as error:  # noqa: BLE001 - whatever stands in the way, it is tried again
                if not failed:
                    log.warning("a delivery failed and will be tried again: %s", type(error).__name__)
                failed = True
            if clock.time() + wait > until:
                return self._lose("nobody took it")
            await asyncio.sleep(wait)
            wait = min(2 * wait, patience.longest_wait_s)

    def _lose(self, why: str) -> None:
        self.lost += 1
        log.error("a delivery was given up: %s (%d so far)", why, self.lost)
