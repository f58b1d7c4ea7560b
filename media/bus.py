"""NATS as the media processes use it: a client that always comes back, and subscriptions that hold when they return."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

logger = logging.getLogger(__name__)


async def connect(url: str, name: str) -> Client:
    """A client that reconnects for as long as it takes."""

    async def on_error(error: Exception) -> None:
        logger.warning("NATS: %s", error)

    return await nats.connect(
        url, name=name, max_reconnect_attempts=-1, reconnect_time_wait=0.5, ping_interval=10, error_cb=on_error
    )


async def subscribe(
    client: Client, subject: str, on_message: Callable[[Msg], Awaitable[None]], queue: str = ""
) -> None:
    """Subscribes; the server knows of it when this returns."""
    await client.subscribe(subject, queue=queue, cb=on_message)
    await client.flush()
    await (
        client.flush()
    )  # nats-py sends the PING of a flush past what still waits to be written: the second is behind it


async def say(client: Client, subject: str, message: bytes) -> None:
    """Publishes, or drops the message while NATS is away."""
    if client.is_connected:
        with contextlib.suppress(nats.errors.Error):
            await client.publish(subject, message)
