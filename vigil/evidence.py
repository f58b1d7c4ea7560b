"""The pictures behind incidents: sealed and stored at once, or a little later when the object store does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

from commands.keys import Forgotten, KeyName, seal_object
from commands.objects import ObjectExists, ObjectStoreAway
from domain import session_rules
from domain.incidents import Evidence, Role
from domain.stream import Stream
from vigil.wiring import Core

log = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_S = 3.0  # a store that takes longer is away
AGAIN_S = 5.0
GIVE_UP_S = 900.0
AT_MOST = 256  # pictures that wait, about 50 kB each


class Shot(NamedTuple):
    """A picture that shows an incident, not stored yet. `role` is what it is kept for."""

    tenant: str
    session: str
    incident: str
    at: datetime
    raw_score: float
    jpeg: bytes
    role: Role | None = None

    @property
    def object_key(self) -> str:
        name = sha256(self.jpeg).hexdigest()[:16]
        return f"{self.tenant}/evidence/{self.session}/{self.incident}-{name}.jpg.sealed"


class Album:
    """Stores pictures. No incident waits for one: it is told without, and `add` says when the picture has come."""

    def __init__(self, core: Core, add: Callable[[Shot, Evidence], Awaitable[None]]) -> None:
        self._core, self._add = core, add
        self._waiting: dict[str, tuple[float, Shot]] = {}  # by object key: since when, and what
        self._any = asyncio.Event()
        self._hanging: set[asyncio.Task[object]] = set()
        self._away_until = 0.0

    async def keep(self, shot: Shot) -> Evidence | None:
        """What lies in the store now; None when that is away."""
        if self._hanging or asyncio.get_running_loop().time() < self._away_until:
            return None
        try:
            return await self._store(shot)
        except (ObjectStoreAway, TimeoutError):
            log.warning("an evidence picture could not be stored; the incident is told without it")
            self._away_until = asyncio.get_running_loop().time() + AGAIN_S
        except Forgotten:
            log.warning("an evidence picture of session %s has no key any more", shot.session)
        return None

    def later(self, shot: Shot) -> None:
        """Goes on trying, for a while. Call it once the incident has been told."""
        if shot.object_key in self._waiting:
            return
        if len(self._waiting) >= AT_MOST:
            log.error("an evidence picture of session %s was given up: too many are waiting", shot.session)
            return
        self._waiting[shot.object_key] = (asyncio.get_running_loop().time(), shot)
        self._any.set()

    async def run(self) -> None:
        """Stores what waits, the oldest first, until cancelled."""
        while True:
            while not self._waiting:
                self._any.clear()
                await self._any.wait()
            key, (since, shot) = next(iter(self._waiting.items()))
            if await self._tried(shot):
                del self._waiting[key]
            elif asyncio.get_running_loop().time() - since > GIVE_UP_S:
                log.error("an evidence picture of session %s was given up: nobody took it", shot.session)
                del self._waiting[key]
            else:
                await asyncio.sleep(AGAIN_S)

    async def _tried(self, shot: Shot) -> bool:
        if self._hanging:
            return False
        try:
            await self._add(shot, await self._store(shot))
        except Forgotten:
            log.warning("an evidence picture of session %s has no key any more", shot.session)
        except Exception as error:  # noqa: BLE001 - whatever stands in the way, it is tried again
            log.info("an evidence picture waits: %s", type(error).__name__)
            return False
        return True

    async def _store(self, shot: Shot) -> Evidence:
        stream = str(Stream(shot.tenant, "session", shot.session))
        _, state = await self._core.handler.load(session_rules.DECIDER, stream)
        data_key = await self._core.keys.data_key(KeyName(state.subject, shot.session, "media"))
        key = shot.object_key
        sealed = seal_object(data_key, key, shot.jpeg)
        try:
            await self._answer(self._core.objects.put_new(key, sealed))
        except ObjectExists:  # told again after a crash: what lies there is this very picture
            sealed = await self._answer(self._core.objects.get(key))
        digest = sha256(sealed).hexdigest()
        return Evidence(at=shot.at, object_key=key, sha256=digest, raw_score=shot.raw_score, role=shot.role)

    async def _answer(self, call: Coroutine[object, object, T]) -> T:
        """What the store answers in time. A call that hangs holds a thread; until it ends nothing else is asked."""
        asked = asyncio.ensure_future(call)
        try:
            await asyncio.wait({asked}, timeout=ANSWER_S)
        finally:
            if not asked.done():
                self._hanging.add(asked)
                asked.add_done_callback(self._came_back)
        if not asked.done():
            raise TimeoutError
        return asked.result()

    def _came_back(self, asked: asyncio.Task[object]) -> None:
        self._hanging.discard(asked)
        if not asked.cancelled():
            asked.exception()  # nobody else looks at it
