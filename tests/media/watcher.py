"""An invigilator's browser in Python: stock aiortc, which takes and decodes what a worker sends."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from domain.messages import Published, StopWatching, Track, Watch
from media.hooks import gather_only
from tests.media.hall import TENANT, Hall


class Watcher:
    """`async with Watcher(hall, session, "camera", "one")` watches; `times` says when each frame came."""

    def __init__(self, hall: Hall, session: str, track: Track, name: str) -> None:
        self.times: dict[str, list[float]] = {"video": [], "audio": []}
        self.stamps: dict[str, list[float]] = {"video": [], "audio": []}
        self.sizes: set[tuple[int, int]] = set()
        self.asked_at = 0.0
        self.offer = self.answer = ""
        self._hall, self._session, self._track, self.name = hall, session, track, name
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("track", self._on_track)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for kind in ("video", "audio") if self._track == "camera" else ("video",):
            transceiver = self._peer.addTransceiver(kind, direction="recvonly")
            gather_only(transceiver.receiver.transport.transport.iceGatherer, ["127.0.0.1"])
        await self._peer.setLocalDescription(await self._peer.createOffer())
        self.asked_at = time.monotonic()
        self.offer = self._peer.localDescription.sdp
        request = Watch(tenant=TENANT, session=self._session, track=self._track, viewer=self.name, sdp=self.offer)
        reply = await self._hall.ask(request)
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
