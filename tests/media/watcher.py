"""An invigilator's browser in Python: stock aiortc, which takes and decodes what a worker sends."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from domain.messages import Published, Refusal, StopWatching, Track, VideoCodec, Watch
from media.hooks import gather_only
from tests.media.hall import TENANT, Hall


class WatchRefused(Exception):
    """The worker does not take the offer."""


class Watcher:
    """`async with Watcher(hall, session, "camera", "one")` watches; `times` says when each frame came."""

    def __init__(self, hall: Hall, session: str, track: Track, name: str, codec: VideoCodec | None = None) -> None:
        self.times: dict[str, list[float]] = {"video": [], "audio": []}
        self.stamps: dict[str, list[float]] = {"video": [], "audio": []}
        self.sizes: set[tuple[int, int]] = set()
        self.asked_at = 0.0
        self.offer = self.answer = ""
        self._hall, self._session, self._track, self.name = hall, session, track, name
        self._codec = codec  # the only one that it takes
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("track", self._on_track)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for kind in ("video", "audio") if self._track == "camera" else ("video",):
            transceiver = self._peer.addTransceiver(kind, direction="recvonly")
            if kind == "video" and self._codec:
                known = RTCRtpReceiver.getCapabilities(kind).codecs
                transceiver.setCodecPreferences([c for c in known if c.mimeType == f"video/{self._codec}"])
            gather_only(transceiver.receiver.transport.transport.iceGatherer, ["127.0.0.1"])
        await self._peer.setLocalDescription(await self._peer.createOffer())
        self.asked_at = time.monotonic()
        self.offer = self._peer.localDescription.sdp
        request = Watch(tenant=TENANT, session=self._session, track=self._track, viewer=self.name, sdp=self.offer)
        reply = await self._hall.ask(request)
        if isinstance(reply, Refusal):
            await self._peer.close()
            raise WatchRefused(reply)
        assert isinstance(reply, Published), reply
        self.answer = reply.sdp
        await self._peer.setRemoteDescription(RTCSessionDescription(reply.sdp, "answer"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hall.ask(StopWatching(viewer=self.name))
        for task in self._tasks:
            task.cancel()
        await self._peer.close()

    @property
    def state(self) -> str:
        return self._peer.connectionState

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._look(track)))

    async def _look(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.times[track.kind].append(time.monotonic())
            self.stamps[track.kind].append(float(frame.pts * frame.time_base))
            if track.kind == "video":
                self.sizes.add((frame.width, frame.height))
