"""Role `upload`: brings segments from the spool to object store and ledger, and makes the finished recordings."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path

from commands import recordings, sessions
from commands.keys import KeyName
from commands.objects import ObjectExists, ObjectStoreAway
from domain import recording, session_rules
from domain.recording import Recording, Segment, Why
from domain.stream import Stream
from media.finalise import FinalisedFile, finalise
from media.names import RecordingName, finalised_object_key, parse_recording_name, recording_name
from media.spooled import EndedNote
from media.uploader import Uploader
from vigil.outlook import over, until_there
from vigil.settings import Settings
from vigil.wiring import Core

log = logging.getLogger(__name__)

ACTOR = "system/upload"
STORE = "object_store"
LOOK_EVERY_S = 0.5


async def upload(core: Core) -> None:
    """Delivers and finalises until cancelled."""
    delivery = Delivery(core)
    uploader = Uploader(spool(core.settings), delivery, stored=delivery.stored, ended=delivery.ended)
    async with asyncio.TaskGroup() as group:
        group.create_task(uploader.run())
        group.create_task(_finalise_all(core))


def spool(settings: Settings) -> Path:
    """Where media processes write and this role reads; both run on one machine."""
    return settings.home / "spool"


class Delivery:
    """Object store and ledger as the uploader sees them. A store that is away becomes a fault of the session."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._faulty: set[tuple[str, str]] = set()

    async def put_new(self, key: str, data: bytes) -> None:
        tenant, _, text, *_ = key.split("/")
        name = parse_recording_name(tenant, text)
        try:
            await self._core.objects.put_new(key, data)
        except ObjectStoreAway:
            await self._fault(name, key)
            raise
        if (name.tenant, name.session) in self._faulty:
            await self._over(name, key)

    async def get(self, key: str) -> bytes:
        return await self._core.objects.get(key)

    async def stored(self, name: RecordingName, segment: Segment, gap_why: Why | None) -> None:
        order = recording.StoreSegment(segment=segment, gap_why=gap_why)
        use_case = partial(recordings.store_segment, name=name.text, order=order)
        await self._core.act(name.tenant, ACTOR, f"segment {segment.object_key}", use_case)

    async def ended(self, name: RecordingName, connection: int, note: EndedNote) -> None:
        order = recording.End(connection=connection, at=note.at, why=note.why)
        use_case = partial(recordings.end_connection, name=name.text, order=order)
        await self._core.act(name.tenant, ACTOR, f"ended {name.text} {connection}", use_case)

    async def _fault(self, name: RecordingName, key: str) -> None:
        if (name.tenant, name.session) in self._faulty:
            return
        why = "the recording waits on our disk, because the object store is full or away"
        use_case = partial(sessions.open_fault, name=name.session, what=STORE, why=why)
        await self._core.act(name.tenant, ACTOR, f"fault {STORE} {key}", use_case)
        self._faulty.add((name.tenant, name.session))

    async def _over(self, name: RecordingName, key: str) -> None:
        use_case = partial(sessions.close_fault, name=name.session, what=STORE)
        await self._core.act(name.tenant, ACTOR, f"fault over {STORE} {key}", use_case)
        self._faulty.discard((name.tenant, name.session))


async def _finalise_all(core: Core) -> None:
    """Looks for recordings of sessions that are over, whose connections have all ended, and finishes them."""
    async with core.reading() as conn:
        await until_there(conn)
    while True:
        try:
            async with core.reading() as conn:
                waiting = await over(conn)
            for one in waiting:
                for track in one.tracks:
                    await _finalise(core, recording_name(one.tenant, one.session, track))
        except Exception:
            log.exception("finishing recordings failed; it is tried again")
            await asyncio.sleep(5)
        await asyncio.sleep(LOOK_EVERY_S)


async def _finalise(core: Core, name: RecordingName) -> None:
    stream = str(Stream(name.tenant, "recording", name.text))
    _, state = await core.handler.load(recording.DECIDER, stream, fresh=True)
    if state.finalised or state.live or not state.segments:
        return
    made = await _make(core, name, state)
    key = finalised_object_key(name, made.sha256)
    try:
        await core.objects.put_new(key, made.stored)
    except ObjectExists:
        log.info("%s was finished before and is taken as it lies", name.text)
    order = recording.Finalise(
        object_key=key, bytes=len(made.stored), sha256=made.sha256, duration_s=made.duration_s, frames=made.frames,
        segments=made.segments,
    )  # fmt: skip
    await core.act(name.tenant, ACTOR, f"finalise {key}", partial(recordings.finalise, name=name.text, order=order))


async def _make(core: Core, name: RecordingName, state: Recording) -> FinalisedFile:
    session = str(Stream(name.tenant, "session", name.session))
    _, whose = await core.handler.load(session_rules.DECIDER, session)
    key = await core.keys.data_key(KeyName(whose.subject, name.session, "media"))
    loop = asyncio.get_running_loop()

    def read(segment: Segment) -> bytes:  # in the thread that finalises
        return asyncio.run_coroutine_threadsafe(core.objects.get(segment.object_key), loop).result()

    return await asyncio.to_thread(finalise, key, name, state.segments, read)
