"""Who of the staff holds a live stream: every front door says so each second, and whoever acts on it listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.messages import StreamsHeld

log = logging.getLogger(__name__)

SUBJECT = "vigil.streams"
EVERY_S = 1.0
SILENT_S = 5.0  # after which somebody is not shown as connected
FORGOTTEN_S = 3600.0


class Attendance:
    """When each person was last heard of, by this process's own clock."""

    def __init__(self) -> None:
        self._heard_at: dict[tuple[str, str], float] = {}

    async def listen(self, nats: Nats) -> None:
        await nats.subscribe(SUBJECT, cb=self._heard)

    def quiet_s(self, tenant: str, actor: str) -> float:
        """For how long nobody has said that they hold a stream; without end when nobody ever has."""
        return time.monotonic() - self._heard_at.get((tenant, actor), float("-inf"))

    def connected(self, tenant: str, actor: str) -> bool:
        return self.quiet_s(tenant, actor) < SILENT_S

    async def _heard(self, message: Msg) -> None:
        try:
            said = _decoder.decode(message.data)
        except msgspec.MsgspecError:
            log.warning("a word on who is connected that cannot be read was ignored")
            return
        now = time.monotonic()
        known = {who: at for who, at in self._heard_at.items() if now - at < FORGOTTEN_S}
        self._heard_at = known | dict.fromkeys(said.held, now)


class Presence:
    """The streams that this process holds."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._held: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def holding(self, tenant: str, actor: str) -> Iterator[None]:
        self._held[tenant, actor] += 1
        try:
            yield
        finally:
            self._held[tenant, actor] -= 1
            if not self._held[tenant, actor]:
                del self._held[tenant, actor]

    async def tell(self) -> None:
        """Says each second that this front door is there, and who holds a stream here, until cancelled."""
        while True:
            if self._nats.is_connected:
                with suppress(NatsError):
                    await self._nats.publish(SUBJECT, msgspec.msgpack.encode(StreamsHeld(held=tuple(self._held))))
            await asyncio.sleep(EVERY_S)


_decoder = msgspec.msgpack.Decoder(StreamsHeld)
