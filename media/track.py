"""One incoming stream: packets in any order go in, whole frames in order come out.

What is missing is asked for again every 80 ms and given up after 800 ms; then video waits for a key frame. aiortc's
receiver is not used: it sends each NACK once, drops retransmissions when two videos share a connection, and stalls for
512 packets after one loss.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from media.codec import Codec, VideoFormat
from media.keyframes import Clock, KeyframeRequests
from media.reception import Reception
from media.rtcp import ReportBlock, SenderReport
from media.rtp import MalformedPacket, RtpPacket, Unwrapper
from media.vp8 import Vp8

Kind = Literal["video", "audio"]

NACK_EVERY_S = 0.08
GIVE_UP_S = 0.8
GIVE_UP_AUDIO_S = 0.4  # nobody sends sound again, but it may come late
_RESTART = 1000  # packets: further away is no loss but a new numbering
_NACK_MAX = 128
FRAME_MAX = 8 << 20  # bytes of one frame; a picture that never ends must not fill the memory


@dataclass(slots=True, frozen=True)
class EncodedFrame:
    """One frame as the candidate's encoder made it. `ticks` never wraps; `arrival` is loop time in seconds.

    `format` is that of the last key frame; None for sound.
    """

    kind: Kind
    data: bytes
    ticks: int
    keyframe: bool
    format: VideoFormat | None
    arrival: float


class Feedback(Protocol):
    """The way back to the sender."""

    def nack(self, ssrc: int, sequences: list[int]) -> None: ...
    def pli(self, ssrc: int) -> None: ...


class ReceiveTrack:
    """Takes the packets of one source; gives frames to each function in `frame_sinks`.

    Those in `packet_sinks` get each packet once, in order; `holes` counts where some are missing between two of them.
    `keyframe_every_s`: asks for a key frame when the last one is older. `codec` is that of video, VP8 if not told.
    """

    def __init__(  # noqa: PLR0917 - what a stream is, and where it comes from
        self, kind: Kind, rate: int, clock: Clock, feedback: Feedback, keyframe_every_s: float | None = None,
        codec: Codec | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.rate = kind, rate
        self.codec: Codec = codec or Vp8()
        self.ssrc: int | None = None
        self.frame_sinks: list[Callable[[EncodedFrame], None]] = []
        self.packet_sinks: list[Callable[[RtpPacket], None]] = []
        self.holes = 0
        self.reported: SenderReport | None = None  # what the sender last said of its clocks
        self.packets_lost = 0  # for good
        self.frame_at: float | None = None  # when the last frame was given
        self._clock, self._feedback = clock, feedback
        self._video = kind == "video"
        self._sequence, self._ticks = Unwrapper(16), Unwrapper(32)
        self._next: int | None = None
        self._waiting: dict[int, RtpPacket] = {}
        self._missing: dict[int, float] = {}
        self._highest = 0
        self._retry: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []
        self._parts_bytes = self._parts_timestamp = 0
        self._keyframe_needed = self._video
        self._format: VideoFormat | None = None
        self._part, self._frame = self.codec.part, self.codec.frame
        self._keyframes = KeyframeRequests(clock, self._send_pli, keyframe_every_s)
        self._reports = Reception(rate)

    def begin(self, ssrc: int) -> None:
        """Packets come from this source from now on; another one numbers them anew."""
        if self.ssrc is not None and self.ssrc != ssrc and self._next is not None:
            self._sequence, self._next = Unwrapper(16), None
            self._waiting.clear()
            self._missing.clear()
            self._broken()
        self.ssrc = ssrc

    def receive(self, packet: RtpPacket, retransmitted: bool = False) -> None:
        """Takes one packet from the network."""
        now = self._clock.time()
        sequence = self._sequence(packet.sequence)
        if not retransmitted:
            self._reports.packet(sequence, packet.timestamp, now)
        if self._next is None:
            self._next, self._highest = sequence, sequence - 1
        ahead = sequence - self._next
        if abs(ahead) > _RESTART:
            self._restart(sequence)
            ahead = 0
        if ahead < 0 or sequence in self._waiting:
            return
        self._missing.pop(sequence, None)
        if ahead == 0:
            self._highest = max(self._highest, sequence)
            self._next += 1
            self._in_order(packet, now)
            self._drain(now)
            return
        self._waiting[sequence] = packet
        fresh = list(range(self._highest + 1, sequence))
        self._highest = max(self._highest, sequence)
        if fresh:
            self._missing.update(dict.fromkeys(fresh, now))
            self._ask_again(fresh)
        if self._retry is None:
            self._retry = self._clock.call_later(NACK_EVERY_S, self._retry_missing)

    def request_keyframe(self) -> None:
        """Asks the sender for a key frame, again and again until one comes."""
        if self._video:
            self._keyframes.request()

    def sender_report(self, report: SenderReport) -> int:
        """Takes the sender's report, answers its RTP time stamp unwrapped."""
        self.reported = report
        self._reports.sender_report(report, self._clock.time())
        return self._ticks.near(report.timestamp)

    def report_block(self) -> ReportBlock | None:
        """What to tell the sender of our reception since the last call; None before the first packet."""
        return None if self.ssrc is None else self._reports.block(self.ssrc, self._clock.time())

    def close(self) -> None:
        """Stops all timers."""
        if self._retry is not None:
            self._retry.cancel()
        self._keyframes.close()

    def _ask_again(self, sequences: list[int]) -> None:
        if self._video and self.ssrc is not None:
            self._feedback.nack(self.ssrc, sequences[:_NACK_MAX])

    def _send_pli(self) -> None:
        if self.ssrc is not None:
            self._feedback.pli(self.ssrc)

    def _retry_missing(self) -> None:
        self._retry = None
        now = self._clock.time()
        patience = GIVE_UP_S if self._video else GIVE_UP_AUDIO_S
        while self._waiting and self._missing.get(self._next or 0, now) <= now - patience:
            self._give_up(now)
        if self._missing:
            self._ask_again(sorted(self._missing))
        if self._waiting:
            self._retry = self._clock.call_later(NACK_EVERY_S, self._retry_missing)

    def _give_up(self, now: float) -> None:
        """Passes over the hole at the front."""
        assert self._next is not None
        resume = min(self._waiting)
        self.packets_lost += resume - self._next
        for sequence in range(self._next, resume):
            self._missing.pop(sequence, None)
        self._next = resume
        self._broken()
        self._drain(now)
        if self._keyframe_needed:
            self.request_keyframe()

    def _restart(self, sequence: int) -> None:
        self._waiting.clear()
        self._missing.clear()
        self._next, self._highest = sequence, sequence - 1
        self._broken()
        self.request_keyframe()

    def _broken(self) -> None:
        """Frames after this point refer to what never came."""
        self.holes += 1
        self._parts = []
        self._keyframe_needed = self._video

    def _drain(self, now: float) -> None:
        while self._waiting and (packet := self._waiting.pop(self._next or 0, None)) is not None:
            self._next = (self._next or 0) + 1
            self._in_order(packet, now)

    def _in_order(self, packet: RtpPacket, now: float) -> None:
        payload = packet.payload
        if not payload:  # padding that probes the bandwidth
            return
        for forward in self.packet_sinks:
            forward(packet)
        if not self._video:
            self._emit(EncodedFrame("audio", payload, self._ticks(packet.timestamp), True, None, now))
            return
        try:
            part, starts_frame = self._part(payload)
        except MalformedPacket:
            self._broken()
            self.request_keyframe()
            return
        if self._parts and packet.timestamp != self._parts_timestamp:  # a sender that does not set the marker
            self._whole_frame(now)
        if not self._parts and not starts_frame:
            return
        self._parts_bytes = len(payload) + (self._parts_bytes if self._parts else 0)
        if self._parts_bytes > FRAME_MAX:
            self._broken()
            self.request_keyframe()
            return
        self._parts.append(part)
        self._parts_timestamp = packet.timestamp
        if packet.marker:
            self._whole_frame(now)

    def _whole_frame(self, now: float) -> None:
        parts, self._parts = self._parts, []
        ticks = self._ticks(self._parts_timestamp)
        try:
            data, key = self._frame(parts)
        except MalformedPacket:
            self._broken()
            self.request_keyframe()
            return
        if not data:  # nothing to see, as parameter sets alone
            return
        if key is not None:
            self._format, self._keyframe_needed = key, False
            self._keyframes.came(now)
        elif self._keyframe_needed:
            self.request_keyframe()
            return
        else:
            self._keyframes.frame(now)
        self._emit(EncodedFrame("video", data, ticks, key is not None, self._format, now))

    def _emit(self, frame: EncodedFrame) -> None:
        self.frame_at = frame.arrival
        for sink in self.frame_sinks:
            sink(frame)
