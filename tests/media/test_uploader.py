"""Delivery to the object store: in order, told before deleted, through outages, clashes and a killed worker."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.objects import FolderStore, ObjectStoreAway
from domain.segment import Segment, Why
from media import uploader
from media.clips import Clip
from media.connection_spool import ConnectionSpool
from media.names import RecordingName, SegmentName
from media.recorder import Recorder
from media.sealing import HEADER_BYTES, open_segment
from media.spool import Spool
from media.spooled import EndedNote, connection_folder
from media.uploader import Uploader
from tests.media.hall import Eventually, watch
from tests.media.tape import DATA_KEY, RECORDING, new_recorder, play

REPOSITORY = Path(__file__).parents[2]


class Ledger:
    """What the uploader told, in order. While `away` it refuses."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int | Why]] = []
        self.segments: list[Segment] = []
        self.away = False

    async def stored(self, recording: RecordingName, segment: Segment, gap_before: Why | None) -> None:
        if self.away:
            raise ConnectionError("the ledger is away")
        assert gap_before is None
        self.told.append((recording.text, segment.connection, segment.number))
        self.segments.append(segment)

    async def ended(self, recording: RecordingName, connection: int, note: EndedNote) -> None:
        self.told.append((recording.text, connection, note.why))


class Store(FolderStore):
    """The folder store, which can be away."""

    away = False

    async def put_new(self, key: str, data: bytes) -> None:
        if self.away:
            raise ObjectStoreAway("unplugged")
        await super().put_new(key, data)


@contextlib.asynccontextmanager
async def uploading(spool: Path, store: FolderStore, ledger: Ledger) -> AsyncIterator[None]:
    uploader = Uploader(spool, store, stored=ledger.stored, ended=ledger.ended)
    task = asyncio.create_task(uploader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def record(spool: Spool, card: Clip, seconds: float, connection: int = 1) -> tuple[Recorder, ConnectionSpool]:
    store = await spool.connection(RECORDING, connection)
    recorder = new_recorder(store, sound=False, connection=connection)
    for frame in play(card, seconds):
        recorder.on_frame(frame)
    return recorder, store


async def test_segments_of_h264_say_so_and_lie_under_another_name(
    tmp_path: Path, clip_h264: Clip, eventually: Eventually
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    recorder, folder = await record(spool, clip_h264, 4)
    recorder.close()
    folder.end(datetime.now(UTC), "stopped")
    async with uploading(spool.root, store, ledger):
        await eventually(lambda: len(ledger.told) == 2)
    (segment,) = ledger.segments
    assert (segment.codec, segment.object_key) == ("H264", "school/media/s1.camera/0001-000001.mkv.sealed")
    assert await store.get(segment.object_key)
    spool.close()


async def test_segments_are_delivered_in_order_and_then_gone_from_here(
    tmp_path: Path, card: Clip, eventually: Eventually
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    for connection in (1, 2):
        recorder, folder = await record(spool, card, 13, connection)
        recorder.close()
        folder.end(datetime.now(UTC), "lost" if connection == 1 else "stopped")
    async with uploading(spool.root, store, ledger):
        await eventually(lambda: len(ledger.told) == 8)
    name = RECORDING.text
    assert ledger.told == [
        *((name, 1, n) for n in (1, 2, 3)),
        (name, 1, "lost"),
        *((name, 2, n) for n in (1, 2, 3)),
        (name, 2, "stopped"),
    ]
    await eventually(lambda: not list(spool.root.glob("*/*")))
    for segment in ledger.segments:
        stored = await store.get(segment.object_key)
        assert segment.object_key == f"school/media/s1.camera/{segment.connection:04}-{segment.number:06}.webm.sealed"
        assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (segment.sha256, segment.bytes)
        opened = open_segment(DATA_KEY, SegmentName(RECORDING, segment.connection, segment.number), stored)
        assert watch(opened.plaintext).decoded["video"] == segment.frames
    spool.close()


async def test_segments_of_a_live_connection_are_delivered_as_they_are_cut(
    tmp_path: Path, card: Clip, eventually: Eventually
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    async with uploading(spool.root, store, ledger):
        recorder, folder = await record(spool, card, 14)
        await eventually(lambda: len(ledger.told) == 2)
        assert (connection_folder(spool.root, RECORDING, 1) / "000003.part").exists()
        recorder.close()
        folder.end(datetime.now(UTC), "stopped")
        await eventually(lambda: len(ledger.told) == 4)
    spool.close()


async def test_a_recording_that_is_delivered_while_somebody_looks_is_done_with(
    tmp_path: Path,
    card: Clip,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    recorder, folder = await record(spool, card, 1)
    recorder.close()
    folder.end(datetime.now(UTC), "stopped")
    await eventually((connection_folder(spool.root, RECORDING, 1) / "ended.json").exists)
    looks, look = [], uploader._recordings

    def late(spool: Path) -> list[tuple[RecordingName, Path]]:
        found = look(spool)
        shutil.rmtree(spool / "school", ignore_errors=True)
        looks.append(found)
        return found

    monkeypatch.setattr(uploader, "_recordings", late)
    async with uploading(spool.root, store, ledger):
        await eventually(lambda: len(looks) == 2)
    assert looks[0]
    assert "waits" not in caplog.text
    spool.close()


async def test_while_store_or_ledger_is_away_everything_waits_in_order(
    tmp_path: Path, card: Clip, eventually: Eventually
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    recorder, folder = await record(spool, card, 13)
    recorder.close()
    folder.end(datetime.now(UTC), "stopped")
    store.away = True
    async with uploading(spool.root, store, ledger):
        await asyncio.sleep(0.8)
        assert ledger.told == []
        store.away, ledger.away = False, True
        await asyncio.sleep(1.0)
        assert ledger.told == []
        assert list(spool.root.rglob("000001.webm.sealed"))
        ledger.away = False
        await eventually(lambda: len(ledger.told) == 4)
    assert [what for _, _, what in ledger.told] == [1, 2, 3, "stopped"]
    spool.close()


async def test_our_own_bytes_in_the_store_are_success_and_others_are_never_overwritten(
    tmp_path: Path, card: Clip, eventually: Eventually
) -> None:
    spool, store, ledger = Spool(tmp_path / "spool", 1 << 30), Store(tmp_path / "objects"), Ledger()
    recorder, folder = await record(spool, card, 7)
    recorder.close()
    folder.end(datetime.now(UTC), "stopped")
    spool.close()
    first, second = sorted(spool.root.rglob("*.sealed"))
    await store.put_new(SegmentName(RECORDING, 1, 1).object_key(), first.read_bytes())
    await store.put_new(SegmentName(RECORDING, 1, 2).object_key(), b"somebody else's")
    async with uploading(spool.root, store, ledger):
        await eventually(lambda: len(ledger.told) == 1)
        await asyncio.sleep(0.3)
    assert [what for _, _, what in ledger.told] == [1]
    assert await store.get(SegmentName(RECORDING, 1, 2).object_key()) == b"somebody else's"
    assert second.exists()


@pytest.fixture
def killed(tmp_path: Path) -> Callable[[], Path]:
    """A process that records five seconds without an end and is then killed with -9; returns its spool."""
    program = f"""
        import asyncio, sys, threading
        from pathlib import Path
        sys.path.insert(0, {str(REPOSITORY)!r})
        from media.clips import card_clip
        from media.spool import Spool
        from tests.media.tape import RECORDING, new_recorder, play

        async def main():
            spool = Spool(Path({str(tmp_path)!r}) / "spool", 1 << 30)
            recorder = new_recorder(await spool.connection(RECORDING, 1), sound=False)
            for frame in play(card_clip(), 11.5):
                recorder.on_frame(frame)
            written = threading.Event()
            spool.put(written.set)
            written.wait()
            print("recorded", flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """

    def run() -> Path:
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, cwd=REPOSITORY
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"recorded\n"
            os.kill(process.pid, signal.SIGKILL)
        return tmp_path / "spool"

    return run


async def test_what_a_killed_worker_left_is_delivered_to_the_last_whole_second(
    tmp_path: Path, killed: Callable[[], Path], eventually: Eventually
) -> None:
    spool, store, ledger = await asyncio.to_thread(killed), Store(tmp_path / "objects"), Ledger()
    part = connection_folder(spool, RECORDING, 1) / "000002.part"
    with part.open("ab") as file:
        file.write(b"\x00\x00\x10\x00 half a frame")
    async with uploading(spool, store, ledger):
        await eventually(lambda: len(ledger.told) == 3)
    assert [what for _, _, what in ledger.told] == [1, 2, "worker_lost"]
    whole, torn = ledger.segments
    assert (whole.complete, torn.complete) == (True, False)
    stored = await store.get(torn.object_key)
    opened = open_segment(DATA_KEY, SegmentName(RECORDING, 1, 2), stored)
    seen = watch(opened.plaintext)
    assert not opened.complete
    assert seen.packets == seen.decoded == {"video": torn.frames}
    lost_s = 11.5 - (whole.frames + torn.frames) / 15
    assert 0 <= lost_s <= 1
    assert (torn.ended_at - torn.started_at).total_seconds() == pytest.approx(torn.frames / 15, abs=0.1)


async def test_a_part_without_one_whole_frame_is_dropped(
    tmp_path: Path, killed: Callable[[], Path], eventually: Eventually
) -> None:
    spool, store, ledger = await asyncio.to_thread(killed), Store(tmp_path / "objects"), Ledger()
    part = connection_folder(spool, RECORDING, 1) / "000002.part"
    part.write_bytes(part.read_bytes()[: HEADER_BYTES + 30])
    async with uploading(spool, store, ledger):
        await eventually(lambda: len(ledger.told) == 2)
    assert [what for _, _, what in ledger.told] == [1, "worker_lost"]
