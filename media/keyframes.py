"""Asking for key frames: a request may be deferred, is repeated, and stands until a key frame comes after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

PLI_SPACING_S = 0.3
PLI_SPACING_MAX_S = 1.2


class Clock(Protocol):
    """What media needs of the event loop."""

    def time(self) -> float: ...
    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle: ...


class KeyframeRequests:
    """Sends a PLI by `send_pli`; with `every_s` also when the last key frame is older than that."""

    def __init__(self, clock: Clock, send_pli: Callable[[], None], every_s: float | None) -> None:
        self._clock, self._send_pli, self._every_s = clock, send_pli, every_s
        self._wanted = False
        self._spacing = PLI_SPACING_S
        self._asked_at = float("-inf")
        self._came_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def request(self) -> None:
        self._wanted = True
        if self._timer is None:
            self._ask()

    def came(self, now: float) -> None:
        self._wanted, self._spacing, self._came_at = False, PLI_SPACING_S, now

    def frame(self, now: float) -> None:
        """A frame that is no key frame came: is it time for one?"""
        if self._every_s is not None and not self._wanted and now - self._came_at >= self._every_s:
            self.request()

    def close(self) -> None:
        self._wanted = False
        if self._timer is not None:
            self._timer.cancel()

    def _ask(self) -> None:
        self._timer = None
        if not self._wanted:
            return
        now = self._clock.time()
        wait = self._asked_at + self._spacing - now
        if wait <= 0:
            self._send_pli()
            if self._asked_at > self._came_at:  # asked before, and nothing came
                self._spacing = min(self._spacing * 2, PLI_SPACING_MAX_S)
            self._asked_at, wait = now, self._spacing
        self._timer = self._clock.call_later(wait, self._ask)
