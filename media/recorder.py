"""Frames in, sealed segments out: cut at key frames, flushed each second, never decoded.

A segment's time 0 is its earliest frame; time comes from the streams' clocks, settled between segments. It ends with
its pictures, whatever sound there is: where none come, nothing was seen. What cannot be written is a gap with a cause:
the recording goes on at the next key frame that finds room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from domain.messages import Track
from domain.segment import Why
from media.clock import StreamClock
from media.connection_spool import SpoolAway
from media.names import RecordingName, SegmentName
from media.sealing import SegmentSealer
from media.spooled import SegmentNote
from media.track import EncodedFrame, Kind
from media.webm import AUDIO_TRACK, CLUSTER_SPAN_MAX_MS, VIDEO_TRACK, Block, cluster, header

logger = logging.getLogger(__name__)

SEGMENT_S = 6.0
FLUSH_S = 1.0
LONGEST_S = 30.0  # of a segment when no key frame comes, though they are asked for every few seconds
LONGEST_BYTES = 32 << 20
HOLE_S: dict[Track, float] = {"camera": 2.5, "screen": 3.0}
"""Between two pictures; what is longer is a gap. A weak camera or a still screen sends one a second, or when asked."""
_CUT_EARLY_S = 0.2  # a key frame that comes just before the time is taken for the cut
_TRACK_OF: dict[Kind, int] = {"video": VIDEO_TRACK, "audio": AUDIO_TRACK}


class SegmentStore(Protocol):
    """Where segments go: a `ConnectionSpool`. Each call may raise SpoolAway but the last two."""

    def begin(self, note: SegmentNote, header: bytes) -> None: ...
    def append(self, sealed: bytes) -> None: ...
    def finish(self, note: SegmentNote) -> None: ...
    def abandon(self, note: SegmentNote) -> None: ...


class Recorder:
    """Records one connection. `wall` turns loop time into wall time; `clocks` are those of the streams that may come.

    `packets_lost` is asked for the packets lost so far; `want_keyframe` is told when nothing is recorded without one.
    """

    def __init__(
        self,
        recording: RecordingName,
        connection: int,
        *,
        data_key: bytes,
        store: SegmentStore,
        clocks: dict[Kind, StreamClock],
        wall: Callable[[float], datetime],
        packets_lost: Callable[[], int] = lambda: 0,
        want_keyframe: Callable[[], None] = lambda: None,
    ) -> None:
        self._recording, self._connection, self._data_key = recording, connection, data_key
        self._store, self._clocks, self._wall, self._packets_lost = store, clocks, wall, packets_lost
        self._want_keyframe = want_keyframe
        self._hole_ms = HOLE_S[recording.track] * 1000
        self._last_ms: dict[Kind, int] = {}
        self._number = 0
        self._segment: _Segment | None = None
        self._gap: Why | None = None

    def on_frame(self, frame: EncodedFrame) -> None:
        """Takes the next frame of any stream."""
        segment = self._segment
        cut = frame.kind == "video" and frame.keyframe and (segment is None or segment.ends_before(frame))
        if cut:
            for clock in self._clocks.values():
                clock.settle()
        at_ms = self._at_ms(frame)
        hole = segment is not None and at_ms - segment.end_ms > self._hole_ms
        if cut or (hole and frame.kind == "video" and frame.keyframe):
            if segment is not None:
                self._finish(segment, None if hole else at_ms)
            segment = self._segment = self._next_segment(frame)
        elif segment is not None and (segment.full(frame) or (hole and frame.kind == "video")):
            self._stop(segment, None if hole else at_ms)
            return
        if segment is None:  # sound before the first picture, or no room
            return
        if segment.due(at_ms):
            self._write(segment, segment.flush())
        segment.add(frame, at_ms)

    def tick(self, now: float) -> None:
        """To be called each second: writes what waits, also when no frame comes."""
        if self._segment is not None and self._segment.waits_since(now) >= FLUSH_S:
            self._write(self._segment, self._segment.flush())

    def close(self, at: float | None = None) -> Why | None:
        """Finishes the open segment; the last picture was there until `at`, unless that is too long after it.

        Answers why what came last was not recorded, if it was not.
        """
        segment = self._segment
        if segment is not None:
            at_ms = segment.end_ms if at is None else round(at * 1000)
            self._finish(segment, at_ms if at_ms - segment.end_ms <= self._hole_ms else None)
            self._segment = None
        return self._gap

    def _at_ms(self, frame: EncodedFrame) -> int:
        """The frame's loop time in whole milliseconds, later than the one before it in its stream."""
        at_ms = round(self._clocks[frame.kind].time(frame.ticks, frame.arrival) * 1000)
        last = self._last_ms.get(frame.kind)
        if last is not None and at_ms <= last:
            at_ms = last + 1
        self._last_ms[frame.kind] = at_ms
        return at_ms

    def _next_segment(self, keyframe: EncodedFrame) -> _Segment:
        self._number += 1
        name = SegmentName(self._recording, self._connection, self._number)
        sealer = SegmentSealer(self._data_key, name)
        return _Segment(
            sealer,
            self._number,
            keyframe,
            wall=self._wall,
            sound="audio" in self._clocks,
            packets_lost=self._packets_lost,
        )

    def _write(self, segment: _Segment, sealed: bytes) -> None:
        """Hands one sealed frame to the store, the first with the file's header."""
        try:
            if not segment.begun:
                self._store.begin(segment.note(self._gap), segment.sealer.header)
                segment.begun, self._gap = True, None
            self._store.append(sealed)
        except SpoolAway as away:
            self._away(segment, away)

    def _away(self, segment: _Segment, away: SpoolAway) -> None:
        if self._gap is None:
            logger.warning("recording of connection %d stops for now: %s", self._connection, away)
        if segment.begun:
            self._store.abandon(segment.note(None))
        else:
            self._number -= 1
        self._segment, self._gap = None, "spool_full"

    def _stop(self, segment: _Segment, end_ms: int | None) -> None:
        """Ends the segment where no key frame is: it is too long, or (without `end_ms`) pictures stayed away."""
        self._finish(segment, end_ms)
        self._segment = None
        if end_ms is not None:
            self._gap = self._gap or "no_keyframe"
        self._want_keyframe()

    def _finish(self, segment: _Segment, end_ms: int | None) -> None:
        """Seals the last frame. `end_ms` is where the next segment begins, None when pictures ended before."""
        segment.reach(end_ms)
        self._write(segment, segment.flush(last=True))
        if self._segment is segment:
            self._store.finish(segment.note(None))


class _Segment:
    """The open segment: frames not yet flushed, and the sums that its note tells."""

    def __init__(
        self,
        sealer: SegmentSealer,
        number: int,
        keyframe: EncodedFrame,
        *,
        wall: Callable[[float], datetime],
        sound: bool,
        packets_lost: Callable[[], int],
    ) -> None:
        self.sealer, self.begun = sealer, False
        assert keyframe.format is not None
        self._format = keyframe.format
        self._number, self._wall, self._sound = number, wall, sound
        self._packets_lost, self._lost_before = packets_lost, packets_lost()
        self._zero_ms: int | None = None
        self.end_ms = 0  # of the pictures
        self._began = keyframe.arrival
        self._pending: list[Block] = []
        self._pending_since: float | None = None
        self._pending_bytes = 0
        self._frames = self._sounds = self._bytes = 0
        self._gap: Why | None = None
        self._complete = False

    def ends_before(self, keyframe: EncodedFrame) -> bool:
        """Is this key frame where the next segment begins?"""
        old_enough = keyframe.arrival - self._began >= SEGMENT_S - _CUT_EARLY_S
        return old_enough or self.full(keyframe) or keyframe.format != self._format

    def full(self, frame: EncodedFrame) -> bool:
        """Must it end before this frame, whatever that is?"""
        return frame.arrival - self._began >= LONGEST_S or self._bytes + self._pending_bytes >= LONGEST_BYTES

    def due(self, at_ms: int) -> bool:
        return bool(self._pending) and at_ms - self._pending[0].at_ms >= FLUSH_S * 1000

    def waits_since(self, now: float) -> float:
        return 0.0 if self._pending_since is None else now - self._pending_since

    def add(self, frame: EncodedFrame, at_ms: int) -> None:
        if not self._pending:
            self._pending_since = frame.arrival
        self._pending.append(Block(at_ms, _TRACK_OF[frame.kind], frame.keyframe, frame.data))
        self._pending_bytes += len(frame.data)
        if frame.kind == "video":
            self.end_ms = max(self.end_ms, at_ms)
            self._frames += 1
        else:
            self._sounds += 1

    def reach(self, end_ms: int | None) -> None:
        if end_ms is not None:
            self.end_ms = max(self.end_ms, end_ms)

    def flush(self, *, last: bool = False) -> bytes:
        """Seals all pending frames as one cluster, in order of time; the first with the file's header."""
        blocks = sorted(self._pending, key=lambda b: b.at_ms)
        self._pending, self._pending_since, self._pending_bytes = [], None, 0
        plaintext = b""
        if self._zero_ms is None:
            self._zero_ms = blocks[0].at_ms
            plaintext = header(self._format, sound=self._sound, start=self._wall(self._zero_ms / 1000))
        zero = self._zero_ms
        while blocks:
            span = [b for b in blocks if b.at_ms - blocks[0].at_ms <= CLUSTER_SPAN_MAX_MS]
            plaintext += cluster([b._replace(at_ms=max(0, b.at_ms - zero)) for b in span])
            blocks = blocks[len(span) :]
        end_ms = max(0, self.end_ms - zero)
        self._complete = last
        sealed = self.sealer.seal(plaintext, end_ms=end_ms, frames=self._frames, sounds=self._sounds, last=last)
        self._bytes += len(sealed)
        return sealed

    def note(self, gap: Why | None) -> SegmentNote:
        """What is known of the segment now. `gap` as the segment begins; it is kept."""
        self._gap = self._gap or gap
        assert self._zero_ms is not None
        started_at = self._wall(self._zero_ms / 1000)
        return SegmentNote(
            number=self._number,
            started_at=started_at,
            ended_at=started_at + timedelta(milliseconds=self.end_ms - self._zero_ms),
            bytes=len(self.sealer.header) + self._bytes,
            codec=self._format.codec,
            width=self._format.width,
            height=self._format.height,
            frames=self._frames,
            sounds=self._sounds,
            packets_lost=self._packets_lost() - self._lost_before,
            complete=self._complete,
            gap_before=self._gap,
        )
