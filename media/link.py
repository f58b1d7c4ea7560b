"""One WebRTC connection over the common port: ICE, DTLS and SRTP by aiortc. What it carries is its owner's matter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Literal

import pylibsrtp
from aiortc import RTCDtlsTransport, RTCIceTransport, sdp

from media.hooks import (
    ConnectionGatherer,
    PeerCertificate,
    prefer_aes_128_gcm,
    selected_address,
    srtp_sessions,
    take_dtls_role,
)
from media.offer import Offer, Sources, our_dtls_role, write_answer
from media.port import MediaPort, OnePortConnection
from media.rtp import RtpPacket, is_rtcp, parse_rtp

LinkEnd = Literal["failed", "lost", "closed", "stopped"]
"""Never connected; the network went away; the other side said goodbye; we ended it."""

CONNECT_S = 15.0
REPORT_EVERY_S = 1.0
_EARLY_MAX = 64


class Link:
    """Answers `offer` on `port`. It ends once, with a reason, and says so once, also when it never connected.

    `on_rtp` and `on_rtcp` get what comes, decrypted; `report` gives the RTCP packet that is sent each second.
    """

    def __init__(
        self,
        port: MediaPort,
        offer: Offer,
        certificate: PeerCertificate,
        *,
        on_rtp: Callable[[RtpPacket], None],
        on_rtcp: Callable[[bytes], None],
        report: Callable[[], bytes],
        on_end: Callable[[LinkEnd], None],
        on_connected: Callable[[], None] = lambda: None,
    ) -> None:
        self.connected_at: float | None = None  # loop time
        self.ended = False
        self._loop = asyncio.get_running_loop()
        self._port, self._offer = port, offer
        self._on_rtp, self._on_rtcp, self._report = on_rtp, on_rtcp, report
        self._on_end, self._on_connected = on_end, on_connected
        self._connection = OnePortConnection(port, self._on_media)
        self._gatherer = ConnectionGatherer(self._connection)
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self._dtls.on("statechange", self._dtls_changed)
        self._srtp: tuple[pylibsrtp.Session, pylibsrtp.Session] | None = None
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    async def answer(self, sources: Mapping[str, Sources] | None = None) -> str:
        """The SDP answer; with `sources` (by MID) it says that we send. The link connects by itself from here on."""
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
            sources,
        )
        self._task = asyncio.create_task(self._connect())
        return text

    async def close(self) -> None:
        """Says goodbye and lets everything go. Safe to call twice."""
        self._end("stopped")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._dtls.stop()
        await self._ice.stop()

    def send_rtp(self, packet: bytes) -> None:
        """Sends one RTP packet; it is dropped before and after the connection stands."""
        address = selected_address(self._connection)
        if self._srtp is not None and address is not None and not self.ended:
            self._port.send(self._srtp[1].protect(packet), address)

    def send_rtcp(self, packet: bytes) -> None:
        address = selected_address(self._connection)
        if self._srtp is not None and address is not None and not self.ended:
            self._port.send(self._srtp[1].protect_rtcp(packet), address)

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
        while not self.ended:
            await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))  # noqa: S311  # spread, not secret
            if packet := self._report():
                self.send_rtcp(packet)

    def _dtls_changed(self) -> None:
        if self._dtls.state == "connected":
            self._srtp = srtp_sessions(self._dtls)
            self.connected_at = self._loop.time()
            self._on_connected()
            for data in self._early:
                self._on_media(data)
            self._early.clear()
        elif self._dtls.state in ("closed", "failed"):
            if self._srtp is None:
                self._end("failed")
            else:
                self._end("lost" if self._connection.closed else "closed")

    def _end(self, why: LinkEnd) -> None:
        if not self.ended:
            self.ended = True
            self._on_end(why)

    def _on_media(self, data: bytes) -> None:
        """One SRTP or SRTCP packet. Packets may overtake the end of the DTLS handshake; those wait for the keys."""
        if self._srtp is None:
            if len(self._early) < _EARLY_MAX:
                self._early.append(data)
            return
        if self.ended:
            return
        try:
            if is_rtcp(data):
                self._on_rtcp(self._srtp[0].unprotect_rtcp(data))
            else:
                self._on_rtp(parse_rtp(self._srtp[0].unprotect(data)))
        except (pylibsrtp.Error, ValueError):  # forged, repeated or malformed: as if it had not come
            return
