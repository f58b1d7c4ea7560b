"""The wall: a thumbnail of every candidate's camera, for all in one binary WebSocket.

Pictures come over NATS while somebody watches, live for seconds in memory, and are kept nowhere. A message holds those
that are new since the last one, one after the other: u16 length and ASCII of the session, f64 milliseconds since 1970,
u32 length and bytes of the JPEG; all big-endian. It is packed once for all who watch the same schedule.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import msgspec
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from api.callers import WATCHERS, Caller, load_schedule, may, still_allowed
from api.event_stream import ASKED_EVERY_S, STALLED_S
from api.metrics import Metrics
from api.presence import Presence
from api.problems import Denied
from api.services import Services
from domain.messages import Picture

log = logging.getLogger(__name__)

Socket = WebSocket[Caller, None, State]
EVERY_S = 0.5
KEPT_S = 10.0  # a thumbnail that was not followed by another for so long is shown to nobody any more
SUBJECT = "vigil.picture.*.camera"


class _Shown(NamedTuple):
    """The newest thumbnail of a session, packed: how many came before it, when it came, and what is sent."""

    number: int
    heard_at: float
    frame: bytes


class Wall:
    """The newest thumbnail of each session, for all viewers of one process. Listens only while there are any."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._newest: dict[tuple[str, str], _Shown] = {}  # the oldest first
        self._count = 0
        self._viewers = 0
        self._asked: Subscription | None = None
        self._turn = asyncio.Lock()
        self._packed: dict[tuple[str, str, int], bytes] = {}  # of what is here now

    @property
    def count(self) -> int:
        """How many pictures have come; a picture is new for a viewer whose last count is lower than its own."""
        return self._count

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1

    async def listen(self) -> None:
        """Subscribes while somebody watches, and leaves when nobody does any more."""
        async with self._turn:
            if self._viewers and self._asked is None:
                self._asked = await self._nats.subscribe(SUBJECT, cb=self._heard)
            elif not self._viewers and self._asked is not None:
                asked, self._asked = self._asked, None
                self._newest.clear()
                self._packed.clear()
                with suppress(NatsError):
                    await asked.unsubscribe()

    def pack(self, tenant: str, schedule: str, sessions: frozenset[str], after: int) -> bytes:
        """The thumbnails of these sessions that came after a count; empty when there is none."""
        self._drop_old()
        key = (tenant, schedule, after)
        if key not in self._packed:
            self._packed[key] = b"".join(
                shown.frame
                for (whose, session), shown in self._newest.items()
                if whose == tenant and session in sessions and shown.number > after
            )
        return self._packed[key]

    async def _heard(self, message: Msg) -> None:
        try:
            picture = _decoder.decode(message.data)
        except msgspec.MsgspecError:
            log.warning("a picture that cannot be read was ignored")
            return
        self._count += 1
        self._newest.pop((picture.tenant, picture.session), None)
        self._newest[picture.tenant, picture.session] = _Shown(self._count, time.monotonic(), packed(picture))
        self._packed.clear()

    def _drop_old(self) -> None:
        before = time.monotonic() - KEPT_S
        while self._newest and next(iter(self._newest.values())).heard_at < before:
            del self._newest[next(iter(self._newest))]
            self._packed.clear()


def packed(picture: Picture) -> bytes:
    session = picture.session.encode()
    head = struct.pack("!H", len(session)) + session
    return head + struct.pack("!dI", picture.at.timestamp() * 1000, len(picture.thumbnail)) + picture.thumbnail


@websocket("/schedules/{schedule:str}/wall", guards=[may(*WATCHERS)])
async def wall(socket: Socket, schedule: FromPath[str]) -> None:
    """Sends thumbnails until the viewer goes, stalls, or may not look any more."""
    await socket.accept()
    metrics: Metrics = socket.app.state.metrics
    shown: Wall = socket.app.state.wall
    presence: Presence = socket.app.state.presence
    held = presence.holding(socket.user.tenant, socket.user.actor)
    with metrics.streams.labels("wall").track_inprogress(), shown.watched(), held:
        await shown.listen()
        tasks = [asyncio.create_task(_send(socket, shown, schedule)), asyncio.create_task(_gone(socket))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    await shown.listen()
    if isinstance(ended[0], TimeoutError):
        metrics.dropped.labels("wall").inc()
        return
    with suppress(RuntimeError, WebSocketDisconnect):  # it is closed already when the viewer went first
        await socket.close(4403 if isinstance(ended[0], Denied) else 1000)


async def _send(socket: Socket, shown: Wall, schedule: str) -> None:
    """Raises TimeoutError for a viewer who does not read, `Denied` for one who may not look any more."""
    services: Services = socket.app.state.services
    loop = asyncio.get_running_loop()
    tenant, after, asked_at = socket.user.tenant, 0, 0.0
    sessions: frozenset[str] = frozenset()
    while True:
        if loop.time() - asked_at > ASKED_EVERY_S:
            if not await still_allowed(socket):
                raise Denied(403, "forbidden", "not any more")
            sessions = frozenset((await load_schedule(services, tenant, schedule)).candidates.values())
            asked_at = loop.time()
        upto = shown.count
        if frame := shown.pack(tenant, schedule, sessions, after):
            async with asyncio.timeout(STALLED_S):
                await socket.send_bytes(frame)
        after = upto
        await asyncio.sleep(EVERY_S - loop.time() % EVERY_S)  # all viewers at the same beat: one packing for all


async def _gone(socket: Socket) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data("text")


_decoder = msgspec.msgpack.Decoder(Picture)

HANDLERS = (wall,)
