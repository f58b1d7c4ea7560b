"""What is known of each session, as of its settings: asked at most each second, and never waited for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from detectors.sampler import Key
from detectors.settings import Settings

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
AskSettings = Callable[[str, str], Awaitable[Settings | None]]
AGAIN_S = 1.0
PATIENCE_S = 0.25


@dataclass
class _Entry(Generic[Answer]):
    answer: Answer | None = None
    asked_at: float = float("-inf")
    asking: asyncio.Task[None] | None = None
    overdue: bool = False
    failing: bool = False


class Known(Generic[Answer]):
    """A session is not observed until the first answer; then the last answer holds while no other comes."""

    def __init__(self, ask: Callable[[str, str], Awaitable[Answer | None]]) -> None:
        self._ask = ask
        self._entries: dict[Key, _Entry[Answer]] = {}

    async def current(self, key: Key) -> Answer | None:
        """What holds now, or None when the session is not under observation."""
        entry = self._entries.setdefault(key, _Entry())
        now = asyncio.get_running_loop().time()
        if entry.asking is None and now - entry.asked_at >= AGAIN_S:
            entry.asked_at = now
            entry.asking = asyncio.create_task(self._fill(key, entry), name=f"settings {key[1]}")
        if entry.asking is not None and not entry.overdue:
            await asyncio.wait({entry.asking}, timeout=PATIENCE_S)
            entry.overdue = entry.asking is not None
        return entry.answer

    def forget(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.asking is not None:
            entry.asking.cancel()

    async def close(self) -> None:
        asking = [entry.asking for entry in self._entries.values() if entry.asking is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _fill(self, key: Key, entry: _Entry[Answer]) -> None:
        try:
            entry.answer = await self._ask(*key)
            entry.failing = False
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, the exam goes on
            if not entry.failing:
                log.warning(
                    "settings of session %s cannot be read, what is known holds: %s", key[1], type(error).__name__
                )
            entry.failing = True
        finally:
            entry.asking, entry.overdue = None, False
