"""Segments reach the store, and sessions that are over get one finished file for each track."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from commands.objects import ObjectExists, ObjectStoreAway
from domain.fault import FaultClosed, FaultOpened
from domain.gaps import GapRecorded
from domain.late import LateSegmentStored
from domain.record import Sealed
from domain.recording import Finalised, Recording
from domain.segment import OWN_COPY, Segment
from media.names import finalised_object_key, recording_name
from media.spooled import EndedNote
from tests.media.hall import watch
from tests.seaweed import Seaweed
from tests.vigil import studio
from tests.vigil.hall import Hall, a_hall, running, until
from vigil import delivery
from vigil.delivery import Delivery, more_comes, upload
from vigil.door import Media
from vigil.outlook import given_up
from vigil.sealing import OBJECT_STORE
from vigil.settings import Settings


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(delivery, "REST_S", 0.2)


async def test_a_recording_is_finished_once_when_its_session_is_over(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    segments = await studio.taped(hall, session)
    await studio.deliver(hall, segments)
    async with running(upload(hall.core)):
        await studio.end(hall, session, ["camera"])
        await asyncio.sleep(0.3)
        assert not await hall.events(session, Finalised), "the candidate may come back"
        await hall.submit(session)
        await until(lambda: hall.events(session, Finalised))
    file = (await studio.recorded(hall, session)).finalised
    assert file is not None
    assert (file.segments, file.frames) == (len(segments), sum(segment.frames for segment, _ in segments))
    assert len(await hall.core.objects.get(file.object_key)) == file.bytes
    before = await hall.position()
    async with running(upload(hall.core)):
        await asyncio.sleep(0.3)
    assert await hall.position() == before


async def test_a_recording_in_h264_is_finished_as_an_mp4_and_opened_as_one(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    segments = await studio.taped(hall, session, codec="H264")
    await studio.deliver(hall, segments)
    await studio.end(hall, session, ["camera"])
    await hall.submit(session)
    async with running(upload(hall.core)):
        await until(lambda: hall.events(session, Finalised))
    state = await studio.recorded(hall, session)
    assert state.codec == "H264"
    assert state.finalised is not None
    assert state.finalised.object_key.endswith(".mp4.sealed")
    opened = await Media(hall.core).recording("main", f"{session}.camera")
    assert opened is not None
    assert opened.media_type == "video/mp4"
    seen = watch(b"".join([piece async for piece in opened.read(0, opened.size)]))
    assert seen.decoded == seen.packets
    assert seen.decoded["video"] == state.finalised.frames == sum(segment.frames for segment, _ in segments)


async def test_what_is_missing_up_to_the_end_of_the_session_is_told_with_its_reason(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    segments = await studio.taped(hall, session)
    await studio.deliver(hall, segments)
    reached = segments[-1][0].ended_at
    hall.clock.ahead += timedelta(minutes=1)
    note = EndedNote(at=hall.clock(), why="lost", gap_why="spool_full")
    await Delivery(hall.core).ended(recording_name("main", session, "camera"), 1, note)
    hall.clock.ahead += timedelta(minutes=20)
    await hall.submit(session)
    async with running(upload(hall.core)):
        await until(lambda: hall.events(session, Finalised))
    ended_at = (await hall.state(session)).ended_at
    assert ended_at is not None
    assert await hall.events(session, GapRecorded) == [
        GapRecorded(started_at=reached, ended_at=note.at, why="spool_full"),
        GapRecorded(started_at=note.at, ended_at=ended_at, why="lost"),
    ]


async def test_a_file_that_was_stored_before_a_crash_is_taken_as_it_lies(hall: Hall) -> None:
    session = await _over(hall)
    name = recording_name("main", session, "camera")
    made = await delivery._make(hall.core, name, await studio.recorded(hall, session))
    await hall.core.objects.put_new(finalised_object_key(name, made.sha256), made.stored)
    async with running(upload(hall.core)):
        await until(lambda: hall.events(session, Finalised))
    file = (await studio.recorded(hall, session)).finalised
    assert file is not None
    assert file.sha256 == made.sha256


async def test_a_recording_that_cannot_be_finished_holds_up_no_other(hall: Hall) -> None:
    sessions = [await _over(hall) for _ in range(3)]
    damaged = min(sessions)
    for segment in (await studio.recorded(hall, damaged)).segments:
        await hall.core.objects.delete(segment.object_key)
    async with running(upload(hall.core)):
        for session in set(sessions) - {damaged}:
            await until(partial(hall.events, session, Finalised))
    assert not await hall.events(damaged, Finalised)


async def test_a_recording_that_was_given_up_is_finished_when_that_can_be_done(hall: Hall) -> None:
    session = await _over(hall)
    async with hall.reacting(), hall.core.reading() as conn:
        await until(lambda: hall.events(session, Sealed))
        hall.clock.ahead += timedelta(minutes=11)
        await until(lambda: given_up(conn), within_s=20)
        async with running(upload(hall.core)):
            await until(lambda: hall.events(session, Finalised))

        async def nothing_lost() -> bool:
            last = (await hall.events(session, Sealed))[-1]
            return isinstance(last, Sealed) and last.kind == "complete" and not last.lost

        await until(nothing_lost)
        assert not await given_up(conn)


async def test_nothing_is_finished_while_a_connection_lives_or_nothing_was_stored(hall: Hall) -> None:
    living, empty = await hall.sitting(), await hall.sitting()
    await studio.on_air(hall, living, ["camera"])
    await studio.deliver(hall, await studio.taped(hall, living))
    await studio.on_air(hall, empty, ["camera"])
    await studio.end(hall, empty, ["camera"])
    for session in (living, empty):
        await hall.submit(session)
    async with running(upload(hall.core)):
        await asyncio.sleep(0.5)
    assert not await hall.events(living, Finalised)
    assert not await hall.events(empty, Finalised)


async def test_a_store_that_is_away_is_one_fault_for_both_tracks_and_is_over_with_the_first_delivery(
    hall: Hall,
) -> None:
    session = await hall.sitting()
    taped = [one for track in studio.TRACKS for one in await studio.taped(hall, session, track, 2)]
    first = Delivery(hall.core)
    with _away(hall):
        for segment, stored in taped:
            for _ in range(2):
                with pytest.raises(ObjectStoreAway):
                    await first.put_new(segment.object_key, stored)
    assert (await hall.state(session)).faults == {OBJECT_STORE}
    for segment, stored in taped:
        await first.put_new(segment.object_key, stored)
    assert await _faults(hall, session) == ["FaultOpened", "FaultClosed"]


async def test_a_fault_that_another_process_told_is_closed_and_may_come_again(hall: Hall) -> None:
    session = await hall.sitting()
    [(segment, stored)] = await studio.taped(hall, session, "camera", 2)
    for _ in range(2):
        with _away(hall), pytest.raises(ObjectStoreAway):
            await Delivery(hall.core).put_new(segment.object_key, stored)
        try:
            await Delivery(hall.core).put_new(segment.object_key, stored)
        except ObjectExists:  # the second time: that the store answers is enough
            assert await hall.core.objects.get(segment.object_key) == stored
    assert await _faults(hall, session) == ["FaultOpened", "FaultClosed"] * 2


async def test_what_is_told_twice_happened_once(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    segments = await studio.taped(hall, session)
    name = recording_name("main", session, "camera")
    for _ in range(2):
        for segment, _stored in segments:
            await Delivery(hall.core).stored(name, segment, None)
    assert len((await studio.recorded(hall, session)).segments) == len(segments)


async def _over(hall: Hall) -> str:
    """A session that is over, with a recording to finish."""
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    await studio.deliver(hall, await studio.taped(hall, session, seconds=7))
    await studio.end(hall, session, ["camera"])
    await hall.submit(session)
    return session


@contextmanager
def _away(hall: Hall) -> Iterator[None]:
    """The folder of objects is moved aside meanwhile."""
    folder = Path(urlsplit(hall.core.settings.objects_url).path)
    aside = folder.rename(folder.with_suffix(".aside"))
    try:
        yield
    finally:
        aside.rename(folder)


async def _faults(hall: Hall, session: str) -> list[str]:
    return [type(event).__name__ for event in await hall.events(session, FaultOpened, FaultClosed)]


async def test_a_recording_goes_through_a_locked_bucket_and_plays_by_range(
    settings: Settings, tmp_path: Path, s3: Seaweed
) -> None:
    s3.admin.create_bucket(Bucket="recordings", ObjectLockEnabledForBucket=True)
    url = s3.url("main", "recordings", lock="governance", days=30)
    async with a_hall(replace(settings, home=tmp_path, objects_url=url)) as hall:
        session = await _over(hall)
        async with running(upload(hall.core)):
            await until(lambda: hall.events(session, Finalised))
        state = await studio.recorded(hall, session)
        assert state.finalised is not None
        keys = (*(segment.object_key for segment in state.segments), state.finalised.object_key)
        assert await hall.core.objects.list() == tuple(sorted(keys))
        heads = [s3.admin.head_object(Bucket="recordings", Key=f"main/{key}") for key in keys]
        assert {head["ObjectLockMode"] for head in heads} == {"GOVERNANCE"}
        assert not [key for key in keys if b"webm" in await hall.core.objects.get(key)]
        playing = await Media(hall.core).recording("main", f"{session}.camera")
        assert playing is not None
        film = b"".join([piece async for piece in playing.read(0, playing.size)])
        assert b"webm" in film[:64]
        assert b"".join([piece async for piece in playing.read(70_000, 70_100)]) == film[70_000:70_100]


def test_a_film_waits_for_a_page_that_sends_more_and_not_for_one_that_never_ends() -> None:
    ended = datetime(2026, 6, 1, 12, tzinfo=UTC)
    came = ended + timedelta(seconds=30)
    segment = Segment(
        connection=OWN_COPY, number=1, started_at=ended, ended_at=came, bytes=1, frames=1, sha256="aa" * 32,
        object_key="late", codec="VP8", width=640, height=480, complete=True,
    )  # fmt: skip
    late = LateSegmentStored(
        segment=segment, sent_sha256="aa" * 32, device_started_at=ended, device_ended_at=came, skew_ms=0,
        received_at=came,
    )  # fmt: skip
    tape = Recording(late=(late,), late_since=came)
    assert more_comes(tape, ended, came + timedelta(seconds=14))
    assert not more_comes(tape, ended, came + timedelta(seconds=15))
    for minutes, waits in ((4, True), (5, False)):
        last = came + timedelta(minutes=minutes)
        dripped = replace(tape, late=(late, replace(late, received_at=last)))
        assert more_comes(dripped, ended, last + timedelta(seconds=1)) == waits
    assert more_comes(replace(tape, late_since=ended - timedelta(hours=1)), ended, came), "it counts from the end on"
    assert not more_comes(Recording(), ended, came)
