"""The pictures that wait to be looked at: the newest of each session, handed out in turn.

Under overload each session is sampled less often, all of them alike, and nothing grows.
"""

from __future__ import annotations

import asyncio

from domain.messages import Picture

Key = tuple[str, str]  # tenant, session
AT_MOST = 1024  # sessions with a waiting picture, about 50 kB each


class Sampler:
    """One waiting picture for each session. All calls come from one event loop."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._waiting: dict[Key, Picture] = {}  # in the order in which sessions get their turn
        self._at_most = at_most
        self._any = asyncio.Event()

    def offer(self, picture: Picture) -> Picture | None:
        """Takes a picture in; returns the one lost by it: the session's older one, or this one when all is full."""
        key = (picture.tenant, picture.session)
        before = self._waiting.get(key)
        if before is None and len(self._waiting) >= self._at_most:
            return picture
        if before is not None and before.at >= picture.at:
            return picture
        self._waiting[key] = picture  # in place: a session keeps its turn
        self._any.set()
        return before

    async def take(self) -> Picture:
        """The picture whose session has waited longest for its turn."""
        while not self._waiting:
            self._any.clear()
            await self._any.wait()
        return self._waiting.pop(next(iter(self._waiting)))
