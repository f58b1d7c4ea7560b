"""The spool: what is on disk when, what a full one does, and that no key is there."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from media import connection_spool
from media import spool as spool_module
from media.connection_spool import ConnectionSpool, SpoolAway
from media.names import RecordingName, SegmentName
from media.sealing import SegmentSealer, open_segment
from media.spool import Spool
from media.spooled import (
    LOCK,
    EndedNote,
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


def fill(connection: ConnectionSpool, sealer: SegmentSealer) -> None:
    """Frames of a thousand bytes until no more are taken."""
    connection.begin(note(1), sealer.header)
    while True:
        connection.append(sealed(sealer, bytes(1000)))


async def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path, eventually: Eventually) -> None:
    others = tmp_path / "school" / "s2.camera" / "0001" / "000001.part"
    others.parent.mkdir(parents=True)
    others.write_bytes(bytes(5_000))
    spool = Spool(tmp_path, 15_000)
    connection = await spool.connection(RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    with pytest.raises(SpoolAway):
        fill(connection, sealer)
    connection.abandon(note(1))
    others.write_bytes(bytes(15_000))
    spool._measure()
    with pytest.raises(SpoolAway, match="full"):
        connection.begin(note(2), sealer.header)
    folder = connection_folder(tmp_path, RECORDING, 1)
    await eventually((folder / "000001.webm.sealed").exists)
    spool.close()
    stored = (folder / "000001.webm.sealed").read_bytes()
    opened = open_segment(DATA_KEY, SegmentName(RECORDING, 1, 1), stored)
    assert (len(opened.plaintext), opened.complete) == (5000, False)
    left = read_segment_note(folder / "000001.json")
    assert (left.bytes, left.complete, left.ended_at) == (len(stored), False, NOW + timedelta(seconds=1))


async def test_one_fast_sender_leaves_as_much_room_as_it_takes_also_when_it_comes_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000)
    fast = await spool.connection(RECORDING, 1)
    with pytest.raises(SpoolAway, match="others"):
        fill(fast, SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1)))
    fast.end(NOW, "stopped")
    again = await spool.connection(RECORDING, 2)
    with pytest.raises(SpoolAway, match="others"):
        again.begin(note(1), bytes(26))
    other = await spool.connection(RECORDING._replace(session="s2"), 1)
    with pytest.raises(SpoolAway, match="others"):
        fill(other, SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1)))
    assert 20_000 < spool.free < 26_000
    spool.close()


async def test_room_that_the_uploader_made_counts_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000)
    connection = await spool.connection(RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    with pytest.raises(SpoolAway, match="others"):
        fill(connection, sealer)
    await spool.connection(RECORDING._replace(session="s2"), 1)  # all is written now
    (connection_folder(tmp_path, RECORDING, 1) / "000001.part").unlink()
    spool._measure()
    connection.append(sealed(sealer, bytes(1000)))
    assert spool.free > 95_000
    spool.close()


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


class Disk:
    """Notes go to a disk that can be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full, self.refused = False, 0
        self._write = connection_spool.write_note
        monkeypatch.setattr(connection_spool, "write_note", self.write_note)
        monkeypatch.setattr(spool_module, "SYNC_EVERY_S", 0.05)

    def write_note(self, path: Path, told: SegmentNote | EndedNote) -> None:
        if self.full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "no space left on device")
        self._write(path, told)


async def test_an_end_that_the_disk_refused_is_written_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    folder = connection_folder(tmp_path, RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    connection.begin(note(1), sealer.header)
    connection.append(sealed(sealer, b"a second"))
    await eventually(lambda: (folder / "000001.part").exists() and (folder / "000001.part").stat().st_size > 60)
    disk.full = True
    connection.end(NOW + timedelta(seconds=5), "lost")
    await eventually(lambda: disk.refused >= 3)
    assert hold(folder / LOCK) is None, "nobody may clear up meanwhile"
    disk.full = False
    await eventually((folder / "ended.json").exists)
    assert read_ended_note(folder / "ended.json") == EndedNote(at=NOW + timedelta(seconds=5), why="lost")
    assert read_segment_note(folder / "000001.json").ended_at == NOW + timedelta(seconds=1)
    assert (folder / "000001.webm.sealed").exists()
    await eventually(lambda: (lock := hold(folder / LOCK)) is not None and os.close(lock) is None)
    spool.close()


async def test_a_last_segment_that_the_disk_refused_is_missing_because_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING, 1, 1))
    disk.full = True
    connection.begin(note(1), sealer.header)
    connection.append(sealed(sealer, b"a second", last=True))
    connection.finish(note(1, complete=True))
    await eventually(lambda: disk.refused >= 1)
    disk.full = False
    connection.end(NOW, "stopped")
    spool.close()
    ended = read_ended_note(connection_folder(tmp_path, RECORDING, 1) / "ended.json")
    assert (ended.why, ended.gap_why) == ("stopped", "spool_full")


async def test_when_a_worker_stops_on_a_full_disk_it_leaves_the_end_to_whoever_clears_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool(tmp_path, 1 << 20)
    connection = await spool.connection(RECORDING, 1)
    disk.full = True
    connection.end(NOW, "stopped")
    spool.close()
    folder = connection_folder(tmp_path, RECORDING, 1)
    assert not (folder / "ended.json").exists()
    assert hold(folder / LOCK) is not None


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


async def test_a_slow_disk_syncs_for_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty connections, each with a segment, and a disk that takes 10 ms for each of their syncs."""
    syncs = list[float]()

    def slowly(sync: Callable[[int], None]) -> Callable[[int], None]:
        def slow(descriptor: int) -> None:
            time.sleep(0.01)
            syncs.append(time.monotonic())
            sync(descriptor)

        return slow

    spool = Spool(tmp_path, 1 << 30)
    connections = [await spool.connection(RECORDING._replace(session=f"s{n}"), 1) for n in range(40)]
    monkeypatch.setattr(os, "fdatasync", slowly(os.fdatasync))
    monkeypatch.setattr(os, "fsync", slowly(os.fsync))
    began = time.monotonic()
    for number, connection in enumerate(connections):
        sealer = SegmentSealer(DATA_KEY, SegmentName(RECORDING._replace(session=f"s{number}"), 1, 1))
        connection.begin(note(1), sealer.header)
        connection.append(sealed(sealer, b"all", last=True))
        connection.finish(note(1, complete=True))
        connection.end(NOW, "stopped")
    spool.close()
    assert len(syncs) > 200
    assert time.monotonic() - began < len(syncs) * 0.01 / 2
    for number in range(40):
        folder = connection_folder(tmp_path, RECORDING._replace(session=f"s{number}"), 1)
        assert read_segment_note(folder / "000001.json").complete
        assert read_ended_note(folder / "ended.json").why == "stopped"
