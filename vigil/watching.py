"""Whether anybody looks at pictures: detector workers say each second that they are there, and others listen."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.messages import DetectorBeat
from vigil.echo import Echo

SUBJECT = "vigil.detector.beat"
EVERY_S = 1.0
SILENT_S = 5.0  # after which no detector worker is there


async def beat(nats: Nats) -> None:
    """Says each second that a detector worker is here, until cancelled."""
    worker = token_hex(8)
    while True:
        if nats.is_connected:
            with suppress(NatsError):
                await nats.publish(SUBJECT, msgspec.msgpack.encode(DetectorBeat(worker=worker, at=datetime.now(UTC))))
        await asyncio.sleep(EVERY_S)


class DetectorEars:
    """Listens to the beats of detector workers. `async with DetectorEars(nats) as ears`."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._echo = Echo(nats)
        self._heard_at = float("-inf")

    async def __aenter__(self) -> Self:
        await self._nats.subscribe(SUBJECT, cb=self._heard)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    def alive(self) -> bool | None:
        """Whether any detector worker is there; None while silence means nothing."""
        if time.monotonic() - self._heard_at < SILENT_S:
            return True
        return False if self._echo.clear_for(SILENT_S) else None

    async def _heard(self, _: Msg) -> None:
        self._heard_at = time.monotonic()
