"""The folder of one connection in the spool: its segments as they are written, and the note of its end."""

from __future__ import annotations

import errno
import logging
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domain.segment import Why
from media.sealing import measure
from media.spooled import (
    ENDED,
    LOCK,
    NOTE,
    PART,
    SEALED,
    EndedNote,
    SegmentNote,
    disk_use,
    hold,
    measured_note,
    read_segment_note,
    segment_file,
    sync_folder,
    write_note,
)

if TYPE_CHECKING:
    from media.spool import Spool

logger = logging.getLogger(__name__)


class SpoolAway(Exception):
    """Nothing can be written now."""


class ConnectionSpool:
    """One connection's folder. Made and written in the spool's threads, one at a time; the public calls only queue."""

    def __init__(self, spool: Spool, folder: Path) -> None:
        self._spool, self._folder = spool, folder
        self._file: int | None = None
        self._written = 0
        self._dirty = False
        self._broken = False
        self._ending: EndedNote | None = None
        self._held = self._queued = 0  # bytes: those of the recording's folder, and what is on its way there
        making = folder.with_name(f".{folder.name}.{os.getpid()}.{id(self)}")
        try:
            making.mkdir(parents=True, mode=0o700)
        except FileNotFoundError:  # the uploader took the empty recording away under us
            making.mkdir(parents=True, mode=0o700)
        lock = hold(making / LOCK)
        assert lock is not None
        self._lock = lock
        if folder.exists():
            os.close(lock)
            (making / LOCK).unlink()
            making.rmdir()
            raise FileExistsError(folder)
        making.rename(folder)
        sync_folder(folder.parent)
        self.measured(disk_use(folder.parent))

    def begin(self, note: SegmentNote, header: bytes) -> None:
        """Opens the next segment. SpoolAway when there is no room; nothing was begun then."""
        self._check_room()
        self._broken = False
        self._put(lambda: self._begin(note, header), len(header), syncs=True)

    def append(self, sealed: bytes) -> None:
        """Adds one sealed frame. SpoolAway when there is no room or an earlier write failed: the segment stops."""
        if self._broken:
            raise SpoolAway("the disk refused a write")
        self._check_room()
        self._put(lambda: self._append(sealed), len(sealed))

    def finish(self, note: SegmentNote) -> None:
        """The segment is whole. Always taken."""
        self._put(lambda: self._finish(note), syncs=True)

    def abandon(self, note: SegmentNote) -> None:
        """No more will come of this segment; what is on disk is kept, as not complete."""
        self._put(lambda: self._abandon(note), syncs=True)

    def end(self, at: datetime, why: Why, gap_why: Why | None = None) -> None:
        """The connection ended. Nothing may be called after this.

        `gap_why`: why nothing was recorded at its end, where that is known.
        """
        self._put(lambda: self._end(EndedNote(at=at, why=why, gap_why=gap_why)), syncs=True)

    def sync(self) -> None:
        """To be called each second: what was written is on disk then. An end that the disk refused is tried again."""
        if self._ending is not None:
            self._guard(self._settle)
        elif self._file is not None and self._dirty:
            self._dirty = False
            self._guard(lambda: os.fdatasync(self._file or 0))

    def measured(self, uses: Counter[Path]) -> None:
        """Takes what each recording holds."""
        self._held = uses[self._folder.parent]

    def release(self) -> None:
        """Lets the lock go without an end: what is left is for whoever clears up."""
        self._close_file()
        self._spool.forget(self)
        os.close(self._lock)

    def _check_room(self) -> None:
        if self._spool.full:
            raise SpoolAway("the spool is full")
        if self._held + self._queued > self._spool.free:
            raise SpoolAway("this recording holds more of the spool than is left for the others")

    def _put(self, job: Callable[[], None], size: int = 0, *, syncs: bool = False) -> None:
        self._queued += size

        def counted() -> None:
            self._guard(job)
            self._held += size
            self._queued -= size

        self._spool.put(counted, size, owner=self, syncs=syncs)

    def _guard(self, job: Callable[[], None]) -> None:
        try:
            job()
        except OSError:
            if not self._broken:
                logger.exception("the spool could not write")
            self._broken = True

    def _begin(self, note: SegmentNote, header: bytes) -> None:
        write_note(segment_file(self._folder, note.number, NOTE), note)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(segment_file(self._folder, note.number, PART), flags, 0o600)
        self._written = 0
        sync_folder(self._folder)
        self._append(header)

    def _append(self, data: bytes) -> None:
        if self._file is None or self._broken:
            return
        self._dirty = True
        try:
            taken = os.write(self._file, data)
        except OSError:
            taken = 0
        if taken < len(data):  # a full disk may take half a frame
            os.ftruncate(self._file, self._written)
            raise OSError(errno.ENOSPC, "the disk took only part of a frame")
        self._written += taken

    def _finish(self, note: SegmentNote) -> None:
        if self._broken:
            self._abandon(note)
            return
        self._dirty = True
        self.sync()
        self._keep(note)

    def _abandon(self, note: SegmentNote) -> None:
        part = segment_file(self._folder, note.number, PART)
        self._close_file()
        if part.exists():
            measured = measure(part.read_bytes())
            if measured.head is None:
                part.unlink()
                segment_file(self._folder, note.number, NOTE).unlink()
            else:
                self._keep(measured_note(note, measured))

    def _keep(self, note: SegmentNote) -> None:
        self._close_file()
        write_note(segment_file(self._folder, note.number, NOTE), note)
        segment_file(self._folder, note.number, PART).rename(segment_file(self._folder, note.number, SEALED))
        sync_folder(self._folder)

    def _end(self, note: EndedNote) -> None:
        if self._broken:  # what came last is missing
            note = msgspec.structs.replace(note, gap_why=note.gap_why or "spool_full")
        self._ending = note
        self._settle()

    def _settle(self) -> None:
        """Notes the end. May be begun again wherever it failed: until it succeeds nobody else may clear up here."""
        assert self._ending is not None
        for part in self._folder.glob(f"*{PART}"):  # one that the recorder could not finish
            self._abandon(read_segment_note(part.with_suffix(NOTE)))
        self._close_file()
        write_note(self._folder / ENDED, self._ending)
        sync_folder(self._folder)
        self._ending = None
        self.release()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
