"""Hints that there is something to read. They carry nothing and may be lost: every reader polls each second as well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

log = logging.getLogger(__name__)

SUBJECTS = ("vigil.live.*", "vigil.candidate.*")


class Hint:
    """Wakes one reader. A hint that came while it was busy is not forgotten."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        self._event.set()

    async def wait(self, at_most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._event.wait()
        self._event.clear()


class Hints:
    """All readers of one process, behind one subscription for each kind of subject."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._readers: dict[str, set[Hint]] = {}

    async def listen(self) -> None:
        for subject in SUBJECTS:
            await self._nats.subscribe(subject, cb=self._heard)

    @contextmanager
    def on(self, subject: str) -> Iterator[Hint]:
        hint = Hint()
        self._readers.setdefault(subject, set()).add(hint)
        try:
            yield hint
        finally:
            readers = self._readers[subject]
            readers.discard(hint)
            if not readers:
                del self._readers[subject]

    async def say(self, subject: str) -> None:
        """Tells the readers here and in every other process. NATS being away costs a second, nothing else."""
        self._wake(subject)
        if self._nats.is_connected:
            with suppress(NatsError):
                await self._nats.publish(subject)

    async def _heard(self, message: Msg) -> None:
        self._wake(message.subject)

    def _wake(self, subject: str) -> None:
        for hint in self._readers.get(subject, ()):
            hint.give()


def candidate(session: str) -> str:
    return f"vigil.candidate.{session}"


def live(schedule: str) -> str:
    return f"vigil.live.{schedule}"
