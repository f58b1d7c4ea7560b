"""The samples that wait to be looked at or listened to: the newest of each session, handed out in turn.

Under overload each session is sampled less often, all of them alike, and nothing grows.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Generic, TypeVar

from domain.messages import Picture, Sound

Key = tuple[str, str]  # tenant, session
Sample = TypeVar("Sample", Picture, Sound)
AT_MOST = 1024  # sessions with a waiting sample, about 50 kB each


class Sampler(Generic[Sample]):
    """One waiting sample for each session. All calls come from one event loop."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._waiting: dict[Key, Sample] = {}  # in the order in which sessions get their turn
        self._at_most = at_most
        self._any = asyncio.Event()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, sample: Sample) -> Sample | None:
        """Takes a sample in; returns the one lost by it: the session's older one, or this one when all is full."""
        key = (sample.tenant, sample.session)
        before = self._waiting.get(key)
        if before is None and len(self._waiting) >= self._at_most:
            return sample
        if before is not None and before.at >= sample.at:
            return sample
        self._waiting[key] = sample  # in place: a session keeps its turn
        self._any.set()
        return before

    async def take(self) -> Sample:
        """The sample whose session has waited longest for its turn."""
        (taken,) = await self.take_many(1)
        return taken

    async def take_many(self, at_most: int) -> list[Sample]:
        """Those whose sessions have waited longest: what is there, for nobody waits until there are more."""
        while not self._waiting:
            self._any.clear()
            await self._any.wait()
        return [self._waiting.pop(key) for key in list(islice(self._waiting, at_most))]
