"""What a candidate's page kept of its own: out of one file of its browser, what lies in gaps, sealed like any segment.

The file comes from a stranger's machine. It is demuxed, never decoded; nothing of it but frames goes on: the segment is
written anew by our own writer, so that the finished recording is made of late segments as of all others.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import av
from av.stream import Stream

from domain.late import Stretch
from domain.segment import OWN_COPY, Segment
from media.codec import VideoFormat
from media.frames import PIXELS_MAX
from media.names import RecordingName, SegmentName, late_object_key
from media.sealing import SegmentSealer
from media.vp8 import vp8_keyframe_size
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, cluster, header

LONGEST_S = 60.0
FRAMES_MAX = 10_000  # of pictures and sound: more than twice what a minute of both can hold
_CLUSTER_MS = 2_000
_STILL_MS = 2_500  # a picture is shown for so long after it came, unless another one comes
_NO_DECODER = {"codec_whitelist": "none"}  # else the first pictures would be decoded, to see what they are
_TRACKS = {"vp8": VIDEO_TRACK, "opus": AUDIO_TRACK}


class NotPlayable(ValueError):
    """The file is not what a page records. `rule` says what is expected."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class LateSegment(NamedTuple):
    """One segment, and the bytes to store under its key."""

    segment: Segment
    stored: bytes


def cut_out(
    data_key: bytes, recording: RecordingName, file: bytes, *, began_at: datetime, ended_at: datetime,
    stretches: Iterable[Stretch], zero: datetime,
) -> list[LateSegment]:  # fmt: skip
    """The parts of `file` that lie in `stretches`. All times are by the server's clock.

    `began_at` is the file's time 0, and `zero` the start of the recording, from which late segments are numbered.
    NotPlayable when the file is not one WebM of VP8, with or without Opus, that begins with a key frame.
    """
    blocks = _blocks(file)
    if not any(b.track == VIDEO_TRACK for b in blocks):
        raise NotPlayable("must hold pictures")
    found = []
    for stretch in stretches:
        part = _within(blocks, -_ms(began_at - stretch.started_at), _ms(stretch.ended_at - began_at))
        if part:
            until = min(stretch.ended_at, ended_at)
            found.append(_sealed(data_key, recording, part, began_at=began_at, until=until, zero=zero))
    return found


def _blocks(file: bytes) -> list[Block]:
    """All frames, in order of time.

    A WebM file may have its frames compressed, a thousandfold: more bytes than the file has are not taken out of it.
    """
    found: list[Block] = []
    left = len(file)
    try:
        with av.open(io.BytesIO(file), "r", format="webm", options=_NO_DECODER) as container:
            codecs = sorted(map(_codec, container.streams))
            if codecs not in (["vp8"], ["opus", "vp8"]):
                raise NotPlayable("must be VP8, with Opus or without sound")
            for count, packet in enumerate(container.demux(), 1):
                left -= packet.size
                if left < 0:
                    raise NotPlayable("must hold its frames as they are, not compressed again")
                at_ms = 0 if packet.pts is None else round(packet.pts * packet.time_base * 1000)
                if count > FRAMES_MAX or not 0 <= at_ms <= LONGEST_S * 1000:
                    raise NotPlayable(f"must be at most {LONGEST_S:.0f} seconds long")
                if packet.pts is not None and packet.size:
                    found.append(Block(at_ms, _TRACKS[_codec(packet.stream)], packet.is_keyframe, bytes(packet)))
    except (av.FFmpegError, ValueError, LookupError) as error:
        if isinstance(error, NotPlayable):
            raise
        raise NotPlayable("must be a WebM file") from error
    found.sort(key=lambda b: b.at_ms)
    return [_checked(block) for block in found]


def _codec(stream: Stream) -> str:
    return getattr(stream.codec_context, "name", "")  # there is no context for a codec that nobody here knows


def _checked(block: Block) -> Block:
    """A key frame is one by what it holds, whatever the file says of it."""
    if block.track == AUDIO_TRACK:
        return block
    size = vp8_keyframe_size(block.data)
    if size is not None and not 0 < size[0] * size[1] <= PIXELS_MAX:
        raise NotPlayable("must hold pictures that a screen can show")
    return block._replace(keyframe=size is not None)


def _within(blocks: Sequence[Block], start_ms: int, stop_ms: int) -> list[Block]:
    """What lies between two moments, and can be decoded; empty when nothing can.

    What follows a key frame that came before `start_ms` needs all pictures from there on: those that are too early pass
    in a millisecond each.
    """
    keys = [b.at_ms for b in blocks if b.keyframe and b.track == VIDEO_TRACK and b.at_ms < stop_ms]
    begins = max((at for at in keys if at <= start_ms), default=min(keys, default=stop_ms))
    if not any(b.track == VIDEO_TRACK and start_ms <= b.at_ms < stop_ms for b in blocks):
        return []
    found, next_ms = [], max(start_ms, begins)
    for block in blocks:
        if block.track == AUDIO_TRACK:
            at_ms = block.at_ms if max(start_ms, begins) <= block.at_ms else stop_ms
        else:
            at_ms = max(block.at_ms, next_ms) if begins <= block.at_ms else stop_ms
            next_ms = at_ms + 1 if at_ms < stop_ms else next_ms
        if at_ms < stop_ms:
            found.append(block._replace(at_ms=at_ms))
    return sorted(found, key=lambda b: b.at_ms)


def _sealed(
    data_key: bytes, recording: RecordingName, blocks: list[Block], *, began_at: datetime, until: datetime,
    zero: datetime,
) -> LateSegment:  # fmt: skip
    zero_ms = blocks[0].at_ms
    started_at = began_at + timedelta(milliseconds=zero_ms)
    pictures = [b for b in blocks if b.track == VIDEO_TRACK]
    end_ms = min(_ms(until - started_at), pictures[-1].at_ms - zero_ms + _STILL_MS)
    name = SegmentName(recording, OWN_COPY, _ms(started_at - zero))
    width, height = next(size for b in pictures if (size := vp8_keyframe_size(b.data)))
    sound = len(pictures) < len(blocks)
    sealer = SegmentSealer(data_key, name)
    pieces = [sealer.header]
    plaintext = header(VideoFormat("VP8", width, height), sound=sound, start=started_at)
    frames = sounds = 0
    clusters = list(_clusters([b._replace(at_ms=b.at_ms - zero_ms) for b in blocks]))
    for number, some in enumerate(clusters, 1):
        shown = sum(b.track == VIDEO_TRACK for b in some)
        frames, sounds, last = frames + shown, sounds + len(some) - shown, number == len(clusters)
        reached = end_ms if last else min(end_ms, some[-1].at_ms)
        pieces.append(sealer.seal(plaintext + cluster(some), end_ms=reached, frames=frames, sounds=sounds, last=last))
        plaintext = b""
    stored = b"".join(pieces)
    sha256 = hashlib.sha256(stored).hexdigest()
    segment = Segment(
        connection=OWN_COPY, number=name.number, started_at=started_at,
        ended_at=started_at + timedelta(milliseconds=end_ms), bytes=len(stored), frames=frames, sha256=sha256,
        object_key=late_object_key(recording, sha256), codec="VP8", width=width, height=height, complete=True,
    )  # fmt: skip
    return LateSegment(segment, stored)


def _clusters(blocks: list[Block]) -> Iterator[list[Block]]:
    for _, some in groupby(blocks, key=lambda b: b.at_ms // _CLUSTER_MS):
        yield list(some)


def _ms(span: timedelta) -> int:
    """Whole milliseconds, rounded down: nothing reaches out of its stretch."""
    return span // timedelta(milliseconds=1)
