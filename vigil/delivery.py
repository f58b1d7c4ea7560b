"""Role `upload`: brings segments from the spool to object store and ledger, and makes the finished recordings."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from functools import partial

import psycopg

from commands import recordings, sessions
from commands.keys import Forgotten, KeyName
from commands.objects import ObjectExists, ObjectStoreAway
from domain import recording, session_rules
from domain.archive import Away
from domain.late import in_order
from domain.recording import Recording
from domain.segment import Segment, Why
from domain.stream import Stream
from media.finalise import FinalisedFile, finalise
from media.names import RecordingName, finalised_object_key, parse_recording_name, recording_name
from media.spooled import EndedNote
from media.uploader import Uploader
from vigil.outlook import given_up, over, until_there
from vigil.sealing import OBJECT_STORE
from vigil.wiring import Core, spool

log = logging.getLogger(__name__)

ACTOR = "system/upload"
WAITS = "the recording waits on our disk, because the object store is full or away"
LOOK_EVERY_S = 0.5
MORE_COMES, MOST_COMES = timedelta(seconds=15), timedelta(minutes=5)  # after the last late file, and after the first
REST_S, LONGEST_REST_S = 5.0, 600.0  # after a recording that could not be finished: at first, and in the end


async def upload(core: Core) -> None:
    """Delivers and finalises until cancelled."""
    delivery = Delivery(core)
    uploader = Uploader(spool(core.settings), delivery, stored=delivery.stored, ended=delivery.ended)
    async with asyncio.TaskGroup() as group:
        group.create_task(uploader.run())
        group.create_task(_finalise_all(core))


class Delivery:
    """The object store and the ledger as the uploader sees them. A store that is away is a fault of the session."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._faulty: dict[tuple[str, str], bool] = {}  # as far as this process knows

    async def put_new(self, key: str, data: bytes) -> None:
        tenant, _, text, *_ = key.split("/")
        name = parse_recording_name(tenant, text)
        try:
            await self._core.objects.put_new(key, data)
        except ObjectStoreAway:
            await self._fault(name, away=True)
            raise
        except ObjectExists:
            await self._fault(name, away=False)
            raise
        await self._fault(name, away=False)

    async def get(self, key: str) -> bytes:
        return await self._core.objects.get(key)

    async def stored(self, name: RecordingName, segment: Segment, gap_why: Why | None) -> None:
        order = recording.StoreSegment(segment=segment, gap_why=gap_why)
        use_case = partial(recordings.store_segment, name=name.text, order=order)
        await self._core.act(name.tenant, ACTOR, f"segment {segment.object_key}", use_case)

    async def ended(self, name: RecordingName, connection: int, note: EndedNote) -> None:
        order = recording.End(connection=connection, at=note.at, why=note.why, gap_why=note.gap_why)
        use_case = partial(recordings.end_connection, name=name.text, order=order)
        await self._core.act(name.tenant, ACTOR, f"ended {name.text} {connection}", use_case)

    async def _fault(self, name: RecordingName, *, away: bool) -> None:
        """Opens or closes the session's fault. What this process did not tell itself is read from the ledger."""
        session = (name.tenant, name.session)
        if self._faulty.get(session) == away:
            return
        stream = str(Stream(name.tenant, "session", name.session))
        version, state = await self._core.handler.load(session_rules.DECIDER, stream, fresh=True)
        if (OBJECT_STORE in state.faults) != away:
            cause = f"fault {OBJECT_STORE} {'' if away else 'over '}{name.session} {version}"
            use_case = (
                partial(sessions.open_fault, name=name.session, what=OBJECT_STORE, why=WAITS)
                if away
                else partial(sessions.close_fault, name=name.session, what=OBJECT_STORE)
            )
            await self._core.act(name.tenant, ACTOR, cause, use_case)
        self._faulty[session] = away


async def _finalise_all(core: Core) -> None:
    """Looks for recordings of sessions that are over, whose connections have all ended, and finishes them.

    Those that were given up are looked for at first, because we may have been away, and then now and again.
    """
    async with core.reading() as conn:
        await until_there(conn)
    now = asyncio.get_running_loop().time
    all_at = now()
    resting: dict[RecordingName, tuple[float, float]] = {}  # what failed: until when, and for how long
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with core.reading() as conn:
                waiting = await over(conn)
                if now() >= all_at:
                    waiting += await given_up(conn)
                    all_at = now() + LONGEST_REST_S
        except psycopg.OperationalError:
            log.warning("the read models are away; finishing recordings waits")
            continue
        names = [recording_name(one.tenant, one.session, track) for one in waiting for track in one.tracks]
        for name in names:
            until, rest_s = resting.get(name, (0.0, REST_S / 2))
            if now() < until:
                continue
            if await _finished(core, name):
                resting.pop(name, None)
            else:
                rest_s = min(2 * rest_s, LONGEST_REST_S)
                resting[name] = (now() + rest_s, rest_s)


async def _finished(core: Core, name: RecordingName) -> bool:
    """Finishes one recording, if it can be. One that fails holds up no other."""
    try:
        await _finalise(core, name)
    except ObjectStoreAway as away:
        log.warning("%s is finished later: %s", name.text, away)
        return False
    except Away as away:
        log.debug("%s is as finished as it was: %s", name.text, away)
        return False
    except Forgotten:
        log.info("%s is not finished: its media were erased", name.text)
        return False
    except Exception:
        log.exception("%s could not be finished; it is tried again", name.text)
        return False
    return True


async def _finalise(core: Core, name: RecordingName) -> None:
    stream = str(Stream(name.tenant, "recording", name.text))
    _, state = await core.handler.load(recording.DECIDER, stream, fresh=True)
    if state.finished or state.live or not state.stored:
        return
    session = str(Stream(name.tenant, "session", name.session))
    _, whose = await core.handler.load(session_rules.DECIDER, session, fresh=True)
    if more_comes(state, whose.ended_at, core.now()):
        return
    made = await _make(core, name, state)
    key = finalised_object_key(name, made.sha256, made.codec)
    try:
        await core.objects.put_new(key, made.stored)
    except ObjectExists:
        log.info("%s was finished before and is taken as it lies", name.text)
    order = recording.Finalise(
        object_key=key, bytes=len(made.stored), sha256=made.sha256, duration_s=made.duration_s, frames=made.frames,
        segments=made.segments, session_ended_at=whose.ended_at,
    )  # fmt: skip
    await core.act(name.tenant, ACTOR, f"finalise {key}", partial(recordings.finalise, name=name.text, order=order))


def more_comes(state: Recording, ended_at: datetime | None, now: datetime) -> bool:
    """Whether to wait: a page that sends one file has more. One that never comes to an end is not waited for."""
    if not state.late or state.late_since is None:
        return False
    began = max(state.late_since, ended_at or state.late_since)
    return now - max(late.received_at for late in state.late) < MORE_COMES and now - began < MOST_COMES


async def _make(core: Core, name: RecordingName, state: Recording) -> FinalisedFile:
    session = str(Stream(name.tenant, "session", name.session))
    _, whose = await core.handler.load(session_rules.DECIDER, session)
    key = await core.keys.data_key(KeyName(whose.subject, name.session, "media"))
    loop = asyncio.get_running_loop()

    def read(segment: Segment) -> bytes:  # in the thread that finalises
        return asyncio.run_coroutine_threadsafe(core.objects.get(segment.object_key), loop).result()

    return await asyncio.to_thread(finalise, key, name, in_order(state), read)
