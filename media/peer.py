"""One WHIP connection: from the offer to the last packet.

aiortc gives ICE, DTLS and the SRTP keys; each packet goes from the port straight to its track. A peer ends once, with a
reason, and says so once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Literal

import pylibsrtp
from aiortc import RTCDtlsTransport, RTCIceTransport, sdp

from media.clock import SenderClock, StreamClock
from media.hooks import (
    ConnectionGatherer,
    PeerCertificate,
    prefer_aes_128_gcm,
    selected_address,
    srtp_sessions,
    take_dtls_role,
)
from media.offer import Offer, OfferedStream, our_dtls_role, write_answer
from media.port import MediaPort, OnePortConnection
from media.rtp import (
    RtpPacket,
    build_nack,
    build_pli,
    build_receiver_report,
    find_extension,
    is_rtcp,
    parse_rtp,
    parse_sender_reports,
    unwrap_rtx,
)
from media.track import ReceiveTrack

logger = logging.getLogger(__name__)

PeerEnd = Literal["failed", "lost", "closed", "stopped"]
"""Never connected; the network went away; the sender said goodbye; we ended it."""

CONNECT_S = 15.0
REPORT_EVERY_S = 1.0
_EARLY_MAX = 64
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
        on_end: Callable[[PeerEnd], None],
        keyframe_every_s: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.connected_at: float | None = None  # loop time
        self.media_at: float | None = None  # loop time of the last RTP packet of a stream, or of connecting
        self._loop, self._port, self._offer, self._on_end = loop, port, offer, on_end
        self._connection = OnePortConnection(port, self._on_media)
        self._gatherer = ConnectionGatherer(self._connection)
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self._dtls.on("statechange", self._dtls_changed)
        self._ssrc = random.getrandbits(32)
        self._sender = SenderClock()
        self.streams = [self._incoming(s, keyframe_every_s) for s in offer.streams]
        self._routes: dict[int, tuple[IncomingStream, bool]] = {}
        for stream in self.streams:
            self._route(stream.offered.ssrc, stream, False)
            self._route(stream.offered.rtx_ssrc, stream, True)
        self._srtp: tuple[pylibsrtp.Session, pylibsrtp.Session] | None = None
        self._early: list[bytes] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = False

    async def answer(self) -> str:
        """The SDP answer. The peer connects by itself from here on."""
        take_dtls_role(self._dtls, our_dtls_role(self._offer))
        prefer_aes_128_gcm(self._dtls)
        await self._gatherer.gather()
        fingerprint = self._dtls.getLocalParameters().fingerprints[0]
        text = write_answer(
            self._offer,
            self._gatherer.getLocalParameters(),
            [sdp.candidate_to_sdp(c) for c in self._gatherer.getLocalCandidates()],
            (fingerprint.algorithm, fingerprint.value),
            random.getrandbits(62),
        )
        self._tasks.append(asyncio.create_task(self._connect()))
        return text

    async def close(self) -> None:
        """Says goodbye and lets everything go. Safe to call twice."""
        self._end("stopped")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dtls.stop()
        await self._ice.stop()

    def nack(self, ssrc: int, sequences: list[int]) -> None:
        self._send_rtcp(build_nack(self._ssrc, ssrc, sequences))

    def pli(self, ssrc: int) -> None:
        self._send_rtcp(build_pli(self._ssrc, ssrc))

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._ice.start(self._offer.ice)
                if self._ice.state == "completed":
                    await self._dtls.start(self._offer.dtls)
        except TimeoutError:
            pass
        if self._srtp is None:
            self._end("failed")
            return
        while not self._ended:
            await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))  # noqa: S311  # spread, not secret
            blocks = [b for s in self.streams if (b := s.track.report_block()) is not None]
            self._send_rtcp(build_receiver_report(self._ssrc, blocks, "vigil"))

    def _dtls_changed(self) -> None:
        if self._dtls.state == "connected":
            self._srtp = srtp_sessions(self._dtls)
            self.connected_at = self.media_at = self._loop.time()
            for data in self._early:
                self._on_media(data)
            self._early.clear()
        elif self._dtls.state in ("closed", "failed"):
            if self._srtp is None:
                self._end("failed")
            else:
                self._end("lost" if self._connection.closed else "closed")

    def _end(self, why: PeerEnd) -> None:
        if not self._ended:
            self._ended = True
            for stream in self.streams:
                stream.track.close()
            self._on_end(why)

    def _on_media(self, data: bytes) -> None:
        """One SRTP or SRTCP packet. Packets may overtake the end of the DTLS handshake; those wait for the keys."""
        if self._srtp is None:
            if len(self._early) < _EARLY_MAX:
                self._early.append(data)
            return
        if self._ended:
            return
        try:
            if is_rtcp(data):
                self._on_rtcp(self._srtp[0].unprotect_rtcp(data))
            else:
                self._on_rtp(parse_rtp(self._srtp[0].unprotect(data)))
        except (pylibsrtp.Error, ValueError):  # forged, repeated or malformed: as if it had not come
            return

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
        track = ReceiveTrack(offered.kind, offered.clock_rate, self._loop, self, every)
        return IncomingStream(offered, track, StreamClock(offered.clock_rate, self._sender))

    def _send_rtcp(self, packet: bytes) -> None:
        address = selected_address(self._connection)
        if self._srtp is not None and address is not None and not self._ended:
            self._port.send(self._srtp[1].protect_rtcp(packet), address)
