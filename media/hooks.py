"""Every private attribute of aiortc, aioice and pylibsrtp that Vigil touches, each behind one small name.

The libraries give ICE, DTLS, certificates and SRTP; packets are ours (DESIGN section 8). What they do not offer in
public is reached here and nowhere else. Versions are pinned, and `tests/media/test_hooks.py` has a contract for each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import pylibsrtp
from aioice.candidate import Candidate
from aioice.ice import Connection, StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer
from aiortc.rtcdtlstransport import SRTPProtectionProfile
from OpenSSL import SSL
from pylibsrtp._binding import ffi  # type: ignore[import-not-found]  # a compiled module

DtlsRole = Literal["client", "server"]
Address = tuple[str, int]

PACKET_MAX = 2048
CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)


class PeerCertificate(RTCCertificate):
    """Our DTLS certificate. aiortc offers ECDSA suites only; FFmpeg's WHIP muxer may come with an RSA certificate."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(CIPHERS)
        return context


class ConnectionGatherer(RTCIceGatherer):
    """A gatherer over a connection of ours: aiortc always makes its own, with one random UDP port for each peer."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(iceServers=[])
        self._connection = connection


def add_protocol(connection: Connection, protocol: StunProtocol) -> None:
    """Gives `connection` a transport that aioice did not open. It is closed with the connection."""
    connection._protocols.append(protocol)


def selected_address(connection: Connection) -> Address | None:
    """The remote address of the pair that ICE nominated, None before and after."""
    pair = connection._nominated.get(1)
    return None if pair is None else pair.remote_addr


def forget_remote(connection: Connection, address: Address) -> None:
    """Lets aioice forget a remote address: its candidate, its pair and a check under way. Not the nominated one."""
    for pair in [p for p in connection._check_list if p.remote_addr == address]:
        if pair.task is not None:
            pair.task.cancel()
        connection._check_list.remove(pair)
    connection._remote_candidates = [c for c in connection._remote_candidates if (c.host, c.port) != address]


def take_dtls_role(dtls: RTCDtlsTransport, role: DtlsRole) -> None:
    """Fixes the role that the SDP answer promised; by itself aiortc would derive it from the ICE role (ORTC)."""
    dtls._set_role(role)


def prefer_aes_128_gcm(dtls: RTCDtlsTransport) -> None:
    """As DTLS server we pick the SRTP profile: AES-128-GCM costs half of AES-CM with HMAC-SHA1 for each packet."""
    dtls._srtp_profiles = sorted(dtls._srtp_profiles, key=lambda p: p.openssl_profile != b"SRTP_AEAD_AES_128_GCM")


def srtp_sessions(dtls: RTCDtlsTransport) -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
    """The negotiated SRTP sessions, (incoming, outgoing), able to take packets of up to `PACKET_MAX` bytes.

    pylibsrtp's own buffer refuses to protect more than 1,356 bytes, and GStreamer sends 1,400.
    """
    sessions = (dtls._rx_srtp, dtls._tx_srtp)
    for session in sessions:
        session._cdata = ffi.new("char[]", PACKET_MAX)
        session._buffer = ffi.buffer(session._cdata)
    return sessions


def gather_only(gatherer: RTCIceGatherer, addresses: list[str]) -> None:
    """Makes a stock gatherer use just `addresses`: aioice never gathers 127.0.0.1. For the publisher client."""
    connection = gatherer._connection
    found_by_aioice = connection.get_component_candidates

    async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await found_by_aioice(component, wanted, timeout)

    wanted = addresses
    connection.get_component_candidates = gather  # type: ignore[method-assign]  # one instance of a stock class


def cut(gatherer: RTCIceGatherer) -> None:
    """Closes a stock gatherer's sockets under it: to the other side the machine is gone. For the publisher client."""
    for protocol in gatherer._connection._protocols:
        protocol.transport.abort()


def send_to_remote(gatherer: RTCIceGatherer) -> Callable[[bytes], None]:
    """Sends datagrams from a stock gatherer's socket to the address that ICE nominated. For load, without senders."""
    pair = gatherer._connection._nominated[1]
    return partial(pair.protocol.transport.sendto, addr=pair.remote_addr)
