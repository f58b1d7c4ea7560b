"""Recordings made without a network: clips go straight into a recorder, sealed segments into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiortc.codecs.h264 import H264Encoder

from domain.messages import Track
from domain.segment import Segment
from media.clips import Clip
from media.clock import SenderClock, StreamClock
from media.codec import Codec, VideoFormat
from media.connection_spool import SpoolAway
from media.h264 import H264
from media.names import RecordingName, SegmentName
from media.recorder import Recorder, SegmentStore
from media.sealing import OpenedSegment, measure, open_segment
from media.spooled import SegmentNote, measured_note
from media.track import EncodedFrame, Kind
from media.vp8 import Vp8
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, cluster, header

DATA_KEY = hashlib.sha256(b"key").digest()
RECORDING = RecordingName("school", "s1", "camera")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Tape:
    """A segment store in memory. While `full` it takes nothing."""

    files: dict[int, bytes] = field(default_factory=dict)
    notes: list[SegmentNote] = field(default_factory=list)
    full: bool = False
    _open: list[bytes] = field(default_factory=list)

    def begin(self, note: SegmentNote, header: bytes) -> None:
        self._check()
        assert note.number == len(self.notes) + 1
        self._open = [header]

    def append(self, sealed: bytes) -> None:
        self._check()
        self._open.append(sealed)

    def finish(self, note: SegmentNote) -> None:
        self.files[note.number] = b"".join(self._open)
        self.notes.append(note)

    def abandon(self, note: SegmentNote) -> None:
        self.finish(measured_note(note, measure(b"".join(self._open))))

    def _check(self) -> None:
        if self.full:
            raise SpoolAway("full")

    def segments(self, connection: int = 1) -> list[Segment]:
        return [segment_of(note, self.files[note.number], connection) for note in self.notes]

    def opened(self, number: int, connection: int = 1, track: Track = "camera") -> OpenedSegment:
        name = SegmentName(RECORDING._replace(track=track), connection, number)
        return open_segment(DATA_KEY, name, self.files[number])


def segment_of(note: SegmentNote, stored: bytes, connection: int = 1, object_key: str = "") -> Segment:
    return Segment(
        connection=connection,
        number=note.number,
        started_at=note.started_at,
        ended_at=note.ended_at,
        bytes=len(stored),
        frames=note.frames,
        sha256=hashlib.sha256(stored).hexdigest(),
        object_key=object_key or f"{connection}-{note.number}",
        codec=note.codec,
        width=note.width,
        height=note.height,
        complete=note.complete,
    )


def new_recorder(
    tape: SegmentStore,
    *,
    sound: bool = True,
    connection: int = 1,
    track: Track = "camera",
    want_keyframe: Callable[[], None] = lambda: None,
) -> Recorder:
    sender = SenderClock()
    clocks: dict[Kind, StreamClock] = {"video": StreamClock(90_000, sender)}
    if sound:
        clocks["audio"] = StreamClock(48_000, sender)
    return Recorder(
        RECORDING._replace(track=track),
        connection,
        data_key=DATA_KEY,
        store=tape,
        clocks=clocks,
        wall=lambda at: START + timedelta(seconds=at),
        want_keyframe=want_keyframe,
    )


def play(
    clip: Clip, seconds: float, *, start_s: float = 0.0, ticks: int = 0, delay_s: float = 0.02
) -> list[EncodedFrame]:
    """The frames of `clip`, looped, as they would arrive from `start_s` on."""
    frames: list[EncodedFrame] = []
    picture: VideoFormat | None = None
    codec: Codec = H264() if clip.codec == "H264" else Vp8()
    for number in range(round(seconds * clip.rate / clip.ticks)):
        data = clip.frames[number % len(clip.frames)]
        found = None
        if clip.kind == "video":
            data, found = codec.frame(list(H264Encoder._split_bitstream(data)) if clip.codec == "H264" else [data])
            picture = found or picture
        keyframe = clip.kind == "audio" or found is not None
        arrival = start_s + delay_s + number * clip.ticks / clip.rate
        frames.append(EncodedFrame(clip.kind, data, ticks + number * clip.ticks, keyframe, picture, arrival))
    return frames


def record(frames: Iterable[EncodedFrame], *, sound: bool = True, connection: int = 1) -> Tape:
    """Records frames in order of arrival, to the end."""
    tape = Tape()
    recorder = new_recorder(tape, sound=sound, connection=connection)
    for frame in sorted(frames, key=lambda f: f.arrival):
        recorder.on_frame(frame)
    recorder.close()
    return tape


def browser_file(picture: Clip, sound: Clip | None, seconds: float) -> bytes:
    """One WebM file as a browser's recorder makes it, from `seconds` of both."""
    blocks = [
        Block(round(f.ticks / rate * 1000), track, f.keyframe, f.data)
        for clip, rate, track in ((picture, 90_000, VIDEO_TRACK), (sound, 48_000, AUDIO_TRACK))
        if clip is not None
        for f in play(clip, seconds)
    ]
    blocks.sort(key=lambda b: b.at_ms)
    head = header(VideoFormat("VP8", 640, 480), sound=sound is not None, start=START)
    spans = [[b for b in blocks if b.at_ms // 1000 == second] for second in range(int(seconds) + 1)]
    return head + b"".join(cluster(span) for span in spans if span)
