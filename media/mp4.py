"""MP4 of H.264 with Opus, its index in front. Pure, and the same for the same frames: no time of making is in it.

PyAV's muxer puts the index behind the frames, or has to open the file by a name to move it. Times are kept as they are,
gaps too: a frame lasts until the next. Key frames have their parameter sets with them, so that pictures of another size
play on. Sources: ISO/IEC 14496-12 (boxes), 14496-15 (avcC), "Encapsulation of Opus in ISO Base Media File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, groupby
from typing import NamedTuple

from media.codec import VideoFormat
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block

_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_MATRIX = struct.pack("!9L", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_UNDETERMINED = 0x55C4  # the language "und"
_SCALE = {VIDEO_TRACK: 1000, AUDIO_TRACK: 48_000}  # ticks a second of each track; the film counts milliseconds
_OPUS_HEAD = struct.pack("!BBHLHB", 0, 2, 0, 48_000, 0, 0)  # no pre-skip: we begin in mid-stream


class _Film(NamedTuple):
    """What both tracks have in common. `places` are those of the chunks in the file, and of their end."""

    picture: VideoFormat
    since: int  # seconds from 1904 to time 0
    duration_ms: int
    places: Sequence[int]


class _Frame(NamedTuple):
    at_ms: int
    size: int
    keyframe: bool
    chunk: int  # counted from 0 over both tracks


def mp4(chunks: Sequence[list[Block]], picture: VideoFormat, *, start: datetime, duration_ms: int) -> list[bytes]:
    """The file in pieces. `chunks` are in order of time and are emptied, so that no second copy of the frames stays.

    `start` is the wall time of time 0. A track that has no frames is left out.
    """
    frames: dict[int, list[_Frame]] = {VIDEO_TRACK: [], AUDIO_TRACK: []}
    data: list[bytes] = []
    for chunk in chunks:
        for track, found in frames.items():
            mine = sorted((b for b in chunk if b.track == track), key=lambda b: b.at_ms)
            if mine:
                found += [_Frame(b.at_ms, len(b.data), b.keyframe, len(data)) for b in mine]
                data.append(b"".join(b.data for b in mine))
        chunk.clear()
    since = int((start - _EPOCH).total_seconds())
    last_ms = max((found[-1].at_ms for found in frames.values() if found), default=0)
    duration_ms = max(duration_ms, last_ms + 1)  # what is shown for no time is not shown
    sizes = [len(piece) for piece in data]
    film = _Film(picture, since, duration_ms, list(accumulate(sizes, initial=0)))
    before = len(_head(frames, film))  # the places do not change its length
    return [_head(frames, film._replace(places=list(accumulate(sizes, initial=before)))), *data]


def _head(frames: dict[int, list[_Frame]], film: _Film) -> bytes:
    """Everything before the frames."""
    common = struct.pack("!QQLQ", film.since, film.since, 1000, film.duration_ms) + b"\0\1\0\0\1\0" + bytes(10)
    about = _full("mvhd", common, _MATRIX, bytes(24), struct.pack("!L", AUDIO_TRACK + 1), version=1)
    tracks = [_track(track, found, film) for track, found in frames.items() if found]
    kinds = _box("ftyp", b"isom", struct.pack("!L", 512), b"isomiso2avc1mp41")
    size = film.places[-1] - film.places[0] + 16
    return kinds + _box("moov", about, *tracks) + struct.pack("!L4sQ", 1, b"mdat", size)


def _track(number: int, frames: list[_Frame], film: _Film) -> bytes:
    picture, since, duration_ms, _ = film
    seen = number == VIDEO_TRACK
    width, height = (picture.width, picture.height) if seen else (0, 0)
    begins_ms, scale = frames[0].at_ms, _SCALE[number]
    lasts_ms = max(duration_ms - begins_ms, 0)
    header = struct.pack("!QQLLQ", since, since, number, 0, duration_ms) + bytes(8)
    header += (
        struct.pack("!HHHH", 0, 0, 0 if seen else 0x100, 0) + _MATRIX + struct.pack("!LL", width << 16, height << 16)
    )
    edits = [(lasts_ms, 0)] if begins_ms == 0 else [(begins_ms, -1), (lasts_ms, 0)]
    edit_list = b"".join(struct.pack("!QqL", lasts, at, 1 << 16) for lasts, at in edits)
    lasts = struct.pack("!QQLQHH", since, since, scale, lasts_ms * scale // 1000, _UNDETERMINED, 0)
    handler = struct.pack("!L4s", 0, b"vide" if seen else b"soun") + bytes(12) + b"vigil\0"
    about = _full("vmhd", bytes(8), flags=1) if seen else _full("smhd", bytes(4))
    here = _box("dinf", _full("dref", struct.pack("!L", 1), _full("url ", flags=1)))
    return _box(
        "trak",
        _full("tkhd", header, version=1, flags=3),
        _box("edts", _full("elst", struct.pack("!L", len(edits)), edit_list, version=1)),
        _box(
            "mdia",
            _full("mdhd", lasts, version=1),
            _full("hdlr", handler),
            _box("minf", about, here, _table(number, frames, film)),
        ),
    )


def _table(number: int, frames: list[_Frame], film: _Film) -> bytes:
    """Where each frame is, how long it lasts and which are key frames."""
    scale = _SCALE[number] // 1000
    ends = [*(frame.at_ms for frame in frames[1:]), film.duration_ms]
    lasting = [(end - frame.at_ms) * scale for frame, end in zip(frames, ends, strict=True)]
    runs = [(len(list(run)), lasts) for lasts, run in groupby(lasting)]
    chunks = [(chunk, len(list(run))) for chunk, run in groupby(frame.chunk for frame in frames)]
    firsts = [(n, count) for n, (_, count) in enumerate(chunks, 1) if n == 1 or count != chunks[n - 2][1]]
    parts = [
        _full("stsd", struct.pack("!L", 1), _picture(film.picture) if number == VIDEO_TRACK else _sound()),
        _listed("stts", "!LL", runs),
        _listed("stsc", "!LLL", [(n, count, 1) for n, count in firsts]),
        _full("stsz", struct.pack("!LL", 0, len(frames)), struct.pack(f"!{len(frames)}L", *(f.size for f in frames))),
        _listed("co64", "!Q", [(film.places[chunk],) for chunk, _ in chunks]),
    ]
    if number == VIDEO_TRACK:
        parts.append(_listed("stss", "!L", [(n,) for n, frame in enumerate(frames, 1) if frame.keyframe]))
    return _box("stbl", *parts)


def _picture(picture: VideoFormat) -> bytes:
    size = struct.pack("!HHLLLH", picture.width, picture.height, 72 << 16, 72 << 16, 0, 1)
    entry = bytes(6) + struct.pack("!H", 1) + bytes(16) + size + bytes(32) + struct.pack("!Hh", 24, -1)
    return _box("avc1", entry, _box("avcC", picture.private))


def _sound() -> bytes:
    entry = bytes(6) + struct.pack("!H", 1) + bytes(8) + struct.pack("!HHLL", 2, 16, 0, 48_000 << 16)
    return _box("Opus", entry, _box("dOps", _OPUS_HEAD))


def _listed(kind: str, layout: str, rows: Sequence[tuple[int, ...]]) -> bytes:
    return _full(kind, struct.pack("!L", len(rows)), *(struct.pack(layout, *row) for row in rows))


def _full(kind: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack("!L", version << 24 | flags), *parts)


def _box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack("!L4s", len(body) + 8, kind.encode()) + body
