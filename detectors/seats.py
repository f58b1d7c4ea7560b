"""The sessions under observation: each has a place from its first sample on, until nobody may observe it any more."""

from __future__ import annotations

import asyncio
from datetime import datetime

from detectors import pose
from detectors.known import Known
from detectors.report import Report
from detectors.sampler import Key
from detectors.seat import Seat
from detectors.seen import Pose
from detectors.settings import Settings

QUIET_S = 3.0  # without a sample for this long, a session with something open is asked after
IDLE_S = 600.0


class Seats:
    """All calls come from one event loop."""

    def __init__(self, known: Known[Settings], report: Report) -> None:
        self._known, self._report = known, report
        self._seats: dict[Key, Seat] = {}
        self._rests: dict[Key, Pose] = {}  # where heads rested when observation stopped, until it goes on or is over

    def get(self, key: Key) -> Seat | None:
        return self._seats.get(key)

    async def observed(self, key: Key, at: datetime) -> Seat | None:
        """The place of whom a sample of this time may be looked at; None where it may not."""
        settings = await self._known.current(key)
        if settings is None:
            self.leave(key)
            return None
        if settings.since is not None and at < settings.since:
            return None
        now, seat = asyncio.get_running_loop().time(), self._seats.get(key)
        if seat is None:
            seat = self._seats[key] = Seat.take(key[1], settings, now)
            if (rest := self._rests.pop(key, None)) is not None:
                seat.view.baseline = pose.resume(rest, at)
            self._report.begins(key, settings)
        seat.settings, seat.came_at = settings, now
        return seat

    def forget(self, key: Key) -> None:
        self._seats.pop(key, None)
        self._rests.pop(key, None)

    async def ask_after(self) -> None:
        """Sessions whose samples have stopped: nothing but their settings can say that they are over."""
        while True:
            await asyncio.sleep(1.0)
            for key, seat in list(self._seats.items()):
                quiet = asyncio.get_running_loop().time() - seat.came_at
                told = seat.open or self._report.is_overloaded(key)
                if quiet > QUIET_S and (told or quiet > IDLE_S) and await self._known.current(key) is None:
                    self.leave(key)

    def leave(self, key: Key) -> None:
        """Nobody may observe it any more: what is open is told to be over."""
        seat = self._seats.pop(key, None)
        if seat is not None:
            known = seat.view.baseline
            if known is not None and (rest := known.rest or known.before) is not None:
                self._rests[key] = rest
            self._report.changed(key, seat.settings, seat.leave("not_observed"), None)
            for source, told in seat.look_away().items():
                self._report.seeing(key, told, source)
            self._report.interrupted(key)
