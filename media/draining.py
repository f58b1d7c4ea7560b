"""A media worker that is about to stop keeps whom it has until they are with another, if there is another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.messages import MediaBeat

FOUND_S = 1.5  # each beats once a second
_decoder = msgspec.msgpack.Decoder(MediaBeat)


async def until_taken_over(client: Client, worker: str, holds: Callable[[], bool], within_s: float) -> None:
    """Waits while `holds()`, for as long as `within_s`, and not at all where no other worker stays."""
    other = asyncio.Event()

    async def heard(message: Msg) -> None:
        with contextlib.suppress(msgspec.MsgspecError):
            beat = _decoder.decode(message.data)
            if beat.worker != worker and not beat.draining:
                other.set()

    with contextlib.suppress(NatsError, TimeoutError):  # while NATS is away nobody can be told
        asked = await client.subscribe("vigil.beat", cb=heard)
        async with asyncio.timeout(FOUND_S):
            await other.wait()
        async with asyncio.timeout(within_s):
            while holds():  # noqa: ASYNC110 - connections end in many ways, and none tells
                await asyncio.sleep(0.1)
        await asked.unsubscribe()
