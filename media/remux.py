"""Segments become one seekable file: remuxed, never decoded, gaps kept as time.

PyAV reads the segments; our own writers (WebM, of H.264 MP4) put the frames behind an index whose size is known
beforehand, so that nothing is patched and a player finds its place with the first bytes.
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
from media.codec import VideoFormat
from media.h264 import format_of
from media.mp4 import mp4
from media.names import RecordingName, SegmentName
from media.sealing import Tampered, open_segment
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, CuePoint, cluster, cues, header

CLUSTER_MS = 5_000
_CLUSTER_MAX_MS = 30_000
_MS = timedelta(milliseconds=1)


class RemuxFailed(Exception):
    """The file would not hold what the segments hold."""


class Film(NamedTuple):
    """A file in pieces. `start` is the wall time of its time 0; `frames` counts pictures, `sounds` audio packets."""

    pieces: list[bytes]
    start: datetime
    duration_ms: int
    frames: int
    sounds: int
    codec: str

    @property
    def media_type(self) -> str:
        return "video/mp4" if self.codec == "H264" else "video/webm"


def remux(
    data_key: bytes, recording: RecordingName, segments: Sequence[Segment], read: Callable[[Segment], bytes]
) -> Film:
    """Makes one file of `segments`, in the order in which they are played. `read` gives a segment's stored bytes.

    Tampered when those are not the bytes that the segment tells of; RemuxFailed when frames would be missing.
    """
    if not segments:
        raise RemuxFailed("there are no segments")
    codecs = sorted({segment.codec for segment in segments})
    if len(codecs) > 1:
        raise RemuxFailed(f"the segments are in {' and '.join(codecs)}")
    start = segments[0].started_at
    blocks = _Blocks()
    for segment in segments:
        blocks.add(_demux(data_key, recording, segment, read(segment)), round((segment.started_at - start) / _MS))
    duration_ms = max(round((max(s.ended_at for s in segments) - start) / _MS), blocks.end_ms)
    frames, sounds = blocks.frames, blocks.sounds
    return Film(_file(blocks, segments[0], start, duration_ms), start, duration_ms, frames, sounds, codecs[0])


def packets(file: io.IOBase, kind: str = "webm") -> Iterator[Block]:
    """All frames of a WebM or Matroska file, or of one of another `kind`."""
    with av.open(file, "r", format=kind) as container:
        for packet in container.demux():
            if packet.pts is None or packet.size == 0:
                continue
            track = VIDEO_TRACK if packet.stream.type == "video" else AUDIO_TRACK
            yield Block(round(packet.pts * packet.time_base * 1000), track, packet.is_keyframe, bytes(packet))


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
    blocks = list(packets(io.BytesIO(opened.plaintext)))
    frames = sum(b.track == VIDEO_TRACK for b in blocks)
    if frames != segment.frames:
        raise RemuxFailed(f"a segment of {segment.frames} frames holds {frames}")
    return sorted(blocks, key=lambda b: b.at_ms)


def _file(blocks: _Blocks, first: Segment, start: datetime, duration_ms: int) -> list[bytes]:
    """Header, index and frames. Takes the frames out of `blocks`, so that no second copy of them stays."""
    if first.codec == "H264":
        keyframe = next((b.data for b in chain(*blocks.clusters) if b.track == VIDEO_TRACK and b.keyframe), b"")
        if (found := format_of(keyframe)) is None:
            raise RemuxFailed("no key frame can be read")
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
