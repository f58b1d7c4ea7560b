"""The media process: takes offers over NATS, holds connections, says each second what it holds.

NATS may go away for as long as it likes: what is connected is recorded on, and the process comes back by itself. Key
frames and beats are dropped meanwhile; they are worth nothing late.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, get_args

import msgspec
from nats.aio.msg import Msg

from domain.messages import (
    Done,
    Hangup,
    KeepWatching,
    LiveTrack,
    MediaBeat,
    MediaReply,
    MediaRequest,
    Publish,
    Published,
    Refusal,
    StopWatching,
    Watch,
)
from domain.segment import Why
from media.bus import connect, say, subscribe
from media.connection import Connection, Sealing
from media.draining import until_taken_over
from media.hooks import PeerCertificate
from media.keyframe_feed import KeyframeFeed
from media.names import RecordingName, recording_name
from media.offer import Offer, OfferRefused, parse_offer
from media.port import MediaPort, open_socket
from media.sound_feed import SoundFeed
from media.spool import Spool
from media.viewer import Viewers

logger = logging.getLogger(__name__)
logging.getLogger("aioice").setLevel(logging.WARNING)  # below that it writes people's addresses

MediaKey = Callable[[str, str, str], Awaitable[bytes]]
"""The data key of class media for (tenant, subject, session), 32 bytes."""

BEAT_S = 1.0
_decoder = msgspec.msgpack.Decoder(MediaRequest)
_encode = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Where a worker listens and writes. `bind_ip` may be every address when `advertised_ip` says which to tell."""

    worker: str
    nats_url: str
    spool: Path
    spool_bound_bytes: int = 20 << 30
    bind_ip: str = "127.0.0.1"
    bind_ports: tuple[int, int] = (0, 0)  # from and to: workers on one machine each take the first free one
    advertised_ip: str | None = None


class MediaWorker:
    """`async with MediaWorker(settings, media_key)` serves until it is left or `failed`; then all connections end."""

    def __init__(self, settings: MediaSettings, media_key: MediaKey) -> None:
        self.settings = settings
        self._media_key = media_key
        self._connections: dict[RecordingName, Connection] = {}
        self._offers: dict[RecordingName, Offer] = {}  # what those connections answered
        self._keyframes, self._sound = KeyframeFeed(), SoundFeed()
        self._tasks: set[asyncio.Task[None]] = set()
        self._certificate = PeerCertificate.generateCertificate()
        self._draining = False

    async def __aenter__(self) -> Self:
        settings = self.settings
        self._spool = Spool(settings.spool, settings.spool_bound_bytes)
        self._port = MediaPort(open_socket(settings.bind_ip, *settings.bind_ports), settings.advertised_ip)
        self.viewers = Viewers(self._port, self._certificate, settings.worker)
        self._nats = await connect(settings.nats_url, f"media {settings.worker}")
        await subscribe(self._nats, f"vigil.media.{settings.worker}", self._on_request)
        lasting = (self._beat(), self._keyframes.send(self._nats), self._sound.send(self._nats))
        self._lasting = tuple(self._start(work) for work in lasting)
        gc.collect()
        gc.freeze()  # what is here now stays: no need to look at it again and again
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.viewers.stop_all()
        await asyncio.gather(*(c.end("worker_lost") for c in tuple(self._connections.values())))
        self._port.close()
        await asyncio.to_thread(self._spool.close)
        await self._nats.close()

    @property
    def holds(self) -> int:
        """How many connections of candidates."""
        return len(self._connections)

    async def drain(self, within_s: float) -> None:
        """Says that this worker is about to stop, and waits until its candidates are with another, if there is one."""
        self._draining = True
        if self._connections:
            await until_taken_over(self._nats, self.settings.worker, lambda: self.holds > 0, within_s)

    async def failed(self) -> None:
        """Waits until the worker cannot go on, and raises why: its process has to end, so that another takes over."""
        done, _ = await asyncio.wait(self._lasting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task

    async def handle(self, request: MediaRequest) -> MediaReply:
        """Does what `request` asks. Never raises for what the caller sent."""
        try:
            match request:
                case Publish():
                    return await self._publish(request)
                case Watch():
                    return await self._watch(request)
                case KeepWatching(viewer=viewer) if not self.viewers.renew(viewer):
                    return Refusal(field="viewer", rule="is not here any more", status=404)
                case StopWatching(viewer=viewer):
                    await self.viewers.stop(viewer)
                case Hangup():
                    await self._hang_up(request)
        except OfferRefused as refused:
            return Refusal(field=refused.field, rule=refused.rule)
        return Done()

    async def _publish(self, request: Publish) -> MediaReply:
        try:
            recording = recording_name(request.tenant, request.session, request.track)
        except ValueError as error:
            return Refusal(field="session", rule=str(error))
        before = self._offers.get(recording) if request.record else None  # a recording is one file of one codec
        codec = request.codec or (before.codec if before else None)
        offer = parse_offer(request.sdp, sound=request.track == "camera", codec=codec)
        reply = self._held(recording, request.connection, offer)
        if reply is not None:
            return reply
        sealing = None
        if request.record:
            data_key = await self._media_key(request.tenant, request.subject, request.session)
            try:
                sealing = Sealing(data_key, await self._spool.connection(recording, request.connection))
            except FileExistsError:
                return Refusal(field="connection", rule="was used before", status=409)
            except OSError:
                logger.exception("the spool takes no new connection")
                return Refusal(field="worker", rule="cannot write its spool", status=503)
        reply = self._held(recording, request.connection, offer)
        if reply is not None:
            if sealing is not None:
                sealing.spool.end(datetime.now(UTC), "replaced")
            return reply
        return await self._connect(recording, request.connection, offer, sealing, listen=request.listen)

    async def _watch(self, request: Watch) -> MediaReply:
        recording = RecordingName(request.tenant, request.session, request.track)
        current = self._connections.get(recording)
        return await self.viewers.watch(request, recording, current.tracks if current else {})

    async def _connect(
        self, recording: RecordingName, number: int, offer: Offer, sealing: Sealing | None, *, listen: bool
    ) -> MediaReply:
        before = self._connections.get(recording)
        connection = self._connections[recording] = Connection(
            recording,
            number,
            port=self._port,
            offer=offer,
            certificate=self._certificate,
            sealing=sealing,
            on_keyframe=partial(self._keyframes.put, recording),
            on_end=self._forget,
            on_sound=self._sound.put if listen else None,
        )
        self._offers[recording] = offer
        self.viewers.follow(recording, connection.tracks)
        answer = await connection.open()
        if before is not None:
            await before.end("replaced")
        return Published(sdp=answer, worker=self.settings.worker, codec=offer.codec)

    def _held(self, recording: RecordingName, number: int, offer: Offer) -> MediaReply | None:
        """What to say when this or a newer connection is here already: a request may come twice, or late.

        An answer serves the offer it was made for. Whoever asks with another one was never told of the first.
        """
        current = self._connections.get(recording)
        if current is None or current.number < number:
            return None
        if current.number > number:
            return Refusal(field="connection", rule="a newer connection holds this track", status=409)
        if current.answer and self._offers[recording] == offer:
            return Published(sdp=current.answer, worker=self.settings.worker, codec=offer.codec)
        return Refusal(field="connection", rule="was opened by another offer", status=409)

    async def _hang_up(self, request: Hangup) -> None:
        why = cast("Why", request.why) if request.why in get_args(Why) else "stopped"
        meant = [
            connection
            for recording, connection in self._connections.items()
            if recording.session == request.session
            and request.track in (None, recording.track)
            and request.connection in (None, connection.number)
        ]
        await asyncio.gather(*(connection.end(why) for connection in meant))

    def _forget(self, connection: Connection) -> None:
        if self._connections.get(connection.recording) is connection:
            del self._connections[connection.recording]
            del self._offers[connection.recording]
            self.viewers.follow(connection.recording, {})

    async def _on_request(self, message: Msg) -> None:
        """Answers in a task of its own: one slow key must not hold up the others."""
        self._start(self._answer(message))

    async def _answer(self, message: Msg) -> None:
        try:
            reply = await self.handle(_decoder.decode(message.data))
        except msgspec.MsgspecError as error:
            reply = Refusal(field="request", rule=str(error))
        except Exception:  # the caller is told; the next request may do better
            logger.exception("a media request failed")
            reply = Refusal(field="worker", rule="failed", status=503)
        if message.reply:  # some only tell, and do not ask
            await message.respond(_encode(reply))

    async def _beat(self) -> None:
        while True:
            for connection in tuple(self._connections.values()):
                self._tick(connection)
            for viewer in self.viewers.over(asyncio.get_running_loop().time()):
                self._start(self.viewers.stop(viewer))
            await say(self._nats, "vigil.beat", _encode(self._beat_now()))
            await asyncio.sleep(BEAT_S)

    def _tick(self, connection: Connection) -> None:
        """Whatever breaks in one connection, the others go on; that one ends, and its page connects anew."""
        try:
            connection.tick()
        except Exception:
            logger.exception("a connection broke")
            self._start(connection.end("lost"))

    def _beat_now(self) -> MediaBeat:
        now = asyncio.get_running_loop().time()
        tracks = (
            LiveTrack(
                tenant=recording.tenant,
                session=recording.session,
                track=recording.track,
                connection=connection.number,
                # on the loop's clock: setting the machine's ends nobody's exam
                quiet_s=(connection.wall(now) - media_at).total_seconds(),
                packets_lost=connection.packets_lost,
            )
            for recording, connection in self._connections.items()
            if (media_at := connection.media_at) is not None
        )
        return MediaBeat(
            worker=self.settings.worker, at=datetime.now(UTC), tracks=tuple(tracks), draining=self._draining
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
