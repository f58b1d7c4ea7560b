"""What candidates' pages kept of their own: sealed under the subject's key for media, and kept in the object store."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from io import BytesIO

import msgspec
from cryptography.exceptions import InvalidTag
from nats.errors import Error as NatsError
from PIL import Image

from api.services import StoredStill
from commands.keys import Forgotten, KeyName, open_object, seal_object
from commands.objects import ObjectExists, ObjectMissing
from domain import session_rules
from domain.event import Refused
from domain.late import StillStored, Stretch
from domain.messages import Picture
from domain.phase import Track
from domain.segment import Segment
from domain.stream import Stream
from media.frames import THUMBNAIL
from media.late import NotPlayable, cut_out
from media.names import parse_recording_name, recording_name, still_object_key
from vigil.wiring import Core

log = logging.getLogger(__name__)

CUT_AT_ONCE = 2  # of one process: many pages come back at the same time, and others wait for threads too


class LateMedia:
    """Stores late segments and stills. Each may be told of later, or never: then its bytes lie there for nobody."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cutting = asyncio.Semaphore(CUT_AT_ONCE)

    async def cut(
        self, tenant: str, session: str, track: Track, file: bytes, *, began_at: datetime, ended_at: datetime,
        stretches: Sequence[Stretch], zero: datetime,
    ) -> tuple[Segment, ...]:  # fmt: skip
        data_key = await self._key(tenant, session)
        name = recording_name(tenant, session, track)
        try:
            async with self._cutting:
                found = await asyncio.to_thread(
                    cut_out, data_key, name, file, began_at=began_at, ended_at=ended_at, stretches=stretches, zero=zero
                )
        except NotPlayable as error:
            raise Refused(error.rule, field="body", kind="invalid") from error
        for late in found:
            await self._core.objects.put_new(late.segment.object_key, late.stored)
        return tuple(late.segment for late in found)

    async def still(self, tenant: str, session: str, track: Track, jpeg: bytes) -> StoredStill:
        data_key = await self._key(tenant, session)
        name = hmac.digest(data_key, jpeg, "sha256").hex()[:32]
        key = still_object_key(recording_name(tenant, session, track), name)
        sealed = seal_object(data_key, key, jpeg)
        try:
            await self._core.objects.put_new(key, sealed)
        except ObjectExists:
            sealed = await self._core.objects.get(key)
        width, height = _size(jpeg)
        return StoredStill(object_key=key, sha256=sha256(sealed).hexdigest(), width=width, height=height)

    async def show(self, tenant: str, session: str, track: Track, jpeg: bytes, *, at: datetime) -> None:
        width, height = _size(jpeg)
        picture = Picture(
            tenant=tenant, session=session, track=track, at=at, width=width, height=height, jpeg=jpeg,
            thumbnail=await asyncio.to_thread(_small, jpeg),
        )  # fmt: skip
        with suppress(NatsError):  # nobody sees it now; it is kept all the same
            await self._core.nats.publish(f"vigil.still.{session}.{track}", msgspec.msgpack.encode(picture))

    async def open_still(self, tenant: str, recording: str, still: StillStored) -> bytes | None:
        name = await self._name(tenant, parse_recording_name(tenant, recording).session)
        await self._core.keys.fetch([name])
        key = self._core.keys.held(name)
        try:
            return key and open_object(key, still.object_key, await self._core.objects.get(still.object_key))
        except ObjectMissing:
            return None
        except InvalidTag:
            log.error("the still %s is not as it was sealed", still.object_key)  # noqa: TRY400
            return None

    async def _key(self, tenant: str, session: str) -> bytes:
        try:
            return await self._core.keys.data_key(await self._name(tenant, session))
        except Forgotten as error:
            raise Refused(str(error)) from error

    async def _name(self, tenant: str, session: str) -> KeyName:
        _, state = await self._core.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", session)))
        return KeyName(state.subject, session, "media")


def _size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as picture:
        return picture.size


def _small(jpeg: bytes) -> bytes:
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as picture:
        picture.thumbnail(THUMBNAIL)
        out = BytesIO()
        picture.save(out, "JPEG", quality=70)
    return out.getvalue()
