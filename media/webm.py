"""WebM, for H.264 Matroska, written so that nothing is ever patched: whole clusters in a segment of unknown size. Pure.

A file cut off after any cluster plays to there, and Media Source Extensions take it as it is: a cluster of unknown size
would leave them waiting for its end. Sources: RFC 8794 (EBML), RFC 9559 (Matroska), RFC 7845 (Opus head).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from media.codec import VideoFormat

VIDEO_TRACK, AUDIO_TRACK = 1, 2
CLUSTER_SPAN_MAX_MS = 32_767
_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
_MATROSKA_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
_OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIHB", 1, 2, 0, 48_000, 0, 0)  # no pre-skip: we begin in mid-stream
_OPUS_SEEK_PRE_ROLL_NS = 80_000_000


class Block(NamedTuple):
    """One frame in a cluster: its time in whole milliseconds from the start of the file, its track and its bytes."""

    at_ms: int
    track: int
    keyframe: bool
    data: bytes


class CuePoint(NamedTuple):
    """Where a player finds a key frame: its time, and its cluster's place behind the cues."""

    at_ms: int
    offset: int


def header(picture: VideoFormat, *, sound: bool, start: datetime, duration_ms: int | None = None) -> bytes:
    """Everything before the first cluster (or the cues). `start` is the wall time of time 0."""
    since_epoch = start - _MATROSKA_EPOCH
    nanoseconds = (since_epoch.days * 86_400 + since_epoch.seconds) * 10**9 + since_epoch.microseconds * 1000
    info = _uint("2AD7B1", 1_000_000) + _element("4D80", b"vigil") + _element("5741", b"vigil")
    info += _element("4461", struct.pack("!q", nanoseconds))
    if duration_ms is not None:
        info += _element("4489", struct.pack("!d", duration_ms))
    video = _element("E0", _uint("B0", picture.width) + _uint("BA", picture.height))
    if picture.private:
        video = _element("63A2", picture.private) + video
    file_start, codec = _KINDS[picture.codec]
    tracks = _track(VIDEO_TRACK, 1, codec, video)
    if sound:
        audio = _element("E1", _element("B5", struct.pack("!d", 48_000)) + _uint("9F", 2))
        opus = _element("63A2", _OPUS_HEAD) + _uint("56AA", 0) + _uint("56BB", _OPUS_SEEK_PRE_ROLL_NS)
        tracks += _track(AUDIO_TRACK, 2, b"A_OPUS", opus + audio)
    return file_start + _element("1549A966", info) + _element("1654AE6B", tracks)


def cluster(blocks: Sequence[Block]) -> bytes:
    """One cluster of known size. `blocks` in order of time, none more than `CLUSTER_SPAN_MAX_MS` behind the first."""
    base = blocks[0].at_ms
    parts = [b"\xe7\x88" + base.to_bytes(8, "big")]
    for block in blocks:
        flags = 0x80 if block.keyframe else 0
        parts.append(b"\xa3" + _size(len(block.data) + 4))
        parts.append(struct.pack("!BhB", 0x80 | block.track, block.at_ms - base, flags))
        parts.append(block.data)
    body = b"".join(parts)
    return bytes.fromhex("1F43B675") + (len(body) | 1 << 56).to_bytes(8, "big") + body


def cues(points: Sequence[CuePoint], before: int) -> bytes:
    """The index of a WebM file, between a header of `before` bytes and the first cluster.

    Its size depends on the count alone.
    """
    begin = before - len(_KINDS["VP8"][0])
    size = len(points) * len(_cue(CuePoint(0, 0), 0))
    first_cluster = begin + 12 + size
    body = b"".join(_cue(point, first_cluster) for point in points)
    return bytes.fromhex("1C53BB6B") + (size | 1 << 56).to_bytes(8, "big") + body


def _cue(point: CuePoint, first_cluster: int) -> bytes:
    place = _element("F7", bytes([VIDEO_TRACK])) + _element("F1", (first_cluster + point.offset).to_bytes(8, "big"))
    return _element("BB", _element("B3", point.at_ms.to_bytes(8, "big")) + _element("B7", place))


def _track(number: int, kind: int, codec: bytes, more: bytes) -> bytes:
    common = _uint("D7", number) + _uint("73C5", number) + _uint("9C", 0) + _uint("83", kind) + _element("86", codec)
    return _element("AE", common + more)


def _element(identifier: str, body: bytes) -> bytes:
    return bytes.fromhex(identifier) + _size(len(body)) + body


def _uint(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _size(number: int) -> bytes:
    """A length as EBML writes it, in the fewest bytes (RFC 8794 section 4)."""
    length = 1
    while number >= (1 << 7 * length) - 1:
        length += 1
    return (number | 1 << 7 * length).to_bytes(length, "big")


def _file_start(name: bytes) -> bytes:
    """Up to where the Matroska segment's data begins: places in the cues count from here."""
    doctype = _uint("4286", 1) + _uint("42F7", 1) + _uint("42F2", 4) + _uint("42F3", 8)
    doctype += _element("4282", name) + _uint("4287", 4) + _uint("4285", 2)
    return _element("1A45DFA3", doctype) + bytes.fromhex("18538067") + _UNKNOWN_SIZE


_KINDS = {"VP8": (_file_start(b"webm"), b"V_VP8"), "H264": (_file_start(b"matroska"), b"V_MPEG4/ISO/AVC")}
