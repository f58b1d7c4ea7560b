"""Asks STUN and TURN servers what a browser asks them: where it is seen from, and for a relay (RFC 8489, RFC 8656)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aioice.stun import Class, Message, Method, Transaction, TransactionFailed, TransactionTimeout, parse_message
from aioice.turn import TurnTransport, create_turn_endpoint

from domain.ice import Credentials, Server

Address = tuple[str, int]

_GIVE_BACK_S = 2.0


class ServerRefused(Exception):
    """A server's own answer: its `code` (RFC 8656 section 19) and reason."""

    def __init__(self, failed: TransactionFailed) -> None:
        self.code, self.reason = failed.response.attributes.get("ERROR-CODE", (0, ""))
        super().__init__(f"{self.code} {self.reason}".strip())


class Relay:
    """An address on a TURN server from which packets are sent for us. `seen_as` is where the server sees us."""

    def __init__(self, transport: TurnTransport, failure: asyncio.Future[None]) -> None:
        self.address: Address = transport.get_extra_info("sockname")
        self.seen_as: Address = transport.get_extra_info("related_address")
        self._transport, self._failure = transport, failure

    def send(self, data: bytes, to: Address) -> None:
        """Sends one packet. UDP may lose it; that the server refuses, `refusal` tells."""
        self._transport.sendto(data, to)

    async def refusal(self) -> None:
        """Waits for ever, or until the server refuses to send: then raises `ServerRefused`."""
        await self._failure


async def seen_as(server: Server) -> Address:
    """The address from which a STUN server sees this machine. Raises TimeoutError after a while, OSError."""
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(_Asking, remote_addr=(server.host, server.port))
    try:
        answer = await asking.ask((server.host, server.port))
    except TransactionTimeout:
        raise TimeoutError from None
    except TransactionFailed as failed:
        raise ServerRefused(failed) from failed
    finally:
        transport.close()
    address: Address | None = answer.attributes.get("XOR-MAPPED-ADDRESS")
    if address is None:
        raise ConnectionError("its answer names no address")
    return address


@asynccontextmanager
async def relay(server: Server, credentials: Credentials) -> AsyncIterator[Relay]:
    """A relay for as long as the body takes. Raises `ServerRefused`, TimeoutError after a while, OSError."""
    receiver = _Receiver()
    try:
        transport, _ = await create_turn_endpoint(
            lambda: receiver,
            (server.host, server.port),
            credentials.username,
            credentials.password,
            ssl=ssl.create_default_context() if server.transport == "tls" else None,
            transport="udp" if server.transport == "udp" else "tcp",
        )
    except TransactionTimeout:
        raise TimeoutError from None
    except TransactionFailed as failed:
        raise ServerRefused(failed) from failed
    try:
        yield Relay(transport, receiver.failure)
    finally:
        transport.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(receiver.closed.wait(), _GIVE_BACK_S)
        receiver.failure.cancel()


class _Asking(asyncio.DatagramProtocol):
    """One question to a STUN server."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    async def ask(self, address: Address) -> Message:
        self._question = Message(message_method=Method.BINDING, message_class=Class.REQUEST)
        self._transaction = Transaction(self._question, address, self)
        answer, _ = await self._transaction.run()
        return answer

    def send_stun(self, message: Message, addr: Address) -> None:  # noqa: ARG002  # aioice's interface
        self.transport.sendto(bytes(message))

    def datagram_received(self, data: bytes, addr: Address) -> None:
        with suppress(ValueError):
            message = parse_message(data)
            if message.transaction_id == self._question.transaction_id:
                self._transaction.response_received(message, addr)


class _Receiver(asyncio.DatagramProtocol):
    """Hears whether the server refused to send, and that the relay was given back."""

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def error_received(self, error: Exception) -> None:
        if not self.failure.done():
            self.failure.set_exception(ServerRefused(error) if isinstance(error, TransactionFailed) else error)

    def connection_lost(self, _: Exception | None) -> None:
        self.closed.set()
