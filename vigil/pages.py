"""Whether the candidates' pages are heard: front doors say so at each batch of signals. Silence is a fault."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from api.echo import Echo
from domain.messages import PageBeat

SUBJECT = "vigil.page.beat"
SILENT_S = 20.0  # a page signals each two seconds, and may be loaded again meanwhile
KEPT_S = 3600.0


class PageEars:
    """Listens to what front doors say of pages. `async with PageEars(nats) as pages`."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._echo = Echo(nats)
        self._heard_at: dict[tuple[str, str], float] = {}
        self._tidied_at = time.monotonic()

    async def __aenter__(self) -> Self:
        await self._nats.subscribe(SUBJECT, cb=self._heard)
        await self._echo.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._echo.__aexit__(kind, error, trace)

    def silent_s(self, tenant: str, session: str) -> float | None:
        """For how long a page that should signal has been silent; None while it is heard, or silence means nothing.

        Of what was before it was asked for the first time nothing is known.
        """
        now = time.monotonic()
        silent_s = now - self._heard_at.setdefault((tenant, session), now)
        return silent_s if silent_s >= SILENT_S and self._echo.clear_for(SILENT_S) else None

    async def _heard(self, message: Msg) -> None:
        beat, now = msgspec.msgpack.decode(message.data, type=PageBeat), time.monotonic()
        self._heard_at[beat.tenant, beat.session] = now
        if now - self._tidied_at > KEPT_S:
            self._heard_at = {key: at for key, at in self._heard_at.items() if now - at < KEPT_S}
            self._tidied_at = now
