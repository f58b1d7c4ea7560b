"""What lies in the spool: its layout, and the small notes beside the sealed bytes.

    <spool>/<tenant>/<session>.<track>/<connection:04>/     held by a lock while its worker lives
        000001.webm.sealed  000001.json                     a whole segment (also of H.264) and its note
        000002.part         000002.json                     the segment being written, and what is known of it
        ended.json                                          when and why the connection ended

No note holds key material or anything about a person but the session's id.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from domain.segment import Why
from media.names import RecordingName
from media.sealing import Measured

SEALED, PART, NOTE = ".webm.sealed", ".part", ".json"
ENDED, LOCK = "ended.json", "lock"


class SegmentNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One segment. Times are wall time; `bytes` is what is stored; `frames` counts pictures, `sounds` audio packets.

    Until the segment is whole `ended_at` is its start and the counts are 0. `gap_before` says why nothing was recorded
    before it, where that is known here.
    """

    number: int
    started_at: datetime
    ended_at: datetime
    bytes: int = 0
    codec: str = "VP8"
    width: int
    height: int
    frames: int = 0
    sounds: int = 0
    packets_lost: int = 0
    complete: bool = False
    gap_before: Why | None = None


class EndedNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and why a connection ended; `gap_why` says why nothing was recorded at its end, where that is known here."""

    at: datetime
    why: Why
    gap_why: Why | None = None


def connection_folder(spool: Path, recording: RecordingName, connection: int) -> Path:
    return spool / recording.tenant / recording.text / f"{connection:04}"


def segment_file(folder: Path, number: int, suffix: str) -> Path:
    return folder / f"{number:06}{suffix}"


def write_note(path: Path, note: SegmentNote | EndedNote) -> None:
    """Puts the note in place whole or not at all."""
    partial = path.with_suffix(".tmp")
    with partial.open("wb") as file:
        file.write(msgspec.json.encode(note))
        file.flush()
        os.fdatasync(file.fileno())
    partial.rename(path)


def read_segment_note(path: Path) -> SegmentNote:
    return msgspec.json.decode(path.read_bytes(), type=SegmentNote)


def read_ended_note(path: Path) -> EndedNote:
    return msgspec.json.decode(path.read_bytes(), type=EndedNote)


def measured_note(note: SegmentNote, measured: Measured) -> SegmentNote:
    """The note of a segment that was never finished, from what its file holds."""
    assert measured.head is not None
    head = measured.head
    return msgspec.structs.replace(
        note,
        ended_at=note.started_at + timedelta(milliseconds=head.end_ms),
        bytes=measured.whole_bytes,
        frames=head.frames,
        sounds=head.sounds,
        complete=head.last,
    )


def sync_folder(folder: Path) -> None:
    """Makes renames and new files in `folder` last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hold(lock: Path) -> int | None:
    """Takes the lock for as long as the descriptor stays open; None when a live process holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def disk_use(root: Path) -> Counter[Path]:
    """Bytes of all files under `root`, by recording; a file that goes away meanwhile counts nothing."""
    uses: Counter[Path] = Counter()
    for folder, _, files in os.walk(root):
        recording = Path(folder).parent
        for name in files:
            try:
                uses[recording] += os.stat(f"{folder}/{name}").st_size  # noqa: PTH116  # many files, each second
            except FileNotFoundError:
                continue
    return uses
