"""A contract for each private attribute that `media/hooks.py` touches: a library that moved it fails here, by name."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator

import pylibsrtp
import pytest
from aioice.candidate import Candidate
from aioice.ice import CandidatePair, Connection, StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from media import hooks
from media.port import MediaPort, OnePortConnection, open_socket


@pytest.fixture
async def port() -> AsyncIterator[MediaPort]:
    opened = MediaPort(open_socket("127.0.0.1", 0))
    yield opened
    opened.close()


async def test_a_gatherer_uses_the_connection_it_was_given(port: MediaPort) -> None:
    connection = OnePortConnection(port, print)
    gatherer = hooks.ConnectionGatherer(connection)
    assert RTCIceTransport(gatherer)._connection is connection
    await gatherer.gather()
    (candidate,) = gatherer.getLocalCandidates()
    assert (candidate.ip, candidate.port) == port.address
    assert gatherer.getLocalParameters().usernameFragment == connection.local_username
    await connection.close()
    assert connection.closed


async def test_aioice_asks_our_connection_for_candidates_and_tells_it_of_checks() -> None:
    assert list(inspect.signature(Connection.get_component_candidates).parameters) == [
        "self",
        "component",
        "addresses",
        "timeout",
    ]
    assert list(inspect.signature(Connection.check_incoming).parameters) == ["self", "message", "addr", "protocol"]
    assert "self.check_incoming(message, addr, protocol)" in inspect.getsource(Connection.request_received)
    assert inspect.iscoroutinefunction(Connection.close)


async def test_a_protocol_that_was_added_is_closed_with_the_connection(port: MediaPort) -> None:
    connection = OnePortConnection(port, print)
    assert connection._protocols == []
    await connection.gather_candidates()
    (protocol,) = connection._protocols
    assert isinstance(protocol, StunProtocol)
    assert isinstance(protocol.transactions, dict)
    await connection.close()
    assert connection._protocols == []


async def test_the_selected_address_is_that_of_the_nominated_pair(port: MediaPort) -> None:
    connection = OnePortConnection(port, print)
    assert hooks.selected_address(connection) is None
    assert connection._nominated == {}
    assert isinstance(inspect.getattr_static(CandidatePair, "remote_addr"), property)
    await connection.close()


async def test_a_remote_address_can_be_forgotten(port: MediaPort) -> None:
    connection = OnePortConnection(port, print)
    await connection.gather_candidates()
    (protocol,) = connection._protocols
    gone = Candidate("f", 1, "udp", 1, "127.0.0.1", 9, "prflx")
    stays = Candidate("f", 1, "udp", 1, "127.0.0.1", 10, "prflx")
    connection._remote_candidates += [gone, stays]
    connection._check_list += [CandidatePair(protocol, gone), CandidatePair(protocol, stays)]
    checking = connection._check_list[0].task = asyncio.create_task(asyncio.sleep(60))
    hooks.forget_remote(connection, ("127.0.0.1", 9))
    assert [pair.remote_candidate for pair in connection._check_list] == connection.remote_candidates == [stays]
    await asyncio.wait([checking])
    assert checking.cancelled()
    await connection.close()


async def test_the_dtls_role_and_profiles_can_be_set() -> None:
    transport = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    dtls = RTCDtlsTransport(transport, [RTCCertificate.generateCertificate()])
    hooks.take_dtls_role(dtls, "server")
    assert dtls._role == "server"
    hooks.prefer_aes_128_gcm(dtls)
    names = [p.openssl_profile for p in dtls._srtp_profiles]
    assert names[0] == b"SRTP_AEAD_AES_128_GCM"
    assert b"SRTP_AES128_CM_SHA1_80" in names
    assert "srtp_profiles=self._srtp_profiles" in inspect.getsource(RTCDtlsTransport.start)


async def test_srtp_sessions_take_packets_of_two_kilobytes() -> None:
    dtls = RTCDtlsTransport(RTCIceTransport(RTCIceGatherer(iceServers=[])), [RTCCertificate.generateCertificate()])
    key = bytes(range(28))

    def policy(kind: int) -> pylibsrtp.Policy:
        return pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM)

    assert (dtls._rx_srtp, dtls._tx_srtp) == (None, None)
    dtls._rx_srtp = pylibsrtp.Session(policy(pylibsrtp.Policy.SSRC_ANY_INBOUND))
    dtls._tx_srtp = pylibsrtp.Session(policy(pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    incoming, outgoing = hooks.srtp_sessions(dtls)
    packet = b"\x80\x60" + bytes(10) + b"x" * 1500
    assert incoming.unprotect(outgoing.protect(packet)) == packet


def test_our_certificate_also_takes_rsa_peers() -> None:
    context = hooks.PeerCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)
    names = SSL.Connection(context).get_cipher_list()
    assert "ECDHE-RSA-AES128-GCM-SHA256" in names
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in names


async def test_a_stock_gatherer_can_be_told_its_addresses_and_cut() -> None:
    gatherer = RTCIceGatherer(iceServers=[])
    hooks.gather_only(gatherer, ["127.0.0.1"])
    await gatherer.gather()
    (candidate,) = gatherer.getLocalCandidates()
    assert candidate.ip == "127.0.0.1"
    hooks.cut(gatherer)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", candidate.port))  # the port is free again


async def test_a_stock_gatherer_sends_to_the_nominated_address() -> None:
    gatherer = RTCIceGatherer(iceServers=[])
    hooks.gather_only(gatherer, ["127.0.0.1"])
    await gatherer.gather()
    (protocol,) = gatherer._connection._protocols
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        remote = Candidate("f", 1, "udp", 1, *sock.getsockname(), "host")
        gatherer._connection._nominated[1] = CandidatePair(protocol, remote)
        hooks.send_to_remote(gatherer)(b"hello")
        assert sock.recv(100) == b"hello"
    hooks.cut(gatherer)
