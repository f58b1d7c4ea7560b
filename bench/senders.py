"""Candidates who cost little: real ICE, DTLS and SRTP, one socket each, and packets cut ahead, sent in real time.

What a browser does beside is left out: it encodes, and it answers who asks for packets again. So a packet that the
recorder lost stays lost, and one core sends for more candidates than another can record.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Literal, NamedTuple

import httpx
import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, sdp
from pylibsrtp import Session

from bench.processes import pin, say, told
from media.clips import Clip, Picture, encode_pictures, screen_clip, sound_clip
from media.hooks import gather_only, send_to_remote, srtp_sessions, take_dtls_role
from media.rtcp import SenderReport, build_sender_report

Exchange = Callable[[str], Awaitable[str]]
"""An offer, answered."""

TICK_S = 0.005
PIECE = 1100  # bytes of a frame in one packet, as browsers have it
_REPORT_EVERY_S = 1.0
_CALM_S = 0.05
_AT_ONCE = 4  # connect at the same time


class Load(NamedTuple):
    """What one candidate sends."""

    camera: Clip
    sound: Clip
    screen: Clip | None

    def __str__(self) -> str:
        screen = f", screen 1280x720 at 5 a second, {_kbps(self.screen)} kbit/s" if self.screen else ""
        ms = round(1000 * self.sound.ticks / self.sound.rate)
        return f"VP8 640x480 at 15 a second, {_kbps(self.camera)} kbit/s, Opus in packets of {ms} ms{screen}"


def load(packet_ms: int, *, screen: bool) -> Load:
    return Load(grainy_clip(), sound_clip(hertz=440, packet_ms=packet_ms), screen_clip() if screen else None)


def grainy_clip(seconds: int = 4) -> Clip:
    """A camera's picture at 300 kbit/s: something moves, and the sensor's noise leaves the encoder nothing to save."""
    return encode_pictures(_grainy(seconds * 15), fps=15, kbps=300)


class Stream:
    """One clip over one link. `packets` and `frames` count what was sent."""

    def __init__(self, clip: Clip, ssrc: int, payload_type: int) -> None:
        self.kind, self.interval_s = clip.kind, clip.ticks / clip.rate
        self.packets = self.frames = 0
        self._clip, self._ssrc, self._type = clip, ssrc, payload_type
        self._pieces = [cut(clip.kind, frame) for frame in clip.frames]
        self._sequence, self._timestamp = secrets.randbits(15), secrets.randbits(32)
        self._octets = 0

    def next_frame(self) -> Iterator[bytes]:
        """Its packets, not yet protected."""
        pieces = self._pieces[self.frames % len(self._pieces)]
        for number, piece in enumerate(pieces, 1):
            marker = 128 if number == len(pieces) else 0
            head = struct.pack("!BBHLL", 0x80, self._type | marker, self._sequence, self._timestamp, self._ssrc)
            self._sequence = self._sequence + 1 & 0xFFFF
            self._octets += len(piece)
            yield head + piece
        self.packets += len(pieces)
        self.frames += 1
        self._timestamp = self._timestamp + self._clip.ticks & 0xFFFFFFFF

    def report(self) -> bytes:
        said = SenderReport(self._ssrc, time.time(), 0, self._timestamp)
        return build_sender_report(said, self.packets, self._octets, "bench")


class Link:
    """One WebRTC connection of stock aiortc, but for its senders."""

    def __init__(self, clips: Sequence[Clip], address: str = "127.0.0.1") -> None:
        self.streams: list[Stream] = []
        self._clips, self._address = clips, address
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    async def connect(self, exchange: Exchange) -> None:
        senders = [self._peer.addTransceiver(clip.kind, direction="sendonly").sender for clip in self._clips]
        dtls = self._dtls = senders[0].transport
        ice = dtls.transport
        gather_only(ice.iceGatherer, [self._address])
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription.sdp
        answer = sdp.SessionDescription.parse(await exchange(offer)).media
        for candidate in answer[0].ice_candidates:
            await ice.addRemoteCandidate(candidate)
        await ice.addRemoteCandidate(None)
        assert answer[0].ice is not None
        assert answer[0].dtls is not None
        take_dtls_role(dtls, "client" if answer[0].dtls.role == "server" else "server")
        await ice.start(answer[0].ice)
        await dtls.start(answer[0].dtls)
        self._srtp: Session = srtp_sessions(dtls)[1]
        self._send = send_to_remote(ice.iceGatherer)
        for clip, ours, theirs in zip(self._clips, sdp.SessionDescription.parse(offer).media, answer, strict=True):
            kind = theirs.rtp.codecs[0].payloadType
            assert kind is not None
            self.streams.append(Stream(clip, ours.ssrc[0].ssrc, kind))

    def send(self, stream: Stream) -> None:
        """Sends the next frame, unless the other side has ended the connection: whoever measures counts those."""
        if self._dtls.state != "connected":
            return
        for packet in stream.next_frame():
            self._send(self._srtp.protect(packet))

    def report(self) -> None:
        for stream in self.streams if self._dtls.state == "connected" else ():
            self._send(self._srtp.protect_rtcp(stream.report()))


class Sending:
    """Keeps the pace of all links. `late_s` is the furthest that it fell behind."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.late_s = self._late_now_s = 0.0
        self._chance = random.Random(5)
        self._number = count()
        self._due: list[tuple[float, int, float, Callable[[], None]]] = []

    def add(self, link: Link) -> None:
        """Sends on `link` from now on; candidates are not in step."""
        self.links.append(link)
        begins = time.monotonic() + self._chance.random()
        for stream in link.streams:
            self._add(begins, stream.interval_s, partial(link.send, stream))
            begins += 0.5  # sound is recorded from the first picture on
        self._add(begins, _REPORT_EVERY_S, link.report)

    async def calm(self) -> None:
        """Waits until there is time for something else, which connecting is."""
        while self._late_now_s > _CALM_S:  # noqa: ASYNC110  # the pace is no event
            await asyncio.sleep(TICK_S)

    async def run(self) -> None:
        while True:
            now = time.monotonic()
            self._late_now_s = max(0.0, now - self._due[0][0]) if self._due else 0.0
            self.late_s = max(self.late_s, self._late_now_s)
            while self._due and self._due[0][0] <= now:
                due, number, every_s, act = self._due[0]
                heapq.heapreplace(self._due, (due + every_s, number, every_s, act))
                act()
            await asyncio.sleep(TICK_S)

    def _add(self, due: float, every_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due, next(self._number), every_s, act))


def cut(kind: Literal["video", "audio"], frame: bytes) -> list[bytes]:
    """The payloads of a frame: Opus as it is, VP8 behind the least descriptor there is (RFC 7741)."""
    if kind == "audio":
        return [frame]
    size = -(-len(frame) // -(-len(frame) // PIECE))
    return [(b"\0" if at else b"\x10") + frame[at : at + size] for at in range(0, len(frame), size)]


async def connect(url: str, candidates: int, what: Load, address: str, sending: Sending) -> None:
    """Connects all, each from `address`, and has each sent on at once.

    They post their offers to `url`/camera/N and `url`/screen/N.
    """
    room = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:

        async def one(path: str, clips: Sequence[Clip]) -> None:
            async def exchange(offer: str) -> str:
                return (await client.post(path, content=offer)).raise_for_status().text

            async with room:
                await sending.calm()
                link = Link(clips, address)
                await link.connect(exchange)
                sending.add(link)

        cameras = [one(f"/camera/{n}", [what.camera, what.sound]) for n in range(candidates)]
        screens = [one(f"/screen/{n}", [what.screen]) for n in range(candidates) if what.screen]
        await asyncio.gather(*cameras, *screens)


async def _main(port: int, address: str, candidates: int, packet_ms: int, screens: bool) -> None:
    """Says what is sent, connects, sends until told to stop, and says how much was sent."""
    pin(-1)
    what = load(packet_ms, screen=screens)
    say(str(what))
    sending = Sending()
    pacing = asyncio.create_task(sending.run())
    await connect(f"http://127.0.0.1:{port}", candidates, what, address, sending)
    say("sending")
    await asyncio.sleep(1)
    sending.late_s = 0.0  # connecting takes its time, and nobody is measured yet
    cpu, wall = time.process_time(), time.monotonic()
    await told()
    pacing.cancel()
    streams = [stream for link in sending.links for stream in link.streams]
    say(
        {
            "packets": sum(s.packets for s in streams),
            "frames": sum(s.frames for s in streams if s.kind == "video"),
            "sounds": sum(s.frames for s in streams if s.kind == "audio"),
            "late_s": round(sending.late_s, 3),
            "share": (time.process_time() - cpu) / (time.monotonic() - wall),
        }
    )
    await told()  # the links stand until the other side has counted


def _grainy(count: int) -> Iterator[Picture]:
    noise = np.random.default_rng(3)
    for number in range(count):
        picture = np.tile(np.linspace(40, 160, 640)[None, :, None], (480, 1, 3))
        x = round(240 + 200 * np.cos(2 * np.pi * number / count))
        picture[120:360, x : x + 160] = (230, 200, 170)
        grain = noise.normal(0, 6, (480, 640, 1))
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def _kbps(clip: Clip) -> int:
    return round(8 * sum(map(len, clip.frames)) / clip.duration_s / 1000)


if __name__ == "__main__":
    _port, _address, _candidates, _packet_ms, _screens = sys.argv[1:]
    asyncio.run(_main(int(_port), _address, int(_candidates), int(_packet_ms), _screens == "1"))
