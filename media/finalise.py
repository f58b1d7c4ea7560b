"""At the end of a recording its segments become one sealed file, which is opened and counted before it is out.

Each function here keeps a processor busy and nothing else: run `finalise` in a thread or another process.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

from domain.segment import Segment
from media.blocks import HEADER_BYTES, SealedRecording, seal_recording
from media.names import RecordingName
from media.remux import RemuxFailed, packets, remux
from media.webm import VIDEO_TRACK


class FinalisedFile(NamedTuple):
    """One sealed, seekable file. `sha256` is of `stored`; `frames` counts pictures, `sounds` audio packets."""

    stored: bytes
    sha256: str
    duration_s: float
    frames: int
    sounds: int
    segments: int
    codec: str


def finalise(
    data_key: bytes, recording: RecordingName, segments: Sequence[Segment], read: Callable[[Segment], bytes]
) -> FinalisedFile:
    """Makes the file of `segments`, in the order in which they are played. `read` gives a segment's stored bytes.

    Tampered when those are not the bytes that the segment tells of; RemuxFailed when frames would be missing.
    """
    film = remux(data_key, recording, segments, read)
    file = io.BytesIO()  # holds each byte once, where joining pieces would hold it twice
    file.writelines(seal_recording(data_key, recording, film.pieces))
    film.pieces.clear()
    stored = file.getvalue()
    result = FinalisedFile(
        stored=stored, sha256=hashlib.sha256(stored).hexdigest(), duration_s=film.duration_ms / 1000,
        frames=film.frames, sounds=film.sounds, segments=len(segments), codec=film.codec,
    )  # fmt: skip
    _verify(data_key, recording, result)
    return result


def _verify(data_key: bytes, recording: RecordingName, result: FinalisedFile) -> None:
    """Opens the sealed file as a player would and counts what it holds."""
    frames = sounds = 0
    kind = "mp4" if result.codec == "H264" else "webm"
    for block in packets(_SealedFile(data_key, recording, result.stored), kind):
        if block.track == VIDEO_TRACK:
            frames += 1
        else:
            sounds += 1
    if (frames, sounds) != (result.frames, result.sounds):
        raise RemuxFailed(f"{result.frames} frames and {result.sounds} sounds became {frames} and {sounds}")


class _SealedFile(io.RawIOBase):
    """A sealed recording in memory as a file to read."""

    def __init__(self, data_key: bytes, recording: RecordingName, stored: bytes) -> None:
        super().__init__()
        self._sealed = SealedRecording(data_key, recording, stored[:HEADER_BYTES], len(stored))
        self._stored, self._at = stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._sealed.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._sealed.size if size < 0 else min(self._at + size, self._sealed.size)
        if stop <= self._at:
            return b""
        span = self._sealed.span(self._at, stop)
        part = self._sealed.open_range(span, self._stored[span.stored_start : span.stored_stop], self._at, stop)
        self._at = stop
        return part
