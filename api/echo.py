"""Our own voice over the message server: only while it comes back does the silence of others mean anything."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from secrets import token_hex
from types import TracebackType
from typing import Self

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

CALL_EVERY_S = 0.25
ECHO_S = 0.75  # with an echo older than this, somebody who is silent for seconds may be there all the same
AWAY_S = 3.0  # with an echo older than this, the message server is away


class Echo:
    """So neither a message server that hangs nor a pause of this very process is taken for others who are gone.

    `async with Echo(nats) as echo`.
    """

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._subject = f"api.echo.{token_hex(8)}"
        self._echo_at = self._deaf_at = time.monotonic()

    async def __aenter__(self) -> Self:
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

    def clear_for(self, seconds: float) -> bool:
        """Whether whoever has been silent for so long is gone: we would have heard them."""
        now = time.monotonic()
        if self.away:
            self._deaf_at = now
        return now - self._echo_at <= ECHO_S and now - self._deaf_at >= seconds

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
