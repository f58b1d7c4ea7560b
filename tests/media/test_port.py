"""The one port: what strangers send changes nothing; an address is a peer's only after a check with its password."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from aioice import stun

from media.port import ADDRESSES_MAX, CannotListen, MediaPort, OnePortConnection, open_socket


@pytest.fixture
async def port() -> AsyncIterator[MediaPort]:
    opened = MediaPort(open_socket("127.0.0.1", 0))
    yield opened
    opened.close()


@pytest.fixture
async def stranger() -> AsyncIterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        yield sock


def check(connection: OnePortConnection, password: str) -> bytes:
    """A connectivity check as a browser sends it."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{connection.local_username}:them"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.add_message_integrity(password.encode())
    return bytes(request)


async def connected(port: MediaPort, got: list[bytes]) -> OnePortConnection:
    connection = OnePortConnection(port, got.append)
    await connection.gather_candidates()
    connection.remote_username, connection.remote_password = "them", "p" * 22
    asyncio.get_running_loop().create_task(_connect(connection))
    await asyncio.sleep(0)
    return connection


async def _connect(connection: OnePortConnection) -> None:
    try:
        await connection.connect()
    except ConnectionError:
        return


async def test_media_reaches_a_peer_only_from_an_address_that_knew_its_password(
    port: MediaPort, stranger: socket.socket
) -> None:
    got: list[bytes] = []
    connection = await connected(port, got)
    media = b"\x80" + b"media" * 4
    stranger.sendto(media, port.address)
    stranger.sendto(check(connection, "wrong" * 5), port.address)
    await asyncio.sleep(0.03)
    stranger.sendto(media, port.address)
    await asyncio.sleep(0.03)
    assert got == []
    stranger.sendto(check(connection, connection.local_password), port.address)
    await asyncio.sleep(0.03)
    stranger.sendto(media, port.address)
    await asyncio.sleep(0.03)
    assert got == [media]
    await connection.close()
    stranger.sendto(media, port.address)
    await asyncio.sleep(0.03)
    assert got == [media]


async def test_whatever_strangers_send_the_port_goes_on_reading(port: MediaPort, stranger: socket.socket) -> None:
    got: list[bytes] = []
    connection = await connected(port, got)
    chance = random.Random(2)
    whole = check(connection, connection.local_password)
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        stranger.sendto(bytes(damaged[: chance.randrange(len(damaged) + 1)]), port.address)
        stranger.sendto(chance.randbytes(chance.randrange(60)), port.address)
    await asyncio.sleep(0.05)
    stranger.sendto(whole, port.address)
    await asyncio.sleep(0.03)
    stranger.sendto(b"\x80 media", port.address)
    await asyncio.sleep(0.03)
    assert got[-1] == b"\x80 media"
    await connection.close()


async def test_a_peer_that_checks_from_everywhere_is_known_by_a_few_addresses_and_may_still_move(
    port: MediaPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[bytes] = []
    connection = await connected(port, got)
    whole = check(connection, connection.local_password)
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(50)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))

        async def heard() -> set[int]:
            """Whose media arrives."""
            got.clear()
            for number, sock in enumerate(socks):
                sock.sendto(bytes([128, number]), port.address)
            await asyncio.sleep(0.05)
            return {data[1] for data in got}

        for sock in socks[:-1]:
            sock.sendto(whole, port.address)
        await asyncio.sleep(0.05)
        assert await heard() == set(range(ADDRESSES_MAX))
        assert len(connection._check_list) == len(connection.remote_candidates) == ADDRESSES_MAX

        first = next(pair for pair in connection._check_list if pair.remote_addr == socks[0].getsockname())
        connection._nominated[1] = first
        monkeypatch.setattr("media.port.SILENT_S", 0.0)
        socks[-1].sendto(whole, port.address)
        await asyncio.sleep(0.05)
        assert await heard() == {*range(ADDRESSES_MAX), len(socks) - 1} - {1}, "the nominated address stays"
        assert len(connection._check_list) == len(connection.remote_candidates) == ADDRESSES_MAX
    await connection.close()


async def test_a_reader_that_breaks_does_not_stop_the_others(port: MediaPort, stranger: socket.socket) -> None:
    got: list[bytes] = []

    def broken(data: bytes) -> None:
        got.append(data)
        raise RuntimeError("broken")

    connection = OnePortConnection(port, broken)
    await connection.gather_candidates()
    port.bind(_address_of(stranger), connection._protocols[0])
    for number in range(3):
        stranger.sendto(bytes([128, number]), port.address)
        await asyncio.sleep(0.03)
    assert got == [b"\x80\x00", b"\x80\x01", b"\x80\x02"]
    await connection.close()


def test_workers_on_one_machine_each_take_the_next_free_port() -> None:
    with ExitStack() as stack:
        first = stack.enter_context(open_socket("127.0.0.1", 0)).getsockname()[1]
        with pytest.raises(CannotListen, match=f"UDP port {first} of 127.0.0.1: Address already in use"):
            open_socket("127.0.0.1", first)
        second = stack.enter_context(open_socket("127.0.0.1", first, first + 2)).getsockname()[1]
        assert first < second <= first + 2


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"UDP ports 40000 to 40007 of 192\.0\.2\.7: .*assign requested address"):
        open_socket("192.0.2.7", 40000, 40007)


def _address_of(sock: socket.socket) -> tuple[str, int]:
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()


def test_every_address_cannot_be_advertised() -> None:
    async def make(advertised: str | None) -> tuple[str, int]:
        sock = open_socket("0.0.0.0", 0)
        try:
            port = MediaPort(sock, advertised)
        except ValueError:
            sock.close()
            raise
        port.close()
        return port.address

    with pytest.raises(ValueError, match="advertise"):
        asyncio.run(make(None))
    assert asyncio.run(make("192.0.2.7"))[0] == "192.0.2.7"
