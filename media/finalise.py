"""At the end of a recording its segments become one seekable file: remuxed, never decoded, gaps kept as time.

PyAV reads the segments; our own writers (WebM, of H.264 MP4) put the frames behind an index whose size is known
beforehand, so that nothing is patched and a player finds its place with the first bytes. The result is opened and
counted before it is out.
Each function here keeps a processor busy and nothing else: run `finalise` in a thread or another process.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

import av

from domain.segment import Segment
from media.blocks import HEADER_BYTES, SealedRecording, seal_recording
from media.codec import VideoFormat
from media.h264 import format_of
from media.mp4 import mp4
from media.names import RecordingName, SegmentName
from media.sealing import Tampered, open_segment
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, CuePoint, cluster, cues, header

CLUSTER_MS = 5_000
_CLUSTER_MAX_MS = 30_000
_MS = timedelta(milliseconds=1)


class FinaliseFailed(Exception):
    """The file would not hold what the segments hold."""


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

    Tampered when those are not the bytes that the segment tells of; FinaliseFailed when frames would be missing.
    """
    if not segments:
        raise FinaliseFailed("there are no segments")
    codecs = sorted({segment.codec for segment in segments})
    if len(codecs) > 1:
        raise FinaliseFailed(f"the segments are in {' and '.join(codecs)}")
    start = segments[0].started_at
    blocks = _Blocks()
    for segment in segments:
        blocks.add(_demux(data_key, recording, segment, read(segment)), round((segment.started_at - start) / _MS))
    duration_ms = max(round((max(s.ended_at for s in segments) - start) / _MS), blocks.end_ms)
    pieces = _file(blocks, segments[0], start, duration_ms)
    file = io.BytesIO()  # holds each byte once, where joining pieces would hold it twice
    file.writelines(seal_recording(data_key, recording, pieces))
    del pieces
    stored = file.getvalue()
    result = FinalisedFile(
        stored=stored, sha256=hashlib.sha256(stored).hexdigest(), duration_s=duration_ms / 1000, frames=blocks.frames,
        sounds=blocks.sounds, segments=len(segments), codec=segments[0].codec,
    )  # fmt: skip
    _verify(data_key, recording, result)
    return result


class _Blocks:
    """All frames of the recording in clusters, each stream strictly later from frame to frame."""

    def __init__(self) -> None:
        self.clusters: list[list[Block]] = []
        self.frames = self.sounds = self.end_ms = 0
        self._last_ms = {VIDEO_TRACK: -1, AUDIO_TRACK: -1}

    def add(self, blocks: list[Block], offset_ms: int) -> None:
        for block in blocks:
            at_ms = max(block.at_ms + offset_ms, self._last_ms[block.track] + 1)
            self._last_ms[block.track] = at_ms
            self.end_ms = max(self.end_ms, at_ms)
            if self._new_cluster(block, at_ms):
                self.clusters.append([])
            self.clusters[-1].append(block._replace(at_ms=at_ms))
            if block.track == VIDEO_TRACK:
                self.frames += 1
            else:
                self.sounds += 1

    def _new_cluster(self, block: Block, at_ms: int) -> bool:
        if not self.clusters:
            return True
        age_ms = at_ms - self.clusters[-1][0].at_ms
        return age_ms >= (CLUSTER_MS if block.track == VIDEO_TRACK and block.keyframe else _CLUSTER_MAX_MS)


def _demux(data_key: bytes, recording: RecordingName, segment: Segment, stored: bytes) -> list[Block]:
    """The frames of one segment in order of time, counted."""
    if hashlib.sha256(stored).hexdigest() != segment.sha256:
        raise Tampered("the stored bytes have another hash")
    opened = open_segment(data_key, SegmentName(recording, segment.connection, segment.number), stored)
    if segment.complete and not opened.complete:
        raise Tampered("the last frame is missing")
    blocks = list(_packets(io.BytesIO(opened.plaintext)))
    frames = sum(b.track == VIDEO_TRACK for b in blocks)
    if frames != segment.frames:
        raise FinaliseFailed(f"a segment of {segment.frames} frames holds {frames}")
    return sorted(blocks, key=lambda b: b.at_ms)


def _packets(file: io.IOBase, kind: str = "webm") -> Iterator[Block]:
    """All frames of a WebM or Matroska file, or of one of another `kind`."""
    with av.open(file, "r", format=kind) as container:
        for packet in container.demux():
            if packet.pts is None or packet.size == 0:
                continue
            track = VIDEO_TRACK if packet.stream.type == "video" else AUDIO_TRACK
            yield Block(round(packet.pts * packet.time_base * 1000), track, packet.is_keyframe, bytes(packet))


def _file(blocks: _Blocks, first: Segment, start: datetime, duration_ms: int) -> list[bytes]:
    """Header, index and frames. Takes the frames out of `blocks`, so that no second copy of them stays."""
    if first.codec == "H264":
        keyframe = next((b.data for b in chain(*blocks.clusters) if b.track == VIDEO_TRACK and b.keyframe), b"")
        if (found := format_of(keyframe)) is None:
            raise FinaliseFailed("no key frame can be read")
        return mp4(blocks.clusters, found, start=start, duration_ms=duration_ms)
    picture = VideoFormat("VP8", first.width, first.height)
    head = header(picture, sound=blocks.sounds > 0, start=start, duration_ms=duration_ms)
    points: list[CuePoint] = []
    clusters: list[bytes] = []
    offset = 0
    for frames in blocks.clusters:
        written = cluster(sorted(frames, key=lambda b: b.at_ms))
        key_ms = next((b.at_ms for b in frames if b.track == VIDEO_TRACK and b.keyframe), None)
        if key_ms is not None:
            points.append(CuePoint(key_ms, offset))
        frames.clear()
        offset += len(written)
        clusters.append(written)
    return [head, cues(points, len(head)), *clusters]


def _verify(data_key: bytes, recording: RecordingName, result: FinalisedFile) -> None:
    """Opens the sealed file as a player would and counts what it holds."""
    frames = sounds = 0
    kind = "mp4" if result.codec == "H264" else "webm"
    for block in _packets(_SealedFile(data_key, recording, result.stored), kind):
        if block.track == VIDEO_TRACK:
            frames += 1
        else:
            sounds += 1
    if (frames, sounds) != (result.frames, result.sounds):
        raise FinaliseFailed(f"{result.frames} frames and {result.sounds} sounds became {frames} and {sounds}")


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
