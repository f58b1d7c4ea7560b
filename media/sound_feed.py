"""Sound on its way to the detectors: batches of packets as they came; what nobody takes in time is dropped.

Only of sessions whose policy asks to listen, and only over core NATS: nothing keeps it but the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
from nats.aio.client import Client

from domain.messages import SOUND_RATE, Sound
from media.bus import say
from media.names import RecordingName
from media.track import EncodedFrame

BATCH_S = 2.0
_BATCH = round(BATCH_S * SOUND_RATE)
_BYTES_MAX, _PACKETS_MAX = 256 << 10, 1024  # of a batch: Opus needs a twentieth of that
_WAITING = 256

When = Callable[[EncodedFrame], datetime]


class Batches:
    """Puts the sound of one connection together. `when` says at what wall time a packet was sent."""

    def __init__(self, recording: RecordingName, when: When, put: Callable[[Sound], None]) -> None:
        self._recording, self._when, self._put = recording, when, put
        self._at: datetime | None = None
        self._begin = self._bytes = 0
        self._packets: list[bytes] = []
        self._offsets: list[int] = []

    def add(self, frame: EncodedFrame) -> None:
        """Takes the next packet, in order. It ends a batch that is as long as it should be."""
        offset = frame.ticks - self._begin
        last = self._offsets[-1] if self._offsets else -1
        if self._at is None or not last < offset < _BATCH or self._full(frame):
            self._send(offset)
            self._at, self._begin, offset = self._when(frame), frame.ticks, 0
        self._packets.append(frame.data)
        self._offsets.append(offset)
        self._bytes += len(frame.data)

    def _full(self, frame: EncodedFrame) -> bool:
        return len(self._packets) >= _PACKETS_MAX or self._bytes + len(frame.data) > _BYTES_MAX

    def _send(self, until: int) -> None:
        """Sends what is there. What comes after a pause, or by another clock, says nothing about this one's end."""
        if self._at is not None:
            tenant, session, track = self._recording
            length = until if 0 < until < 2 * _BATCH else _BATCH
            self._put(
                Sound(
                    tenant=tenant, session=session, track=track, at=self._at, seconds=length / SOUND_RATE,
                    packets=tuple(self._packets), offsets=tuple(self._offsets),
                )
            )  # fmt: skip
        self._packets, self._offsets, self._bytes = [], [], 0


class SoundFeed:
    """`put` never waits; `send` sends until cancelled."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Sound] = asyncio.Queue(_WAITING)

    def put(self, sound: Sound) -> None:
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(sound)

    async def send(self, client: Client) -> None:
        while True:
            sound = await self.waiting.get()
            await say(client, f"vigil.sound.{sound.session}.{sound.track}", msgspec.msgpack.encode(sound))
