"""What goes with an appeal, sealed under the candidate's key for notes and kept in the object store."""

from __future__ import annotations

import hmac
import logging
from hashlib import sha256

from cryptography.exceptions import InvalidTag

from commands.keys import Forgotten, KeyName, open_object, seal_object
from commands.objects import ObjectExists, ObjectMissing
from domain import session_rules
from domain.event import Refused
from domain.identity import Stored
from domain.stream import Stream
from vigil.wiring import Core

log = logging.getLogger(__name__)


class Attachments:
    """A file's name in the store is a keyed hash, so that it tells nothing once the key is destroyed."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def keep(self, tenant: str, session: str, data: bytes) -> Stored:
        try:
            data_key = await self._core.keys.data_key(await self._name(tenant, session))
        except Forgotten as error:
            raise Refused(str(error)) from error
        key = f"{tenant}/appeals/{session}/{hmac.digest(data_key, data, 'sha256').hex()[:32]}.sealed"
        sealed = seal_object(data_key, key, data)
        try:
            await self._core.objects.put_new(key, sealed)
        except ObjectExists:
            sealed = await self._core.objects.get(key)
        return Stored(object_key=key, sha256=sha256(sealed).hexdigest())

    async def open(self, tenant: str, session: str, object_key: str) -> bytes | None:
        name = await self._name(tenant, session)
        await self._core.keys.fetch([name])
        key = self._core.keys.held(name)
        try:
            return key and open_object(key, object_key, await self._core.objects.get(object_key))
        except ObjectMissing:
            return None
        except InvalidTag:
            log.error("the attachment %s is not as it was sealed", object_key)  # noqa: TRY400
            return None

    async def _name(self, tenant: str, session: str) -> KeyName:
        _, state = await self._core.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", session)))
        return KeyName(state.subject, session, "notes")
