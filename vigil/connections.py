"""Which candidates should be publishing and are not: told from the beats of the media workers, not from messages.

A beat says what a worker holds now. So a lost message costs a second, a worker that dies is noticed by its silence, and
while NATS is away nothing is concluded at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self

from nats.aio.client import Client as Nats

from api.echo import Echo
from api.media_workers import MediaWorkers
from domain.messages import MediaBeat, Track

QUIET_S = (
    6.0  # a track without a picture for so long is not live; one without any packet is ended by its worker after three
)
ARRIVE_S = 10.0  # how long a candidate who has started may take to publish
SETTLE_S = 3.0  # after NATS came back, beats need this long to be complete


class Live(NamedTuple):
    """What is known of one track now: the worker that holds it."""

    worker: str


def live_tracks(beats: Iterable[MediaBeat]) -> dict[tuple[str, str, Track], Live]:
    """(tenant, session, track) of every track whose media flows, as the workers measured it: no clock is compared."""
    found: dict[tuple[str, str, Track], Live] = {}
    for beat in beats:
        for track in beat.tracks:
            if track.quiet_s <= QUIET_S:
                found[track.tenant, track.session, track.track] = Live(beat.worker)
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
    """Listens to the beats of the media workers. `async with Ears(nats) as ears`."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._workers = MediaWorkers()
        self._echo = Echo(nats)

    async def __aenter__(self) -> Self:
        await self._workers.listen(self._nats)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    @property
    def away(self) -> bool:
        """Whether the message server is away, for all that can be told from here."""
        return self._echo.away

    def live(self) -> dict[tuple[str, str, Track], Live] | None:
        """Every track whose media flows now; None while silence means nothing."""
        return live_tracks(self._workers.alive()) if self._echo.clear_for(SETTLE_S) else None
