"""A candidate's browser in Python: publishes camera and screen by WHIP, for demo, tests and benchmarks.

It is stock aiortc, so a client that shares nothing with our receiver. Pictures are encoded once, ahead, and played in a
loop: six candidates then cost less than half a core. A key frame comes every two seconds whether asked for or not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import av
import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av.stream import Stream

from domain.messages import VideoCodec
from media.clips import Clip
from media.hooks import cut, gather_only

_LOOPBACK = {"127.0.0.1", "localhost"}


class PublishRefused(Exception):
    """The server answered the offer with something else than 201."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code}: {response.text[:200]}")
        self.status = response.status_code


class LoopTrack(MediaStreamTrack):
    """Plays an encoded clip in real time, over and over. `sent` counts frames."""

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self.kind = clip.kind
        self.sent = 0
        self._clip, self._next, self._at = clip, 0, 0
        self._start: float | None = None

    def play(self, clip: Clip) -> None:
        """Goes on with another clip of the same kind, from its first frame, which is a key frame."""
        self._clip, self._next = clip, 0

    async def recv(self) -> av.Packet[Stream]:
        if self.readyState != "live":
            raise MediaStreamError
        clip, number = self._clip, self._next
        now = time.monotonic()
        if self._start is None:
            self._start = now
        due = self._start + self._at / clip.rate
        if now > due + 1:  # the machine slept or is too slow: go on from here
            self._start += now - due
        await asyncio.sleep(due - now)
        packet = av.Packet(clip.frames[number])
        packet.pts, packet.time_base = self._at, Fraction(1, clip.rate)
        self._at += clip.ticks
        if clip is self._clip:
            self._next = (number + 1) % len(clip.frames)
        self.sent += 1
        return packet


class Publisher:
    """One WHIP connection: `async with Publisher(url, token, video, audio)`. Leaving sends DELETE and goodbye."""

    def __init__(
        self,
        url: str,
        token: str | None,
        video: Clip,
        audio: Clip | None = None,
        *,
        client: Callable[[], httpx.AsyncClient] = httpx.AsyncClient,
    ) -> None:
        self.video = LoopTrack(video)
        self.codec = video.codec
        self.audio = LoopTrack(audio) if audio else None
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = client
        self.answer = ""
        self._location: str | None = None
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def __aenter__(self) -> Self:
        try:
            await self._publish()
        except BaseException:
            await self._peer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def show(self, clip: Clip) -> None:
        """Changes the picture."""
        self.video.play(clip)

    async def connected(self, within_s: float = 10.0) -> None:
        """Waits until media flows. TimeoutError when it does not in time."""
        async with asyncio.timeout(within_s):
            while self._peer.connectionState != "connected":  # noqa: ASYNC110  # aiortc has events, not a wait
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Ends the connection as WHIP asks: DELETE, then DTLS goodbye. Safe to call twice."""
        location, self._location = self._location, None
        try:
            if location is not None:
                async with self._client() as client:
                    await client.delete(location, headers=self._headers)
        finally:
            await self._peer.close()

    async def cut(self) -> None:
        """The network is gone: no DELETE, no goodbye, nothing more is sent."""
        self._location = None
        for sender in self._peer.getSenders():
            cut(sender.transport.transport.iceGatherer)
        await self._peer.close()

    async def _publish(self) -> None:
        senders = [self._add(self.video, self.codec)] + ([self._add(self.audio)] if self.audio else [])
        if urlsplit(self._url).hostname in _LOOPBACK:
            for sender in senders:
                gather_only(sender.transport.transport.iceGatherer, ["127.0.0.1"])
        await self._peer.setLocalDescription(await self._peer.createOffer())
        async with self._client() as client:
            response = await client.post(
                self._url,
                content=self._peer.localDescription.sdp,
                headers=self._headers | {"Content-Type": "application/sdp"},
            )
        if response.status_code != httpx.codes.CREATED:
            raise PublishRefused(response)
        self._location = urljoin(self._url, response.headers["Location"])
        self.answer = response.text
        await self._peer.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    def _add(self, track: MediaStreamTrack, codec: VideoCodec | None = None) -> RTCRtpSender:
        transceiver = self._peer.addTransceiver(track, direction="sendonly")
        if codec is not None:
            known = RTCRtpSender.getCapabilities(track.kind).codecs
            transceiver.setCodecPreferences([c for c in known if c.mimeType in (f"video/{codec}", "video/rtx")])
        return transceiver.sender
