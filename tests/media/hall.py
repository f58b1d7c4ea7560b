"""A media worker with a front door that only passes WHIP on, and a player that looks at every frame."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import av
import httpx
import msgspec
import nats
from nats.aio.client import Client

from domain.messages import Hangup, MediaReply, MediaRequest, Publish, Published, Track, VideoCodec
from media.clips import Clip
from media.names import RecordingName, SegmentName
from media.publisher import Publisher
from media.sealing import OpenedSegment, open_segment
from media.spooled import SEALED, EndedNote, SegmentNote, connection_folder, read_ended_note, read_segment_note
from media.worker import MediaSettings, MediaWorker

TENANT = "school"
_numbers = itertools.count(1)


class Eventually(Protocol):
    async def __call__(self, holds: Callable[[], bool], within_s: float = 20.0) -> None: ...


@dataclass
class Watched:
    """What a player finds in a file: packets and decoded frames of each stream, and the times in seconds."""

    packets: Counter[str] = field(default_factory=Counter)
    decoded: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    keyframes: list[bool] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)

    @property
    def monotonic(self) -> bool:
        return all(a < b for times in self.times.values() for a, b in itertools.pairwise(times))


Watch = Callable[[bytes], Watched]


def watch(data: bytes) -> Watched:
    """Demuxes and decodes every frame of a WebM, Matroska or MP4 file."""
    seen = Watched()
    with av.open(io.BytesIO(data), "r", format="mp4" if data[4:8] == b"ftyp" else "webm") as container:
        for packet in container.demux():
            kind = packet.stream.type
            if packet.size and packet.pts is not None:
                seen.packets[kind] += 1
                seen.times.setdefault(kind, []).append(float(packet.pts * packet.time_base))
                if kind == "video":
                    seen.keyframes.append(packet.is_keyframe)
            for frame in packet.decode():
                seen.decoded[kind] += 1
                if isinstance(frame, av.VideoFrame):
                    seen.sizes.add((frame.width, frame.height))
    return seen


@dataclass
class SpooledSegment:
    note: SegmentNote
    opened: OpenedSegment


class Hall:
    """One worker and the front door before it; connections are counted as the ledger would."""

    def __init__(self, worker: MediaWorker, front: Client) -> None:
        self.worker, self.settings, self.front = worker, worker.settings, front
        self.connections: Counter[tuple[str, Track]] = Counter()
        self.tenant, self.record, self.listen = TENANT, True, False
        self.codec: VideoCodec | None = None  # in which the recording began, as the front door would know

    async def ask(self, request: MediaRequest) -> MediaReply:
        subject = f"vigil.media.{self.settings.worker}"
        reply = await self.front.request(subject, msgspec.msgpack.encode(request), timeout=5)
        return msgspec.msgpack.decode(reply.data, type=MediaReply)

    def publisher(self, session: str, track: Track, video: Clip, audio: Clip | None = None) -> Publisher:
        client = lambda: httpx.AsyncClient(transport=httpx.ASGITransport(self.front_door))  # noqa: E731
        return Publisher(f"http://127.0.0.1/whip/{session}/{track}", "token", video, audio, client=client)

    def folder(self, session: str, track: Track, connection: int = 1) -> Path:
        return connection_folder(self.settings.spool, RecordingName(TENANT, session, track), connection)

    def ended(self, session: str, track: Track, connection: int = 1) -> EndedNote:
        return read_ended_note(self.folder(session, track, connection) / "ended.json")

    def segments(self, session: str, track: Track, connection: int = 1) -> list[SpooledSegment]:
        """The whole segments in the spool, opened."""
        recording = RecordingName(TENANT, session, track)
        found = []
        for file in sorted(self.folder(session, track, connection).glob(f"*{SEALED}")):
            note = read_segment_note(file.with_name(file.name.replace(SEALED, ".json")))
            name = SegmentName(recording, connection, note.number)
            found.append(SpooledSegment(note, open_segment(media_key_of(session), name, file.read_bytes())))
        return found

    async def front_door(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        """Takes POST and DELETE of `/whip/<session>/<track>`, with the token `token`."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        assert dict(scope["headers"])[b"authorization"] == b"Bearer token"
        _, _, session, track, *rest = scope["path"].split("/")
        if scope["method"] == "DELETE":
            await self.ask(Hangup(session=session, track=track, connection=int(rest[0]), why="stopped"))
            status, headers, text = 200, [], ""
        else:
            status, headers, text = await self._publish(session, track, body.decode())
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    async def _publish(self, session: str, track: Track, sdp: str) -> tuple[int, list[tuple[bytes, bytes]], str]:
        self.connections[session, track] += 1
        number = self.connections[session, track]
        reply = await self.ask(
            Publish(
                tenant=self.tenant,
                session=session,
                track=track,
                connection=number,
                subject="someone",
                sdp=sdp,
                record=self.record,
                codec=self.codec,
                listen=self.listen,
            )
        )
        if not isinstance(reply, Published):
            return 422, [], str(reply)
        return 201, [(b"location", f"/whip/{session}/{track}/{number}".encode())], reply.sdp


def media_key_of(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


async def media_key(tenant: str, subject: str, session: str) -> bytes:
    assert (tenant, subject) == (TENANT, "someone")
    return media_key_of(session)


HallMaker = Callable[..., AbstractAsyncContextManager[Hall]]


@asynccontextmanager
async def open_hall(settings: MediaSettings) -> AsyncIterator[Hall]:
    front = await nats.connect(settings.nats_url, max_reconnect_attempts=-1, reconnect_time_wait=0.2)
    try:
        async with MediaWorker(settings, media_key) as worker:
            yield Hall(worker, front)
    finally:
        await front.close()


def new_settings(nats_url: str, folder: Path, bound: int = 1 << 30) -> MediaSettings:
    number = new_number()
    return MediaSettings(
        worker=f"worker{number}", nats_url=nats_url, spool=folder / f"spool{number}", spool_bound_bytes=bound
    )


def new_number() -> int:
    return next(_numbers)
