"""From the spool to the object store, in order for each recording, without a key.

A segment is put where nothing is yet, then told of (`stored`, which appends the event), and only then deleted here. So
a crash anywhere repeats the last step with the same bytes: a clash with our own bytes is success, and what is told
twice is the same each time. What a dead worker left is cleared up first: a torn frame dropped, the rest delivered as
not complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from commands.objects import ObjectExists
from domain.segment import Segment, Why
from media.names import RecordingName, SegmentName, parse_recording_name
from media.sealing import measure
from media.spooled import (
    ENDED,
    LOCK,
    NOTE,
    PART,
    SEALED,
    EndedNote,
    SegmentNote,
    hold,
    measured_note,
    read_ended_note,
    read_segment_note,
    segment_file,
    sync_folder,
    write_note,
)

logger = logging.getLogger(__name__)

Stored = Callable[[RecordingName, Segment, Why | None], Awaitable[None]]
"""Told of each segment once it is safe; with why nothing was recorded before it, where the recorder knows."""
Ended = Callable[[RecordingName, int, EndedNote], Awaitable[None]]
"""Told that a connection ended, after all its segments."""

LOOK_EVERY_S = 0.5
RETRY_MIN_S, RETRY_MAX_S = 0.5, 30.0
RECORDINGS_AT_ONCE = 8


class SegmentObjects(Protocol):
    """What the uploader needs of the object store."""

    async def put_new(self, key: str, data: bytes) -> None: ...
    async def get(self, key: str) -> bytes: ...


class ObjectClash(Exception):
    """Other bytes lie where a segment belongs. They are never overwritten."""


class Uploader:
    """Delivers what is under `spool`. `stored` and `ended` may be called again with the same arguments; both may raise,
    and are called again later then.
    """

    def __init__(self, spool: Path, objects: SegmentObjects, *, stored: Stored, ended: Ended) -> None:
        self._spool, self._objects, self._stored, self._ended = spool, objects, stored, ended
        self._at_work: dict[RecordingName, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(RECORDINGS_AT_ONCE)

    async def run(self) -> None:
        """Delivers until cancelled."""
        try:
            while True:
                for recording, folder in await asyncio.to_thread(_recordings, self._spool):
                    if recording not in self._at_work:
                        self._at_work[recording] = asyncio.create_task(self._keep_on(recording, folder))
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def _keep_on(self, recording: RecordingName, folder: Path) -> None:
        """Delivers one recording until nothing is left to do, however often that fails."""
        wait_s = RETRY_MIN_S
        try:
            while True:
                try:
                    async with self._slots:
                        await self._deliver(recording, folder)
                except Exception as error:  # noqa: BLE001  # store, ledger or disk: all may come back
                    if wait_s == RETRY_MIN_S:
                        logger.warning("delivery of %s waits: %r", folder.name, error)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, RETRY_MAX_S)
                else:
                    return
        finally:
            del self._at_work[recording]

    async def _deliver(self, recording: RecordingName, folder: Path) -> None:
        """Delivers the connections in order, up to the first that still lives."""
        for connection in await asyncio.to_thread(_connections, folder):
            ended = await asyncio.to_thread(_ended, connection)
            for number in await asyncio.to_thread(_whole_segments, connection):
                await self._deliver_segment(SegmentName(recording, int(connection.name), number), connection)
            if ended is None:
                return
            await self._ended(recording, int(connection.name), ended)
            await asyncio.to_thread(_remove, connection)

    async def _deliver_segment(self, name: SegmentName, folder: Path) -> None:
        sealed, note_file = segment_file(folder, name.number, SEALED), segment_file(folder, name.number, NOTE)
        data, sha256, note = await asyncio.to_thread(_read_segment, sealed, note_file)
        await self._put(name.object_key(note.codec), data, sha256)
        await self._stored(name.recording, _segment(name, note, len(data), sha256), note.gap_before)
        await asyncio.to_thread(sealed.unlink)
        await asyncio.to_thread(note_file.unlink)

    async def _put(self, key: str, data: bytes, sha256: str) -> None:
        try:
            await self._objects.put_new(key, data)
        except ObjectExists:
            if hashlib.sha256(await self._objects.get(key)).hexdigest() != sha256:
                raise ObjectClash(key) from None


def _recordings(spool: Path) -> list[tuple[RecordingName, Path]]:
    found = []
    for folder in sorted(spool.glob("*/*")):
        try:
            recording = parse_recording_name(folder.parent.name, folder.name)
        except ValueError:
            continue
        if any(_connections(folder)):
            found.append((recording, folder))
    return found


def _connections(folder: Path) -> list[Path]:
    """In order. None where the last has just been delivered, and the folder is gone with it."""
    try:
        return sorted(c for c in folder.iterdir() if c.name.isdecimal())
    except FileNotFoundError:
        return []


def _ended(folder: Path) -> EndedNote | None:
    """When and why the connection ended, None while its worker lives. Clears up behind a dead one."""
    if not (folder / ENDED).exists():
        lock = hold(folder / LOCK)
        if lock is None:
            return None
        try:
            if not (folder / ENDED).exists():  # else the worker let go just now, in order
                _clear_up(folder)
        finally:
            os.close(lock)
    return read_ended_note(folder / ENDED)


def _clear_up(folder: Path) -> None:
    """Makes whole what a dead worker left: cuts torn frames off, notes that it ended."""
    end = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    for part in sorted(folder.glob(f"*{PART}")):
        measured = measure(part.read_bytes())
        note_file = part.with_suffix(NOTE)
        if measured.head is None:
            part.unlink()
            note_file.unlink()
            continue
        with part.open("rb+") as file:
            file.truncate(measured.whole_bytes)
        write_note(note_file, measured_note(read_segment_note(note_file), measured))
        part.rename(part.with_suffix(SEALED))
    notes = [read_segment_note(segment_file(folder, n, NOTE)) for n in _whole_segments(folder)]
    write_note(folder / ENDED, EndedNote(at=max((n.ended_at for n in notes), default=end), why="worker_lost"))
    sync_folder(folder)


def _remove(connection: Path) -> None:
    shutil.rmtree(connection)
    with contextlib.suppress(OSError):  # the next connection may be there
        connection.parent.rmdir()


def _whole_segments(folder: Path) -> list[int]:
    return sorted(int(f.name.removesuffix(SEALED)) for f in folder.glob(f"*{SEALED}"))


def _read_segment(sealed: Path, note: Path) -> tuple[bytes, str, SegmentNote]:
    data = sealed.read_bytes()
    return data, hashlib.sha256(data).hexdigest(), read_segment_note(note)


def _segment(name: SegmentName, note: SegmentNote, size: int, sha256: str) -> Segment:
    return Segment(
        connection=name.connection,
        number=name.number,
        started_at=note.started_at,
        ended_at=note.ended_at,
        bytes=size,
        frames=note.frames,
        sha256=sha256,
        object_key=name.object_key(note.codec),
        codec=note.codec,
        width=note.width,
        height=note.height,
        complete=note.complete,
    )
