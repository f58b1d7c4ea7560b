"""Key frames on their way to the frames workers: the newest few wait, and what nobody takes in time is dropped."""

from __future__ import annotations

import asyncio

import msgspec
from nats.aio.client import Client

from domain.messages import KeyFrame
from media.bus import say
from media.connection import Keyframe
from media.names import RecordingName

_WAITING = 256
_MESSAGE_HEAD = 1024  # bytes


class KeyframeFeed:
    """`put` never waits; `send` sends until cancelled."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[KeyFrame] = asyncio.Queue(_WAITING)

    def put(self, recording: RecordingName, keyframe: Keyframe) -> None:
        if self.waiting.full():
            self.waiting.get_nowait()
        tenant, session, track = recording
        at, codec, data = keyframe
        self.waiting.put_nowait(KeyFrame(tenant=tenant, session=session, track=track, at=at, codec=codec, data=data))

    async def send(self, client: Client) -> None:
        while True:
            keyframe = await self.waiting.get()
            if len(keyframe.data) < client.max_payload - _MESSAGE_HEAD:
                subject = f"vigil.keyframe.{keyframe.session}.{keyframe.track}"
                await say(client, subject, msgspec.msgpack.encode(keyframe))
