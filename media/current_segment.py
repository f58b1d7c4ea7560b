"""The segment that is being recorded: what waits to be written, where it lies in time, and what its note tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from domain.segment import Why
from media.sealing import SegmentSealer
from media.spooled import SegmentNote
from media.track import EncodedFrame, Kind
from media.webm import AUDIO_TRACK, CLUSTER_SPAN_MAX_MS, VIDEO_TRACK, Block, cluster, header

SEGMENT_S = 6.0
FLUSH_S = 1.0
LONGEST_S = 30.0  # of a segment when no key frame comes, though they are asked for every few seconds
LONGEST_BYTES = 32 << 20
_CUT_EARLY_S = 0.2  # a key frame that comes just before the time is taken for the cut
_TRACK_OF: dict[Kind, int] = {"video": VIDEO_TRACK, "audio": AUDIO_TRACK}


class CurrentSegment:
    """Frames not yet flushed, and the sums that the note tells."""

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

    @property
    def first(self) -> bool:
        """Is nothing of the connection written yet?"""
        return self._number == 1 and self._zero_ms is None

    def move(self, by_ms: Mapping[Kind, int]) -> None:
        """Moves what waits, before anything is written."""
        of_track = {_TRACK_OF[kind]: by for kind, by in by_ms.items()}
        self._pending = [b._replace(at_ms=b.at_ms + of_track[b.track]) for b in self._pending]
        self.end_ms += by_ms["video"]

    def shift(self, by_ms: int) -> None:
        """Moves all of it in wall time, and nothing within it."""
        self._pending = [b._replace(at_ms=b.at_ms + by_ms) for b in self._pending]
        self.end_ms += by_ms
        if self._zero_ms is not None:
            self._zero_ms += by_ms

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
