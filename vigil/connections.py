"""Which candidates should be publishing and are not: told from the beats of the media workers, not from messages.

A beat says what a worker holds now. So a lost message costs a second, a worker that dies is noticed by its silence, and
while NATS is away nothing is concluded at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from nats.aio.client import Client as Nats

from api.media_workers import MediaWorkers
from domain.messages import MediaBeat, Track

QUIET = timedelta(seconds=3)  # a track whose last packet is older than this is not live
ARRIVE_S = 10.0  # how long a candidate who has started may take to publish
SETTLE_S = 3.0  # after NATS came back, beats need this long to be complete


class Live(NamedTuple):
    """What is known of one track now: the worker that holds it and when its last packet came."""

    worker: str
    media_at: datetime


def live_tracks(beats: Iterable[MediaBeat]) -> dict[tuple[str, str, Track], Live]:
    """(tenant, session, track) of every track whose media flows, by the workers' own clocks."""
    found: dict[tuple[str, str, Track], Live] = {}
    for beat in beats:
        for track in beat.tracks:
            if beat.at - track.media_at <= QUIET:
                found[track.tenant, track.session, track.track] = Live(beat.worker, track.media_at)
    return found


class Lost(NamedTuple):
    track: Track
    why: str


class Restored(NamedTuple):
    track: Track


def judge(
    expected: Iterable[Track], lost: Mapping[Track, datetime], live: Mapping[Track, Live], started_s_ago: float
) -> list[Lost | Restored]:
    """What to say of one running session. A candidate who has just started is given time to publish."""
    said: list[Lost | Restored] = []
    for track in expected:
        if track in live and track in lost:
            said.append(Restored(track))
        elif track not in live and track not in lost and started_s_ago > ARRIVE_S:
            said.append(Lost(track, "no media arrives"))
    return said


class Ears:
    """Listens to beats, and knows whether silence means anything."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self.workers = MediaWorkers()
        self._connected_since: float | None = None

    async def listen(self) -> None:
        await self.workers.listen(self._nats)

    @property
    def connected(self) -> bool:
        return bool(self._nats.is_connected)

    def can_tell(self) -> bool:
        """True once NATS has been there long enough for every living worker to have been heard."""
        now = time.monotonic()
        if not self.connected:
            self._connected_since = None
            return False
        if self._connected_since is None:
            self._connected_since = now
        return now - self._connected_since > SETTLE_S

    def live(self) -> dict[tuple[str, str, Track], Live]:
        return live_tracks(self.workers.alive())
