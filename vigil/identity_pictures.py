"""Pictures for the identity check, sealed under their subject's key for identity and kept in the object store."""

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


class IdentityPictures:
    """A picture's name in the store is a keyed hash, so that it tells nothing once the key is destroyed."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def keep(self, tenant: str, session: str, what: str, jpeg: bytes) -> Stored:
        try:
            data_key = await self._core.keys.data_key(await self._name(tenant, session))
        except Forgotten as error:
            raise Refused(str(error)) from error
        name = hmac.digest(data_key, jpeg, "sha256").hex()[:32]
        key = f"{tenant}/identity/{session}/{what}-{name}.jpg.sealed"
        sealed = seal_object(data_key, key, jpeg)
        try:
            await self._core.objects.put_new(key, sealed)
        except ObjectExists:
            sealed = await self._core.objects.get(key)
        return Stored(object_key=key, sha256=sha256(sealed).hexdigest())

    async def open(self, tenant: str, session: str, stored: Stored) -> bytes | None:
        name = await self._name(tenant, session)
        await self._core.keys.fetch([name])
        key = self._core.keys.held(name)
        try:
            return key and open_object(key, stored.object_key, await self._core.objects.get(stored.object_key))
        except ObjectMissing:
            return None
        except InvalidTag:
            log.error("the identity picture %s is not as it was sealed", stored.object_key)  # noqa: TRY400
            return None

    async def _name(self, tenant: str, session: str) -> KeyName:
        _, state = await self._core.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", session)))
        return KeyName(state.subject, session, "identity")
