"""Viewers in a process of their own: stock aiortc, which takes and decodes what comes, and counts the pictures."""

from __future__ import annotations

import asyncio
import sys

import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from bench.processes import pin, say, told
from media.hooks import gather_only


class Viewer:
    """One who watches. `frames` counts what was decoded."""

    def __init__(self, number: int, address: str) -> None:
        self.frames = 0
        self._number, self._address = number, address
        self._looking: set[asyncio.Task[None]] = set()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("track", lambda track: self._looking.add(asyncio.create_task(self._look(track))))

    async def offer(self, client: httpx.AsyncClient) -> None:
        """As WHEP has it: the viewer offers, the server answers."""
        for kind in ("video", "audio"):
            self._peer.addTransceiver(kind, direction="recvonly")
        self._gather()
        await self._peer.setLocalDescription(await self._peer.createOffer())
        answer = await self._post(client, "watch", self._peer.localDescription.sdp)
        await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def take_offer(self, client: httpx.AsyncClient) -> None:
        """The other way round."""
        offer = await self._post(client, "watch", "")
        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._gather()
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        await self._post(client, "watching", self._peer.localDescription.sdp)

    async def _post(self, client: httpx.AsyncClient, path: str, text: str) -> str:
        return (await client.post(f"/{path}/{self._number}", content=text)).raise_for_status().text

    def _gather(self) -> None:
        for transceiver in self._peer.getTransceivers():
            gather_only(transceiver.receiver.transport.transport.iceGatherer, [self._address])

    async def _look(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            self.frames += track.kind == "video"


async def _main(port: int, address: str, offered: bool) -> None:
    """Told a number, has so many watch; and says how many pictures each has seen so far."""
    pin(-1)
    viewers: list[Viewer] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while wanted := await told():
            if wanted != "seen":
                while len(viewers) < int(wanted):
                    viewer = Viewer(len(viewers), address)
                    await (viewer.take_offer if offered else viewer.offer)(client)
                    viewers.append(viewer)
            say([viewer.frames for viewer in viewers])


if __name__ == "__main__":
    _port, _address, _offered = sys.argv[1:]
    asyncio.run(_main(int(_port), _address, _offered == "1"))
