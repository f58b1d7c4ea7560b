"""Whether candidates' media reaches us: our own port, and STUN and TURN servers asked as a browser asks them."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from nats.aio.msg import Msg

from domain.ice import credentials, server
from domain.messages import MediaBeat
from media.port import CannotListen, open_socket
from media.relay import Relay, ServerRefused, relay, seen_as
from vigil.settings import Settings
from vigil.wiring import connect_nats

Finding = tuple[bool, str]
LOCAL = {"localhost", "127.0.0.1", "::1"}
PATIENCE_S = 5.0
_ARRIVES_S = 2.0
_BEATS_S = 1.5  # a media process beats each second


async def media_port(settings: Settings) -> Finding:
    """Whether a media process could listen, and whether browsers could find it."""
    told = f"browsers send to {settings.media_ip}"
    if _only_here(settings) and urlsplit(settings.public_url).hostname not in LOCAL:
        return False, f"{told}, which is this machine alone: set VIGIL_MEDIA_IP to an address that candidates reach"
    first, last = settings.media_port
    free = [port for port in range(first, last + 1) if _can_listen(settings.media_bind, port)]
    where = f"UDP port {first}" if first == last else f"UDP ports {first} to {last}"
    if first == 0:
        where = "any free UDP port"
        told += "" if _only_here(settings) else "; a firewall needs to know the port: set VIGIL_MEDIA_PORT"
    if not free:
        if ours := await _media_processes(settings):
            return True, f"{told}; {where} of {settings.media_bind}, held by {', '.join(sorted(ours))}"
        why = _why_not(settings)
        return False, f"{why}: stop what is there, or change VIGIL_MEDIA_PORT (or VIGIL_MEDIA_BIND, now the address)"
    some = "" if len(free) == last - first + 1 else f", {len(free)} of them free"
    return True, f"{told}; {where} of {settings.media_bind}{some}"


async def ice_server(settings: Settings, uri: str) -> Finding:
    """Whether a STUN or TURN server does its part."""
    asked = server(uri)
    try:
        async with asyncio.timeout(PATIENCE_S) as waiting:
            if not asked.relays:
                return True, _seen(settings, (await seen_as(asked))[0])
            own = credentials(settings.turn_secret, "doctor", datetime.now(UTC))
            async with relay(asked, own) as here:
                waiting.reschedule(None)
                return await _relays(settings, here)
    except TimeoutError:
        way = f"{'UDP' if asked.transport == 'udp' else 'TCP'} {asked.port}"
        return False, f"no answer in {PATIENCE_S:.0f} s: does it run, and does every firewall let {way} through?"
    except ServerRefused as refused:
        return False, _refused(refused)
    except ssl.SSLCertVerificationError as error:
        return False, f"its certificate is not trusted, and browsers will refuse it too: {error.verify_message}"
    except OSError as error:
        return False, f"cannot be reached: {error.strerror or error}"


async def _relays(settings: Settings, here: Relay) -> Finding:
    """Sends a packet through the relay to the media port, as a candidate's browser would."""
    told = f"relays from {here.address[0]}; {_seen(settings, here.seen_as[0])}"
    try:
        sock = open_socket(settings.media_bind, *settings.media_port)
    except CannotListen:
        return True, f"{told}; whether it reaches the media port can be seen while no media process runs"
    with sock:
        port = sock.getsockname()[1]
        try:
            arrived = await _arrives(here, sock, (settings.media_ip, port))
        except ServerRefused as refused:
            return False, f"{told}; but it refuses to send to {settings.media_ip} ({refused}): allow it there"
    if arrived:
        return True, f"{told}; what it sends reaches the media port"
    return False, (
        f"{told}; but what it sends to UDP {port} of {settings.media_ip} does not arrive: let it through the firewall"
        f" from {here.address[0]}, and have it forwarded to {settings.media_bind} if that address is a router's"
    )


async def _arrives(here: Relay, sock: socket.socket, to: tuple[str, int]) -> bool:
    """Whether a packet from the relay comes in at our socket. Raises `ServerRefused`."""
    loop = asyncio.get_running_loop()
    sign = secrets.token_bytes(16)

    async def heard() -> None:
        while await loop.sock_recv(sock, 2048) != sign:
            pass

    async def sending() -> None:
        while True:  # UDP loses some
            here.send(sign, to)
            await asyncio.sleep(0.2)

    tasks = [asyncio.ensure_future(work) for work in (heard(), here.refusal(), sending())]
    try:
        done, _ = await asyncio.wait(tasks[:2], timeout=_ARRIVES_S, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _seen(settings: Settings, ip: str) -> str:
    told = f"sees this machine as {ip}"
    if ipaddress.ip_address(ip) == ipaddress.ip_address(settings.media_ip):
        return f"{told}, where browsers send to"
    return (
        f"{told}, but browsers send to {settings.media_ip}: unless that is forwarded here, or candidates are in this"
        f" network, set VIGIL_MEDIA_IP={ip}"
    )


def _refused(refused: ServerRefused) -> str:
    match refused.code:
        case 401:
            return (
                "refuses our credentials: VIGIL_TURN_SECRET must be its own (coturn: use-auth-secret and"
                " static-auth-secret), and its clock right"
            )
        case 486 | 508:
            return f"has no relay left to give ({refused}): raise its quota, or its range of ports"
    return f"refuses ({refused})"


def _only_here(settings: Settings) -> bool:
    return ipaddress.ip_address(settings.media_ip).is_loopback


def _can_listen(ip: str, port: int) -> bool:
    with suppress(CannotListen):
        open_socket(ip, port).close()
        return True
    return False


def _why_not(settings: Settings) -> str:
    try:
        open_socket(settings.media_bind, *settings.media_port).close()
    except CannotListen as error:
        return str(error)
    return "it was taken a moment ago"


async def _media_processes(settings: Settings) -> set[str]:
    """The media processes on this machine that can be heard now."""
    heard: set[str] = set()
    if not settings.nats_url:
        return heard

    async def hear(message: Msg) -> None:
        heard.add(msgspec.msgpack.decode(message.data, type=MediaBeat).worker)

    with suppress(TimeoutError, OSError):
        client = await asyncio.wait_for(connect_nats(settings.nats_url, "doctor"), PATIENCE_S)
        await client.subscribe("vigil.beat", cb=hear)
        await asyncio.sleep(_BEATS_S)
        await client.close()
    return {name for name in heard if name.startswith(f"{socket.gethostname()}-")}
