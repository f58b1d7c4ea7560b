"""One stream of a candidate's, passed on to one viewer: the same packets under numbers of its own.

A viewer stays while the candidate connects anew: numbers and time go on where the connection before ended. Where
packets were lost on the way to us the viewer sees a hole and the next key frame, never a picture made of what is left.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable

from media.keyframes import Clock
from media.offer import OfferedStream, Sources
from media.rtcp import SenderReport, build_sender_report
from media.rtp import RtpPacket, build_rtp, wrap_rtx
from media.track import ReceiveTrack

logger = logging.getLogger(__name__)

KEPT = 512  # packets that can be sent again: a second of video and more
_WORD, _LONG = 0xFFFF, 0xFFFFFFFF


class Forward:
    """Sends what `follow` names as `stream`, which the viewer offered to take, by `send`."""

    def __init__(self, stream: OfferedStream, clock: Clock, send: Callable[[bytes], None]) -> None:
        self.sources = Sources(secrets.randbits(32), secrets.randbits(32))
        self._stream, self._clock, self._send = stream, clock, send
        self._source: ReceiveTrack | None = None
        self._sequence, self._again = secrets.randbits(15), secrets.randbits(15)
        self._offset: int | None = None  # from the time stamps of the source to ours
        self._last: tuple[int, float] | None = None  # time stamp and loop time of the last packet
        self._holes = 0  # of the source, when its last packet came
        self._from: int | None = None  # the source's own number, of which there may be several in turn
        self._started = False
        self._kept: list[bytes | None] = [None] * KEPT
        self._packets = self._octets = 0

    def follow(self, source: ReceiveTrack | None) -> None:
        """Sends what comes on `source` from its next key frame on, and nothing more of the one before."""
        if self._source is not None and self._take in self._source.packet_sinks:
            self._source.packet_sinks.remove(self._take)
        self._source, self._offset, self._started = source, None, False
        if source is not None:
            self._holes = source.holes
            source.packet_sinks.append(self._take)
            source.request_keyframe()

    def want_keyframe(self) -> None:
        if self._source is not None:
            self._source.request_keyframe()

    def send_again(self, sequences: Iterable[int]) -> None:
        """Those of them that are still kept."""
        for sequence in sequences:
            packet = self._kept[sequence % KEPT]
            if packet is None or int.from_bytes(packet[2:4]) != sequence:
                continue
            if self._stream.rtx_payload_type is not None:
                packet = wrap_rtx(packet, self._stream.rtx_payload_type, self._again, self.sources.rtx_ssrc)
                self._again = self._again + 1 & _WORD
            self._send(packet)

    def report(self) -> bytes:
        """The sender's report as it holds for our numbers; nothing as long as there is none."""
        said = self._source.reported if self._source else None
        if said is None or self._offset is None:
            return b""
        timestamp = said.timestamp + self._offset & _LONG
        ours = SenderReport(self.sources.ssrc, said.ntp_s, 0, timestamp)
        return build_sender_report(ours, self._packets, self._octets, "vigil")

    def _take(self, packet: RtpPacket) -> None:
        """Whatever breaks here is the viewer's trouble, and never reaches the recorder."""
        try:
            self._forward(packet)
        except Exception:
            logger.exception("a packet could not be passed on")
            self.follow(None)

    def _forward(self, packet: RtpPacket) -> None:
        assert self._source is not None
        if self._holes != self._source.holes:
            self._holes, self._started = self._source.holes, False
            self._sequence = self._sequence + 1 & _WORD
        first = b""
        if not self._started:
            if self._stream.kind == "video":
                codec = self._source.codec
                if not codec.begins_key_frame(packet.payload):
                    return
                first = codec.needed_before(packet.payload)
            self._started = True
        if self._from != self._source.ssrc:
            self._from, self._offset = self._source.ssrc, None
        now = self._clock.time()
        if self._offset is None:
            self._offset = self._next_timestamp(now) - packet.timestamp
        timestamp = packet.timestamp + self._offset & _LONG
        self._last = timestamp, now
        if first:
            self._pass_on(first, timestamp, marker=False)
        self._pass_on(packet.payload, timestamp, marker=packet.marker)

    def _pass_on(self, payload: bytes, timestamp: int, *, marker: bool) -> None:
        sequence, self._sequence = self._sequence, self._sequence + 1 & _WORD
        data = build_rtp(RtpPacket(self._stream.payload_type, marker, sequence, timestamp, self.sources.ssrc, payload))
        self._kept[sequence % KEPT] = data
        self._packets += 1
        self._octets += len(payload)
        self._send(data)

    def _next_timestamp(self, now: float) -> int:
        if self._last is None:
            return secrets.randbits(32)
        timestamp, at = self._last
        return timestamp + max(round((now - at) * self._stream.clock_rate), 1)
