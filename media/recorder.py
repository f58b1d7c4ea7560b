"""Frames in, sealed segments out: cut at key frames, flushed each second, never decoded.

A segment's time 0 is its earliest frame; time comes from the streams' clocks, settled between segments. It ends with
its pictures, whatever sound there is: where none come, nothing was seen. What cannot be written is a gap with a cause:
the recording goes on at the next key frame that finds room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from domain.messages import Track
from domain.segment import Why
from media.clock import SLEW_S, StreamClock
from media.connection_spool import SpoolAway
from media.current_segment import FLUSH_S, CurrentSegment
from media.names import RecordingName, SegmentName
from media.sealing import SegmentSealer
from media.spooled import SegmentNote
from media.track import EncodedFrame, Kind

logger = logging.getLogger(__name__)

HOLE_S: dict[Track, float] = {"camera": 2.5, "screen": 3.0}
"""Between two pictures; what is longer is a gap. A weak camera or a still screen sends one a second, or when asked."""


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
        self._segment: CurrentSegment | None = None
        self._gap: Why | None = None

    @property
    def writes(self) -> bool:
        """Whether what comes is written: not before the first key frame, and not while there is no room."""
        return self._segment is not None

    def on_frame(self, frame: EncodedFrame) -> None:
        """Takes the next frame of any stream."""
        segment = self._segment
        cut = frame.kind == "video" and frame.keyframe and (segment is None or segment.ends_before(frame))
        if cut:
            self._settle(segment)
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
            at_ms += self._flush(segment).get(frame.kind, 0)
        segment.add(frame, at_ms)

    def tick(self, now: float) -> None:
        """To be called each second: writes what waits, also when no frame comes."""
        if self._segment is not None and self._segment.waits_since(now) >= FLUSH_S:
            self._flush(self._segment)

    def close(self, at: float | None = None) -> Why | None:
        """Finishes the open segment; the last picture was there until `at`, unless that is too long after it.

        Answers why what came last was not recorded, if it was not.
        """
        segment = self._segment
        if segment is not None:
            self._settle(segment)
            at_ms = segment.end_ms if at is None else round(at * 1000)
            self._finish(segment, at_ms if at_ms - segment.end_ms <= self._hole_ms else None)
            self._segment = None
        return self._gap

    def _settle(self, segment: CurrentSegment | None) -> None:
        """Settles the clocks between two segments. What is learnt at once about the time holds for the one before too:
        it is told of with the wall time that it should have had, so that camera and screen play in step from the start.
        """
        moved = {kind: clock.settle() for kind, clock in self._clocks.items()}
        if segment is not None and abs(moved["video"]) > SLEW_S:
            by_ms = round(moved["video"] * 1000)
            segment.shift(by_ms)
            self._last_ms = {kind: last + by_ms for kind, last in self._last_ms.items()}

    def _flush(self, segment: CurrentSegment) -> dict[Kind, int]:
        """Writes what waits. The first of all may still move as the clocks settle on what was learnt while it waited.

        Answers by how many milliseconds.
        """
        moved: dict[Kind, int] = {}
        if segment.first:
            moved = {kind: round(clock.settle() * 1000) for kind, clock in self._clocks.items()}
            segment.move(moved)
            self._last_ms = {kind: last + moved[kind] for kind, last in self._last_ms.items()}
        self._write(segment, segment.flush())
        return moved

    def _at_ms(self, frame: EncodedFrame) -> int:
        """The frame's loop time in whole milliseconds, later than the one before it in its stream."""
        at_ms = round(self._clocks[frame.kind].time(frame.ticks, frame.arrival) * 1000)
        last = self._last_ms.get(frame.kind)
        if last is not None and at_ms <= last:
            at_ms = last + 1
        self._last_ms[frame.kind] = at_ms
        return at_ms

    def _next_segment(self, keyframe: EncodedFrame) -> CurrentSegment:
        self._number += 1
        name = SegmentName(self._recording, self._connection, self._number)
        sealer = SegmentSealer(self._data_key, name)
        return CurrentSegment(
            sealer,
            self._number,
            keyframe,
            wall=self._wall,
            sound="audio" in self._clocks,
            packets_lost=self._packets_lost,
        )

    def _write(self, segment: CurrentSegment, sealed: bytes) -> None:
        """Hands one sealed frame to the store, the first with the file's header."""
        try:
            if not segment.begun:
                self._store.begin(segment.note(self._gap), segment.sealer.header)
                segment.begun, self._gap = True, None
            self._store.append(sealed)
        except SpoolAway as away:
            self._away(segment, away)

    def _away(self, segment: CurrentSegment, away: SpoolAway) -> None:
        if self._gap is None:
            logger.warning("recording of connection %d stops for now: %s", self._connection, away)
        if segment.begun:
            self._store.abandon(segment.note(None))
        else:
            self._number -= 1
        self._segment, self._gap = None, "spool_full"

    def _stop(self, segment: CurrentSegment, end_ms: int | None) -> None:
        """Ends the segment where no key frame is: it is too long, or (without `end_ms`) pictures stayed away."""
        self._finish(segment, end_ms)
        self._segment = None
        if end_ms is not None:
            self._gap = self._gap or "no_keyframe"
        self._want_keyframe()

    def _finish(self, segment: CurrentSegment, end_ms: int | None) -> None:
        """Seals the last frame. `end_ms` is where the next segment begins, None when pictures ended before."""
        segment.reach(end_ms)
        self._write(segment, segment.flush(last=True))
        if self._segment is segment:
            self._store.finish(segment.note(None))
