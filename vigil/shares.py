"""Whether a detector worker is there for each session: where several share them, one may be away and others not."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from api.echo import Echo
from detectors.share import Share
from domain.messages import DetectorBeat
from vigil import watching

NOBODY_LOOKS = "no detector is there to look at the camera"
AWAY = "the detector is away that looks at this camera; others are there"

_decoder = msgspec.msgpack.Decoder(DetectorBeat)


class DetectorEars:
    """Listens to what detector workers say of themselves. `async with DetectorEars(nats) as ears`."""

    def __init__(self, nats: Nats) -> None:
        self._nats, self._echo = nats, Echo(nats)
        self._heard: dict[str, tuple[float, Share]] = {}

    async def __aenter__(self) -> Self:
        await self._nats.subscribe(watching.SUBJECT, cb=self._hear)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    def missing(self, session: str) -> str | None:
        """Why nobody looks at this session; "" where somebody does, None while silence means nothing."""
        now = time.monotonic()
        there = [share for at, share in self._heard.values() if now - at < watching.SILENT_S]
        if any(share.has(session) for share in there):
            return ""
        if not self._echo.clear_for(watching.SILENT_S):
            return None
        return AWAY if there else NOBODY_LOOKS

    async def _hear(self, message: Msg) -> None:
        try:
            beat = _decoder.decode(message.data)
        except msgspec.MsgspecError:
            return  # whoever counts the workers says so
        now, (number, of) = time.monotonic(), beat.share
        self._heard = {name: known for name, known in self._heard.items() if now - known[0] < watching.SILENT_S}
        self._heard[beat.worker] = (now, Share(number, of))
