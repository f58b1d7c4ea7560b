"""Which candidates should be publishing and are not: told from the beats of the media workers, not from messages.

A beat says what a worker holds now. So a lost message costs a second, a worker that dies is noticed by its silence, and
while NATS is away nothing is concluded at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from secrets import token_hex
from types import TracebackType
from typing import NamedTuple, Self

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from api.media_workers import MediaWorkers
from domain.messages import MediaBeat, Track

QUIET_S = 3.0  # a track of which no packet came for so long is not live
ARRIVE_S = 10.0  # how long a candidate who has started may take to publish
SETTLE_S = 3.0  # after NATS came back, beats need this long to be complete
CALL_EVERY_S = 0.25
ECHO_S = 0.75  # with an echo older than this, a worker that is silent for two seconds may be there all the same
AWAY_S = 3.0  # with an echo older than this, the message server is away


class Live(NamedTuple):
    """What is known of one track now: the worker that holds it and for how long no packet came."""

    worker: str
    quiet_s: float


def live_tracks(beats: Iterable[MediaBeat]) -> dict[tuple[str, str, Track], Live]:
    """(tenant, session, track) of every track whose media flows, as the workers measured it: no clock is compared."""
    found: dict[tuple[str, str, Track], Live] = {}
    for beat in beats:
        for track in beat.tracks:
            if track.quiet_s <= QUIET_S:
                found[track.tenant, track.session, track.track] = Live(beat.worker, track.quiet_s)
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
    """Listens to beats, and to its own voice: only while that comes back does the silence of others mean anything.

    So neither a message server that hangs nor a pause of this very process is taken for candidates who are gone.
    `async with Ears(nats) as ears`.
    """

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._workers = MediaWorkers()
        self._subject = f"vigil.echo.{token_hex(8)}"
        self._echo_at = self._deaf_at = time.monotonic()

    async def __aenter__(self) -> Self:
        await self._workers.listen(self._nats)
        await self._nats.subscribe(self._subject, cb=self._heard)
        self._calling = asyncio.create_task(self._call(), name="echo")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calling.cancel()

    @property
    def away(self) -> bool:
        """Whether the message server is away, for all that can be told from here."""
        return not self._nats.is_connected or time.monotonic() - self._echo_at > AWAY_S

    def live(self) -> dict[tuple[str, str, Track], Live] | None:
        """Every track whose media flows now; None while silence means nothing."""
        now = time.monotonic()
        if self.away:
            self._deaf_at = now
        if now - self._echo_at > ECHO_S or now - self._deaf_at < SETTLE_S:
            return None
        return live_tracks(self._workers.alive())

    async def _call(self) -> None:
        while True:
            if self._nats.is_connected:
                with suppress(NatsError):
                    await self._nats.publish(self._subject)
            await asyncio.sleep(CALL_EVERY_S)

    async def _heard(self, _: Msg) -> None:
        now = time.monotonic()
        if now - self._echo_at > AWAY_S:
            self._deaf_at = now
        self._echo_at = now
