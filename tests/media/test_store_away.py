"""The object store dies in the middle of an exam and comes back: all that was recorded waits on our disk, in order.

The suite has it away for eight seconds; `STORE_DOWN_S=60` in the environment for a minute, as it may be in earnest.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from commands.objects import ObjectStore, open_store
from domain.segment import Segment, Why
from media.clips import Clip
from media.names import RecordingName, SegmentName
from media.sealing import open_segment
from media.spool import QUEUED_MAX_BYTES
from media.spooled import EndedNote, disk_use
from media.uploader import RECORDINGS_AT_ONCE, RETRY_MAX_S, Uploader
from tests.media.hall import TENANT, Eventually, media_key_of, new_settings, open_hall
from tests.seaweed import seaweed

PUBLISHERS = 20
DOWN_S = float(os.environ.get("STORE_DOWN_S", "8"))
BYTES_PER_S = 30_000  # a camera at 300 kbit/s sends less, also with what sealing and WebM add
DISK_BYTES = round(PUBLISHERS * BYTES_PER_S * (DOWN_S + RETRY_MAX_S))  # until the last has tried again
MEMORY_BYTES = QUEUED_MAX_BYTES + 2 * RECORDINGS_AT_ONCE * 6 * BYTES_PER_S  # to disk, and as files and as requests


@dataclass
class Ledger:
    """What the uploader told of each recording, in order."""

    segments: defaultdict[str, list[Segment]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, str] = field(default_factory=dict)

    async def stored(self, recording: RecordingName, segment: Segment, gap_before: Why | None) -> None:
        assert gap_before is None
        assert recording.text not in self.ends
        self.segments[recording.text].append(segment)

    async def ended(self, recording: RecordingName, connection: int, note: EndedNote) -> None:
        assert connection == 1
        self.ends[recording.text] = note.why

    @property
    def told(self) -> int:
        return sum(map(len, self.segments.values()))


@dataclass
class Meter:
    """The most that lay in a spool, and in the memory of this process, in bytes."""

    spool: Path
    disk: int = 0
    memory: int = 0

    async def run(self) -> None:
        process = psutil.Process()
        while True:
            self.disk = max(self.disk, disk_use(self.spool).total())
            self.memory = max(self.memory, process.memory_info().rss)
            await asyncio.sleep(0.2)


@asynccontextmanager
async def running(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            assert not task.done() or task.exception() is None
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
async def test_no_segment_is_lost_while_the_store_is_away_and_the_order_is_kept(
    nats_url: str, tmp_path: Path, card: Clip, eventually: Eventually
) -> None:
    sessions = [f"away-{number}" for number in range(PUBLISHERS)]
    ledger = Ledger()
    (tmp_path / "weed").mkdir()
    with seaweed(tmp_path / "weed") as server:
        store = open_store(server.url("away"))
        async with AsyncExitStack() as stack:
            hall = await stack.enter_async_context(open_hall(new_settings(nats_url, tmp_path, DISK_BYTES)))
            spool = hall.settings.spool
            uploader = Uploader(spool, store, stored=ledger.stored, ended=ledger.ended)
            meter = Meter(spool)
            tasks = [asyncio.create_task(part.run()) for part in (uploader, meter)]
            await stack.enter_async_context(running(*tasks))
            publishers = [hall.publisher(session, "camera", card) for session in sessions]
            for publisher in publishers:
                await stack.enter_async_context(publisher)
                await publisher.connected(30)
            await eventually(lambda: len(ledger.segments) == PUBLISHERS, 60)
            before_disk, before_memory = meter.disk, meter.memory
            server.kill()
            await asyncio.sleep(0.5)  # what was just put is told
            told = ledger.told
            await asyncio.sleep(DOWN_S - 0.5)
            assert ledger.told == told
            assert disk_use(spool).total() > before_disk
            owed = told + waiting(spool)
            await asyncio.to_thread(server.start)
            back = time.monotonic()
            await eventually(lambda: ledger.told >= owed, RETRY_MAX_S + 60)
            caught_up_s = time.monotonic() - back
            for publisher in publishers:
                publisher.video.stop()
            await asyncio.sleep(0.5)
            for publisher in publishers:
                await publisher.stop()
            await eventually(lambda: len(ledger.ends) == PUBLISHERS, 60)
            assert set(ledger.ends.values()) == {"stopped"}
            await eventually(lambda: not list(spool.glob("*/*")))
            for session, publisher in zip(sessions, publishers, strict=True):
                assert await played(store, session, ledger) == publisher.video.sent
        print(
            f"\n{PUBLISHERS} publishers, {DOWN_S:.0f} s away: {ledger.told} segments, up to date after"
            f" {caught_up_s:.1f} s, {meter.disk / 1e6:.1f} MB of {DISK_BYTES / 1e6:.0f} MB on disk, memory grew by"
            f" {(meter.memory - before_memory) / 1e6:.1f} MB"
        )
        assert meter.disk <= DISK_BYTES
        assert meter.memory - before_memory <= MEMORY_BYTES


def waiting(spool: Path) -> int:
    """How many whole segments wait."""
    return len(list(spool.rglob("*.sealed")))


async def played(store: ObjectStore, session: str, ledger: Ledger) -> int:
    """How many frames the stored segments of a recording have, after a look at each: in order, whole, and ours."""
    recording = RecordingName(TENANT, session, "camera")
    segments = ledger.segments[recording.text]
    assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))
    for segment in segments:
        name = SegmentName(recording, 1, segment.number)
        assert segment.object_key == name.object_key()
        stored = await store.get(name.object_key())
        assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (segment.sha256, segment.bytes)
        assert open_segment(media_key_of(session), name, stored).complete
    return sum(segment.frames for segment in segments)
