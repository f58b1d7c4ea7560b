"""The wall: a thumbnail of every candidate's camera, for all in one binary WebSocket.

Pictures come over NATS while somebody watches, live for seconds in memory, and are kept nowhere. A message holds those
that are new since the last one, one after the other: u16 length and ASCII of the session, f64 milliseconds since 1970,
u32 length and bytes of the JPEG; all big-endian. It is packed once for all who want the same of a schedule.

A viewer may say what it wants, as JSON in a text message: see `Wanted`. What cannot be taken is answered by a text
message `{"errors": [{"field", "rule"}]}`, and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import msgspec
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from api.bodies import decoded
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
KEPT_S = 15.0  # a thumbnail that was not followed by another for so long is shown to nobody any more
SUBJECTS = ("vigil.picture.*.camera", "vigil.still.*.camera")


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often pictures are sent, at most; of which sessions, in this order, None for all; and how large.

    Small is at most 160 pixels wide, large what the detectors get, at most 640.
    """

    every_s: Annotated[float, msgspec.Meta(ge=EVERY_S, le=60)] = EVERY_S
    sessions: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)] | None = None
    size: Literal["small", "large"] = "small"


ALL = Wanted()


@dataclass
class _Viewer:
    """What one viewer wants, and which count of pictures it has seen."""

    wanted: Wanted = ALL
    after: int = 0


class _Shown(NamedTuple):
    """The newest picture of a session, packed: how many came before it, when it came, and what is sent.

    `large` is empty where nobody wants it.
    """

    number: int
    heard_at: float
    small: bytes
    large: bytes


class Wall:
    """The newest thumbnail of each session, for all viewers of one process. Listens only while there are any."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats
        self._newest: dict[tuple[str, str], _Shown] = {}  # the oldest first
        self._count = 0
        self._viewers = 0
        self._large = 0  # how many viewers want large pictures
        self._asked: list[Subscription] = []
        self._turn = asyncio.Lock()
        self._packed: dict[tuple[str, str, int, Wanted], bytes] = {}  # of what is here now

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

    def changed(self, before: Wanted, now: Wanted) -> None:
        """A viewer wants something else than before."""
        self._large += (now.size == "large") - (before.size == "large")

    async def listen(self) -> None:
        """Subscribes while somebody watches, and leaves when nobody does any more."""
        async with self._turn:
            if self._viewers and not self._asked:
                self._asked = [await self._nats.subscribe(subject, cb=self._heard) for subject in SUBJECTS]
            elif not self._viewers and self._asked:
                asked, self._asked = self._asked, []
                self._newest.clear()
                self._packed.clear()
                for subscription in asked:
                    with suppress(NatsError):
                        await subscription.unsubscribe()

    def pack(self, tenant: str, schedule: str, sessions: frozenset[str], after: int, wanted: Wanted = ALL) -> bytes:
        """What is wanted of these sessions' pictures that came after a count; empty when there is none."""
        self._drop_old()
        key = (tenant, schedule, after, wanted)
        if key not in self._packed:
            order = wanted.sessions
            names = [name for whose, name in self._newest if whose == tenant] if order is None else order
            shown = (self._newest.get((tenant, name)) for name in names if name in sessions)
            self._packed[key] = b"".join(
                (one.large or one.small) if wanted.size == "large" else one.small
                for one in shown
                if one is not None and one.number > after
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
        large = packed(picture, picture.jpeg) if self._large else b""
        small = packed(picture, picture.thumbnail)
        self._newest[picture.tenant, picture.session] = _Shown(self._count, time.monotonic(), small, large)
        self._packed.clear()

    def _drop_old(self) -> None:
        before = time.monotonic() - KEPT_S
        while self._newest and next(iter(self._newest.values())).heard_at < before:
            del self._newest[next(iter(self._newest))]
            self._packed.clear()


def packed(picture: Picture, jpeg: bytes) -> bytes:
    session = picture.session.encode()
    head = struct.pack("!H", len(session)) + session
    return head + struct.pack("!dI", picture.at.timestamp() * 1000, len(jpeg)) + jpeg


@websocket("/schedules/{schedule:str}/wall", guards=[may(*WATCHERS)])
async def wall(socket: Socket, schedule: FromPath[str]) -> None:
    """Sends thumbnails until the viewer goes, stalls, or may not look any more."""
    await socket.accept()
    metrics: Metrics = socket.app.state.metrics
    shown: Wall = socket.app.state.wall
    presence: Presence = socket.app.state.presence
    held = presence.holding(socket.user.tenant, socket.user.actor)
    viewer = _Viewer()
    with metrics.streams.labels("wall").track_inprogress(), shown.watched(), held:
        await shown.listen()
        tasks = [
            asyncio.create_task(_send(socket, shown, schedule, viewer)),
            asyncio.create_task(_hear(socket, shown, viewer)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            shown.changed(viewer.wanted, ALL)
    await shown.listen()
    if isinstance(ended[0], TimeoutError):
        metrics.dropped.labels("wall").inc()
        return
    with suppress(RuntimeError, WebSocketDisconnect):  # it is closed already when the viewer went first
        await socket.close(4403 if isinstance(ended[0], Denied) else 1000)


async def _send(socket: Socket, shown: Wall, schedule: str, viewer: _Viewer) -> None:
    """Raises TimeoutError for a viewer who does not read, `Denied` for one who may not look any more."""
    services: Services = socket.app.state.services
    loop = asyncio.get_running_loop()
    tenant, asked_at = socket.user.tenant, 0.0
    sent_at = float("-inf")
    sessions: frozenset[str] = frozenset()
    while True:
        if loop.time() - asked_at > ASKED_EVERY_S:
            if not await still_allowed(socket):
                raise Denied(403, "forbidden", "not any more")
            sessions = frozenset((await load_schedule(services, tenant, schedule)).candidates.values())
            asked_at = loop.time()
        upto, wanted = shown.count, viewer.wanted
        if loop.time() - sent_at > wanted.every_s - EVERY_S / 2:
            sent_at = loop.time()
            if frame := shown.pack(tenant, schedule, sessions, viewer.after, wanted):
                async with asyncio.timeout(STALLED_S):
                    await socket.send_bytes(frame)
            if viewer.wanted is wanted:  # else all that is wanted now is new
                viewer.after = upto
        await asyncio.sleep(EVERY_S - loop.time() % EVERY_S)  # all viewers at the same beat: one packing for all


async def _hear(socket: Socket, shown: Wall, viewer: _Viewer) -> None:
    """Takes what the viewer wants, until they are gone."""
    with suppress(WebSocketDisconnect):
        while True:
            text = await socket.receive_data("text")
            try:
                wanted = decoded(Wanted, text.encode())
            except Denied as denied:
                errors = [{"field": denied.field, "rule": denied.detail}]
                await socket.send_text(msgspec.json.encode({"errors": errors}).decode())
                continue
            shown.changed(viewer.wanted, wanted)
            viewer.wanted, viewer.after = wanted, 0


_decoder = msgspec.msgpack.Decoder(Picture)

HANDLERS = (wall,)
