"""The spool: what is on disk when, what a full one does, and that no key is there."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from media.names import RecordingName, SegmentName
from media.sealing import SegmentSealer, open_segment
from media.spool import Spool, SpoolAway
from media.spooled import (
    LOCK,
    SegmentNote,
    connection_folder,
    hold,
    read_ended_note,
    read_segment_note,
)
from tests.media.hall import Eventually
from tests.media.tape import DATA_KEY

RECORDING = RecordingName("school", "s1", "camera")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def note(number: int, *, complete: bool = False) -> SegmentNote:
    return SegmentNote(
        number=number, started_at=NOW, ended_at=NOW + timedelta(seconds=6), width=640, height=480, complete=complete
    )


def sealed(sealer: SegmentSealer, data: bytes, *, last: bool = False) -> bytes:
    return sealer.seal(data, end_ms=1000, frames=15, sounds=17, last=last)


async def test_a_segment_is_a_part_until_it_is_whole(tmp_path: Path, eventually: Eventually) -> None:
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    folder = connection_folder(tmp_path, RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    connection.begin(note(1), sealer.header)
    first = sealed(sealer, b"first")
    connection.append(first)
    part = folder / "000001.part"
    await eventually(lambda: part.exists() and part.read_bytes() == sealer.header + first)
    assert not read_segment_note(folder / "000001.json").complete
    connection.append(sealed(sealer, b"second", last=True))
    connection.finish(note(1, complete=True))
    await eventually((folder / "000001.webm.sealed").exists)
    assert not part.exists()
    assert read_segment_note(folder / "000001.json").complete
    stored = (folder / "000001.webm.sealed").read_bytes()
    assert open_segment(DATA_KEY, SegmentName(RECORDING, 1, 1), stored) == (b"firstsecond", True)
    connection.end(NOW, "stopped")
    spool.close()
    assert read_ended_note(folder / "ended.json").why == "stopped"
    assert all(DATA_KEY not in f.read_bytes() for f in folder.iterdir())


async def test_a_folder_is_locked_while_its_connection_lives(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    lock = connection_folder(tmp_path, RECORDING, 1) / LOCK
    assert hold(lock) is None
    connection.end(NOW, "lost")
    spool.close()
    assert hold(lock) is not None


async def test_a_number_is_used_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    await spool.connection(RECORDING, 1)
    with pytest.raises(FileExistsError):
        await spool.connection(RECORDING, 1)
    spool.close()
    assert [f.name for f in (tmp_path / "school" / "s1.camera").iterdir()] == ["0001"]


async def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path, eventually: Eventually) -> None:
    spool = Spool(tmp_path, 5_000)
    connection = await spool.connection(RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    connection.begin(note(1), sealer.header)
    kept = 0
    while not spool.full:
        connection.append(sealed(sealer, bytes(1000)))
        kept += 1
    assert 3 <= kept <= 5
    with pytest.raises(SpoolAway):
        connection.append(b"one more")
    connection.abandon(note(1))
    with pytest.raises(SpoolAway):
        connection.begin(note(2), sealer.header)
    folder = connection_folder(tmp_path, RECORDING, 1)
    await eventually((folder / "000001.webm.sealed").exists)
    spool.close()
    stored = (folder / "000001.webm.sealed").read_bytes()
    opened = open_segment(DATA_KEY, SegmentName(RECORDING, 1, 1), stored)
    assert (len(opened.plaintext), opened.complete) == (1000 * kept, False)
    left = read_segment_note(folder / "000001.json")
    assert (left.bytes, left.complete, left.ended_at) == (len(stored), False, NOW + timedelta(seconds=1))


async def test_a_disk_that_refuses_is_noticed_at_the_next_write(
    tmp_path: Path, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    folder = connection_folder(tmp_path, RECORDING, 1)
    (folder / "000001.part").touch()  # so that it cannot be made
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    connection.begin(note(1), sealer.header)
    await eventually(lambda: "could not write" in caplog.text)
    with pytest.raises(SpoolAway):
        connection.append(sealed(sealer, b"x"))
    spool.close()


async def test_writes_do_not_wait_for_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 30)
    connection = await spool.connection(RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    connection.begin(note(1), sealer.header)
    disk, waited = threading.Event(), list[bool]()
    spool.put(lambda: waited.append(disk.wait(30)))  # a disk that takes nothing until all has been handed over
    for _ in range(200):
        connection.append(b"x" * 10_000)
    disk.set()
    spool.close()
    assert waited == [True]
    assert (connection_folder(tmp_path, RECORDING, 1) / "000001.part").stat().st_size > 2_000_000
