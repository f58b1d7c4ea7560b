"""Role `serve`: the front door, with what it needs of the other parts handed in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import uvicorn
from cryptography.exceptions import InvalidTag

from api.app import create_app
from api.services import Check, Clip, Services
from commands.keys import KeyName, open_object
from commands.objects import ObjectMissing, ObjectStoreAway, probe
from domain import recording, session_rules
from domain.incidents import Evidence
from domain.segment import Segment
from domain.stream import Stream
from media.names import RecordingName, parse_recording_name
from media.playback import Playback
from media.remux import RemuxFailed, remux
from media.sealing import Tampered
from projections.reader import Standing, standings
from vigil.attachments import Attachments
from vigil.catalogue import catalogue
from vigil.compliance import teller
from vigil.exports import ExportJobs
from vigil.identity_pictures import IdentityPictures
from vigil.late_media import LateMedia
from vigil.wiring import Core

log = logging.getLogger(__name__)

CLIPS_AT_ONCE = 2  # of one process: each is in memory three times over while it is made
PROBED_S = 5.0  # for so long it is believed that the object store works


async def serve(core: Core) -> None:
    """Answers HTTP until cancelled."""
    settings = core.settings
    exports = ExportJobs(core)
    app = create_app(services(core, exports))
    exports.start()
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True  # answers what it has begun, then ends
        await serving
        await exports.close()


def services(core: Core, exports: ExportJobs) -> Services:
    """What the front door is handed."""
    media = Media(core)

    async def standing() -> Sequence[Standing]:
        async with core.reading() as conn:
            return await standings(conn)

    return Services(
        handler=core.handler, pool=core.pool, nats=core.nats, pseudonyms=core.pseudonyms, secret=core.tokens,
        public_url=core.settings.public_url, key_fingerprint=core.signer.fingerprint,
        signing_keys=(core.signer.public, *core.settings.earlier_keys),
        open_recording=media.recording, open_clip=media.clip, open_picture=media.picture,
        identity_pictures=IdentityPictures(core), attachments=Attachments(core), late=LateMedia(core), exports=exports,
        objects_ready=media.ready, standings=standing, version=version("vigil"), source_url=core.settings.source_url,
        catalogue=catalogue(), ice_servers=core.settings.ice_servers, turn_secret=core.settings.turn_secret,
        key_backup_days=core.settings.key_backup_days,
        compliance=teller(core.settings, core.signer.fingerprint),
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Leaves signals to the process, which stops its roles in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Playing:
    """A finished recording, decrypted as it is read."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback

    @property
    def size(self) -> int:
        return self._playback.size

    @property
    def media_type(self) -> str:
        return self._playback.media_type

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        return self._playback.read(start, stop)


class Media:
    """Recordings and evidence pictures, opened for those whom the front door has let in."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._clipping = asyncio.Semaphore(CLIPS_AT_ONCE)
        self._probing = asyncio.Lock()
        self._found = ""
        self._probed_at = float("-inf")

    async def recording(self, tenant: str, name: str) -> Playing | None:
        """None when there is no such recording, it is not finished, or its key is destroyed."""
        _, state = await self._core.handler.load(recording.DECIDER, str(Stream(tenant, "recording", name)), fresh=True)
        parsed = parse_recording_name(tenant, name)
        key = await self._key(tenant, parsed.session)
        if state.finalised is None or key is None:
            return None
        file = state.finalised
        opened = await Playback.open(self._core.objects, file.object_key, file.bytes, data_key=key, recording=parsed)
        return Playing(opened)

    async def clip(self, tenant: str, name: str, segments: Sequence[Segment]) -> Clip | None:
        """Some segments of a recording as one file; None when they or their key are gone, or do not go together."""
        parsed = parse_recording_name(tenant, name)
        key = await self._key(tenant, parsed.session)
        if key is None:
            return None
        try:
            async with self._clipping:
                stored = await asyncio.gather(*(self._core.objects.get(s.object_key) for s in segments))
                read = dict(zip((s.object_key for s in segments), stored, strict=True))
                return await asyncio.to_thread(_clip, key, parsed, segments, read)
        except ObjectMissing:
            return None
        except (Tampered, RemuxFailed):
            log.exception("a clip of %s cannot be made", name)
            return None

    async def picture(self, tenant: str, session: str, evidence: Evidence) -> bytes | None:
        """The JPEG, or None when it or its key is gone."""
        key = await self._key(tenant, session)
        try:
            return key and open_object(key, evidence.object_key, await self._core.objects.get(evidence.object_key))
        except ObjectMissing:
            return None
        except InvalidTag:
            log.error("the evidence picture %s is not as it was sealed", evidence.object_key)  # noqa: TRY400
            return None

    async def ready(self) -> Check:
        """Whether the object store takes and gives: something is put and read each time, unless just now."""
        async with self._probing:
            if time.monotonic() - self._probed_at > PROBED_S:
                try:
                    self._found = await probe(self._core.objects)
                except ObjectStoreAway as away:
                    return Check(name="objects", ok=False, found=str(away))
                self._probed_at = time.monotonic()
            return Check(name="objects", ok=True, found=self._found)

    async def _key(self, tenant: str, session: str) -> bytes | None:
        _, state = await self._core.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", session)))
        name = KeyName(state.subject, session, "media")
        await self._core.keys.fetch([name])
        return self._core.keys.held(name)


def _clip(key: bytes, recording: RecordingName, segments: Sequence[Segment], read: Mapping[str, bytes]) -> Clip:
    film = remux(key, recording, segments, lambda segment: read[segment.object_key])
    return Clip(data=b"".join(film.pieces), media_type=film.media_type)
