"""Whether those who are needed are there: detector workers and front doors say so each second, and others listen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from api.echo import Echo
from detectors.share import Share
from domain.incidents import Provenance
from domain.messages import DetectorBeat, DetectorLoad

SUBJECT = "vigil.detector.beat"
EVERY_S = 1.0
SILENT_S = 5.0  # after which nobody of them is there


async def beat(
    nats: Nats, load: Callable[[], DetectorLoad] | None = None, runs: Mapping[str, Provenance] | None = None,
    share: Share | None = None,
) -> None:  # fmt: skip
    """Says each second that a detector worker is here, how it keeps up, what it runs and which sessions are its own."""
    worker, running, mine = token_hex(8), dict(runs or {}), share or Share()
    while True:
        if nats.is_connected:
            told = DetectorBeat(
                worker=worker, at=datetime.now(UTC), load=load() if load else None, runs=running,
                share=(mine.number, mine.of),
            )  # fmt: skip
            with suppress(NatsError):
                await nats.publish(SUBJECT, msgspec.msgpack.encode(told))
        await asyncio.sleep(EVERY_S)


class BeatEars:
    """Listens to the beats of those on a subject. `async with BeatEars(nats, SUBJECT) as ears`."""

    def __init__(self, nats: Nats, subject: str, *, silent_s: float | None = None) -> None:
        self._nats, self._subject, self._silent_s = nats, subject, silent_s
        self._echo = Echo(nats)
        self._heard_at = float("-inf")

    async def __aenter__(self) -> Self:
        await self._nats.subscribe(self._subject, cb=self._heard)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    @property
    def ever(self) -> bool:
        """Whether one of them has been heard since this began to listen."""
        return self._heard_at > float("-inf")

    def alive(self) -> bool | None:
        """Whether any of them is there; None while silence means nothing."""
        silent_s = SILENT_S if self._silent_s is None else self._silent_s
        if time.monotonic() - self._heard_at < silent_s:
            return True
        return False if self._echo.clear_for(silent_s) else None

    async def _heard(self, _: Msg) -> None:
        self._heard_at = time.monotonic()
