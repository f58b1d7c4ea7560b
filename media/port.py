"""One UDP port for all peers of a media process.

Media and DTLS find their peer by the address they come from, STUN requests by the user name in them (RFC 8445 section
7.3), STUN responses by the transaction they answer. An address belongs to a peer only after a check with that peer's
password came from it. Candidates of the other side are not used: it reaches us, so its checks tell where it is, and no
offer can make us send to an address that did not ask for it.

While media flows the socket is read each 10 ms and not for each packet: waking up costs more than taking a packet does,
and reading in batches halves what recording costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import struct
from collections.abc import Callable
from typing import Any

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aioice.stun import Message

from media.hooks import PACKET_MAX, Address, add_protocol, forget_remote, selected_address

logger = logging.getLogger(__name__)

READ_EVERY_S = 0.01
ADDRESSES_MAX = 16  # of one peer: a browser checks from a few; more than these only in the place of silent ones
SILENT_S = 10.0  # a browser checks the address in use each 2 to 3 s
_BATCH = 1024
_BUFFER = 4 << 20
_USERNAME = 6
_STUN_CLASS = 0x0110


class CannotListen(OSError):
    """The address is not this machine's, or every port is taken."""


def open_socket(ip: str, first: int, last: int | None = None) -> socket.socket:
    """A UDP socket with large buffers, bound to the first free port from `first` to `last`; 0 takes any.

    Raises `CannotListen`.
    """
    last = last or first
    family = socket.AF_INET6 if ipaddress.ip_address(ip).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    for port in range(first, last + 1):
        try:
            sock.bind((ip, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port < last:
                continue
            sock.close()
            ports = f"port {first}" if first == last else f"ports {first} to {last}"
            raise CannotListen(f"UDP {ports} of {ip}: {error.strerror}") from error
        break
    return sock


class MediaPort:
    """Reads `sock` on the running loop. `advertised_ip` is what candidates are told, the bound address by default.

    ValueError when the socket is bound to every address and nothing is advertised.
    """

    def __init__(self, sock: socket.socket, advertised_ip: str | None = None) -> None:
        bound, port = sock.getsockname()[:2]
        if advertised_ip is None and ipaddress.ip_address(bound).is_unspecified:
            raise ValueError("a media port bound to every address needs the address to advertise")
        self.address: Address = (advertised_ip or bound, port)
        self._sock = sock
        self._by_address: dict[Address, OnePortProtocol] = {}
        self._by_username: dict[bytes, OnePortProtocol] = {}
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._listen()

    def send(self, data: bytes, address: Address) -> None:
        """Sends one datagram. UDP may lose it, also here, when the buffer is full."""
        with contextlib.suppress(OSError):
            self._sock.sendto(data, address)

    def close(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        if self._pause is not None:
            self._pause.cancel()
        self._sock.close()

    def expect(self, username: str, protocol: OnePortProtocol) -> None:
        """Gives STUN requests for this local user name to `protocol`."""
        self._by_username[username.encode()] = protocol

    def bind(self, address: Address, protocol: OnePortProtocol) -> None:
        """Gives everything from `address` to `protocol` from now on."""
        self._by_address[address] = protocol

    def unbind(self, address: Address, protocol: OnePortProtocol) -> None:
        """Gives `protocol` nothing more from `address`."""
        if self._by_address.get(address) is protocol:
            del self._by_address[address]

    def forget(self, protocol: OnePortProtocol) -> None:
        self._by_address = {a: p for a, p in self._by_address.items() if p is not protocol}
        self._by_username = {u: p for u, p in self._by_username.items() if p is not protocol}

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def _readable(self) -> None:
        if self._read():
            self._loop.remove_reader(self._sock.fileno())
            self._pause = self._loop.call_later(READ_EVERY_S, self._read_on)

    def _read_on(self) -> None:
        if self._read():
            self._pause = self._loop.call_later(READ_EVERY_S, self._read_on)
        else:
            self._listen()

    def _read(self) -> bool:
        """Takes what has come, at most `_BATCH` packets. Was there media?"""
        receive = self._sock.recvfrom
        media = False
        for _ in range(_BATCH):
            try:
                data, address = receive(PACKET_MAX)
            except OSError:  # nothing left to read
                break
            try:
                media |= self._take(data, address[:2])
            except Exception:  # whatever a stranger sends, the port goes on reading
                logger.debug("a packet of %d bytes broke its reader", len(data), exc_info=True)
        return media

    def _take(self, data: bytes, address: Address) -> bool:
        """Gives one packet to its peer. Was it media?"""
        first = data[0] if data else 255
        if first > 3:
            protocol = self._by_address.get(address)
            if protocol is None:
                return False
            if 127 < first < 192:
                protocol.on_media(data)
                return True
            protocol.receiver.data_received(data, 1)
        elif len(data) >= 20:
            owner = self._stun_owner(data)
            if owner is not None:
                owner.datagram_received(data, address)
        return False

    def _stun_owner(self, data: bytes) -> OnePortProtocol | None:
        if struct.unpack_from("!H", data)[0] & _STUN_CLASS:
            transaction = data[8:20]
            return next((p for p in self._by_username.values() if transaction in p.transactions), None)
        at = 20
        while at + 4 <= len(data):
            kind, length = struct.unpack_from("!HH", data, at)
            if kind == _USERNAME:
                local, _, _ = data[at + 4 : at + 4 + length].partition(b":")
                return self._by_username.get(local)
            at += 4 + length + -length % 4
        return None


class OnePortProtocol(StunProtocol):
    """aioice's protocol of one peer, over the common port."""

    def __init__(self, connection: Connection, on_media: Callable[[bytes], None]) -> None:
        super().__init__(connection)
        self.on_media = on_media


class OnePortConnection(Connection):
    """An ICE connection over the common port; `on_media` gets every SRTP and SRTCP packet as it comes."""

    def __init__(self, port: MediaPort, on_media: Callable[[bytes], None]) -> None:
        super().__init__(ice_controlling=False)
        self.closed = False
        self._port, self._on_media = port, on_media
        self._checked_at: dict[Address, float] = {}  # the longest silent first

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002  # aioice's interface
        timeout: int = 5,  # noqa: ARG002
    ) -> list[Candidate]:
        """aioice asks this for candidates; ours is the one port, whatever addresses the machine has."""
        protocol = OnePortProtocol(self, self._on_media)
        protocol.connection_made(_PortTransport(self._port, protocol))
        ip, number = self._port.address
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", ip),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=ip,
            port=number,
            type="host",
        )
        add_protocol(self, protocol)
        self._port.expect(self.local_username, protocol)
        return [protocol.local_candidate]

    def check_incoming(self, message: Message, addr: Address, protocol: StunProtocol) -> None:
        """aioice calls this for each check that carried the right password.

        Each address costs a check of ours, and all are gone through for each: a peer has `ADDRESSES_MAX`. One whose
        network changes may move on all the same: what was silent for `SILENT_S` makes room. The nominated one stays.
        """
        assert isinstance(protocol, OnePortProtocol)
        now = asyncio.get_running_loop().time()
        if addr not in self._checked_at and len(self._checked_at) >= ADDRESSES_MAX:
            nominated = selected_address(self)
            silent, at = next((a, at) for a, at in self._checked_at.items() if a != nominated)
            if now - at < SILENT_S:
                return
            del self._checked_at[silent]
            self._port.unbind(silent, protocol)
            forget_remote(self, silent)
        self._checked_at.pop(addr, None)
        self._checked_at[addr] = now
        self._port.bind(addr, protocol)
        super().check_incoming(message, addr, protocol)

    async def close(self) -> None:
        self.closed = True
        await super().close()


class _PortTransport(asyncio.DatagramTransport):
    """What aioice needs of a transport."""

    def __init__(self, port: MediaPort, protocol: OnePortProtocol) -> None:
        super().__init__()
        self._port, self._protocol = port, protocol

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:  # noqa: ANN401  # as in asyncio
        self._port.send(bytes(data), addr)

    def close(self) -> None:
        self._port.forget(self._protocol)
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
