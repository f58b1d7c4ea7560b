"""A sender's WHIP connection: each packet goes from the port straight to the track that it belongs to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from media.clock import SenderClock, StreamClock
from media.h264 import H264
from media.hooks import PeerCertificate
from media.link import Link, LinkEnd
from media.offer import Offer, OfferedStream
from media.port import MediaPort
from media.rtcp import build_nack, build_pli, build_receiver_report, parse_sender_reports
from media.rtp import RtpPacket, find_extension, unwrap_rtx
from media.track import ReceiveTrack
from media.vp8 import Vp8

ROUTES_MAX = 64  # sources of one peer: a browser has at most four, and a few more over many changes


class IncomingStream:
    """A track and the clock of its time stamps."""

    def __init__(self, offered: OfferedStream, track: ReceiveTrack, clock: StreamClock) -> None:
        self.offered, self.track, self.clock = offered, track, clock


class Peer:
    """Answers `offer` on `port`. `on_end` is called once, also when the peer never connected.

    `keyframe_every_s` is how often the video is asked for a key frame.
    """

    def __init__(
        self,
        port: MediaPort,
        offer: Offer,
        certificate: PeerCertificate,
        *,
        on_end: Callable[[LinkEnd], None],
        keyframe_every_s: float,
    ) -> None:
        self.media_at: float | None = None  # loop time of the last RTP packet of a stream, or of connecting
        self._loop, self._on_end = asyncio.get_running_loop(), on_end
        self._link = Link(
            port,
            offer,
            certificate,
            on_rtp=self._on_rtp,
            on_rtcp=self._on_rtcp,
            report=self._report,
            on_end=self._ended,
            on_connected=self._connected,
        )
        self._ssrc = random.getrandbits(32)
        self._sender = SenderClock()
        self.streams = [self._incoming(s, keyframe_every_s) for s in offer.streams]
        self._routes: dict[int, tuple[IncomingStream, bool]] = {}
        for stream in self.streams:
            self._route(stream.offered.ssrc, stream, False)
            self._route(stream.offered.rtx_ssrc, stream, True)

    @property
    def connected_at(self) -> float | None:
        """Loop time."""
        return self._link.connected_at

    async def answer(self) -> str:
        """The SDP answer. The peer connects by itself from here on."""
        return await self._link.answer()

    async def close(self) -> None:
        """Says goodbye and lets everything go. Safe to call twice."""
        await self._link.close()

    def nack(self, ssrc: int, sequences: list[int]) -> None:
        self._link.send_rtcp(build_nack(self._ssrc, ssrc, sequences))

    def pli(self, ssrc: int) -> None:
        self._link.send_rtcp(build_pli(self._ssrc, ssrc))

    def _connected(self) -> None:
        self.media_at = self._loop.time()

    def _ended(self, why: LinkEnd) -> None:
        for stream in self.streams:
            stream.track.close()
        self._on_end(why)

    def _report(self) -> bytes:
        blocks = [b for s in self.streams if (b := s.track.report_block()) is not None]
        return build_receiver_report(self._ssrc, blocks, "vigil")

    def _on_rtp(self, packet: RtpPacket) -> None:
        route = self._routes.get(packet.ssrc) or self._find_route(packet)
        if route is None:
            return
        stream, repeated = route
        if repeated:
            original = unwrap_rtx(packet)
            if original is not None:
                stream.track.receive(original, retransmitted=True)
        else:
            stream.track.receive(packet)
        self.media_at = self._loop.time()

    def _on_rtcp(self, data: bytes) -> None:
        now = self._loop.time()
        for report in parse_sender_reports(data):
            route = self._routes.get(report.ssrc)
            if route is not None:
                stream = route[0]
                stream.clock.report(report, stream.track.sender_report(report), now)

    def _find_route(self, packet: RtpPacket) -> tuple[IncomingStream, bool] | None:
        """Whose packet is this, of a source that the offer did not name? By MID, else by payload type."""
        if len(self._routes) >= ROUTES_MAX:
            return None
        named = [s for s in self.streams if self._mid_of(packet, s) == s.offered.mid]
        for stream in named or self.streams:
            offered = stream.offered
            if packet.payload_type in (offered.payload_type, offered.rtx_payload_type):
                return self._route(packet.ssrc, stream, packet.payload_type == offered.rtx_payload_type)
        return None

    def _mid_of(self, packet: RtpPacket, stream: IncomingStream) -> str | None:
        number = stream.offered.mid_extension
        value = None if number is None else find_extension(packet.extension, number)
        return None if value is None else value.decode("ascii", "replace")

    def _route(self, ssrc: int | None, stream: IncomingStream, repeated: bool) -> tuple[IncomingStream, bool] | None:
        if ssrc is None:
            return None
        if not repeated:
            stream.track.begin(ssrc)
        self._routes[ssrc] = (stream, repeated)
        return self._routes[ssrc]

    def _incoming(self, offered: OfferedStream, keyframe_every_s: float) -> IncomingStream:
        every = keyframe_every_s if offered.kind == "video" else None
        codec = H264(offered.profile, offered.parameter_sets) if offered.codec == "H264" else Vp8()
        track = ReceiveTrack(offered.kind, offered.clock_rate, self._loop, self, every, codec)
        return IncomingStream(offered, track, StreamClock(offered.clock_rate, self._sender))
