"""Who passes a camera on in the benchmark of watching: Vigil's viewers, and aiortc's MediaRelay."""

from __future__ import annotations

import asyncio
import time

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from domain.messages import Watch
from media.connection import Connection
from media.hooks import PeerCertificate, gather_only
from media.names import RecordingName
from media.offer import parse_offer
from media.port import MediaPort, open_socket
from media.viewer import Viewers


class Ours:
    """Vigil's connection and its viewers, in one process as in a media worker. Nothing is recorded."""

    def __init__(self) -> None:
        self._port = MediaPort(open_socket("127.0.0.1", 0))
        self._certificate = PeerCertificate.generateCertificate()
        self._viewers = Viewers(self._port, self._certificate, "bench")
        self._camera = RecordingName("bench", "0", "camera")
        self._connection: Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def cpu_s(self) -> float:
        return time.process_time()

    async def answer(self, path: str, offer: str) -> str:
        if path.startswith("/watch"):
            assert self._connection
            request = Watch(tenant="bench", session="0", track="camera", viewer=path, sdp=offer)
            reply = await self._viewers.watch(request, self._camera, self._connection.tracks)
            self._tasks.add(asyncio.create_task(self._vouch(path)))
            return reply.sdp  # type: ignore[union-attr] - or it fails
        self._connection = Connection(
            self._camera, 1, port=self._port, offer=parse_offer(offer, sound=True), certificate=self._certificate,
            sealing=None, on_keyframe=id, on_end=id,
        )  # fmt: skip
        return await self._connection.open()

    async def _vouch(self, viewer: str) -> None:
        while True:
            self._viewers.renew(viewer)
            await asyncio.sleep(2)


class Aiortc:
    """A stock peer connection whose tracks a MediaRelay gives to others: decoded once, encoded for each viewer."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: list[MediaStreamTrack] = []
        self._held: list[RTCPeerConnection] = []

    def cpu_s(self) -> float:
        return time.process_time()

    async def answer(self, path: str, offer: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._held.append(peer)
        if path.startswith("/watch"):
            for track in self._tracks:
                peer.addTrack(self._relay.subscribe(track))
        else:
            peer.on("track", self._tracks.append)
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in peer.getTransceivers():
            gather_only(transceiver.receiver.transport.transport.iceGatherer, ["127.0.0.1"])
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)
