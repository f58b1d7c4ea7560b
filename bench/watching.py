"""What watching costs: one more viewer of a camera, beside aiortc's MediaRelay, and the wall's thumbnails.

One publisher sends a clip that was encoded ahead, in a process of its own; viewers take and decode it in another. Both
sides are measured with few viewers and with several, and the difference is divided by how many came.
"""

from __future__ import annotations

import asyncio
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import av
import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError

from bench.processes import expect, free_port, process, serving
from domain.messages import KeyFrame, Watch
from media.clips import card_clip, sound_clip
from media.connection import Connection
from media.frames import to_picture
from media.hooks import PeerCertificate, gather_only
from media.names import RecordingName
from media.offer import parse_offer
from media.port import MediaPort, open_socket
from media.publisher import Publisher
from media.viewer import Viewers

NAME = "bench.watching"
WARM_S, WINDOW_S = 4.0, 10.0
FEW, OURS, THEIRS = 1, 9, 3  # viewers
CAMERA = "VP8 640x480 at 15 a second, 300 kbit/s, Opus in packets of 60 ms"


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 90 seconds."""
    theirs, ours = _one_more("aiortc", THEIRS), _one_more("ours", OURS)
    return [
        {
            "name": "one more viewer of a camera with sound, against aiortc MediaRelay", "value": round(ours * 1000, 3),
            "unit": "CPU ms a second", "baseline": round(theirs * 1000, 1), "ratio": round(theirs / ours, 1),
            "goal": ">=20", "note": f"{CAMERA}; from {FEW} to {OURS} viewers, theirs to {THEIRS}",
        },
        _thumbnails(),
    ]  # fmt: skip


def _thumbnails() -> dict[str, object]:
    """A key frame to a picture for detectors and a thumbnail for the wall, in turns with the usual way."""
    data = card_clip().frames[0]
    keyframe = KeyFrame(tenant="t", session="s", track="camera", at=datetime.now(UTC), codec="VP8", data=data)

    def usual() -> None:
        decoder = av.CodecContext.create("vp8", "r")
        image = (decoder.decode(av.Packet(data)) or decoder.decode(None))[0].to_image()  # type: ignore[attr-defined]
        image.save(io.BytesIO(), "JPEG", quality=85)
        image.thumbnail((160, 320))
        image.save(io.BytesIO(), "JPEG", quality=75)

    ours, theirs = [], []
    for _ in range(7):
        ours.append(_rate(lambda: to_picture(keyframe)))
        theirs.append(_rate(usual))
    value, baseline = statistics.median(ours), statistics.median(theirs)
    return {
        "name": "thumbnails a core-second, each with the detectors' picture, against PyAV and Pillow",
        "value": round(value), "unit": "pictures", "baseline": round(baseline), "ratio": round(value / baseline, 2),
        "goal": None, "note": "from a VP8 key frame of 640x480 to a JPEG of that size and one of 160x120; median of 7",
    }  # fmt: skip


def _rate(work: Callable[[], object]) -> float:
    """How often a second of CPU time has room for it."""
    began = time.process_time()
    for _ in range(100):
        work()
    return 100 / (time.process_time() - began)


def _one_more(server: str, viewers: int) -> float:
    """CPU seconds a second."""
    return (_measure(server, viewers) - _measure(server, FEW)) / (viewers - FEW)


def _measure(server: str, viewers: int) -> float:
    port = free_port()
    with process(NAME, "serve", server, port) as relay:
        expect(relay, "ready")
        with process(NAME, "publish", port) as publisher, process(NAME, "watch", port, viewers) as watchers:
            expect(publisher, "sending")
            expect(watchers, "watching")
            assert relay.stdin is not None
            assert relay.stdout is not None
            assert watchers.stdout is not None
            relay.stdin.write("now\n")
            relay.stdin.flush()
            cost = float(relay.stdout.readline())
            frames = json.loads(watchers.stdout.readline())
            for other in (publisher, watchers, relay):
                other.kill()
    if len(frames) != viewers or min(frames) < 0.9 * WINDOW_S * 15:
        raise RuntimeError(f"the measurement does not count: the viewers saw {frames} frames")
    return cost


class Ours:
    """Vigil's connection and its viewers, in one process as in a media worker. Nothing is recorded."""

    def __init__(self) -> None:
        self._port = MediaPort(open_socket("127.0.0.1", 0))
        self._certificate = PeerCertificate.generateCertificate()
        self._viewers = Viewers(self._port, self._certificate, "bench")
        self._camera = RecordingName("bench", "0", "camera")
        self._connection: Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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


async def _serve(kind: str, port: int) -> None:
    async with serving(port, (Ours() if kind == "ours" else Aiortc()).answer):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.sleep(WARM_S)
        wall, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(WINDOW_S)
        print((time.process_time() - cpu) / (time.monotonic() - wall), flush=True)
        await asyncio.sleep(60)


async def _publish(port: int) -> None:
    async with Publisher(f"http://127.0.0.1:{port}/camera", None, card_clip(), sound_clip(hertz=440)) as publisher:
        await publisher.connected()
        print("sending", flush=True)
        await asyncio.sleep(120)


async def _watch(port: int, viewers: int) -> None:
    frames = [0] * viewers
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30))
        await asyncio.sleep(3)  # the publisher comes first
        for number in range(viewers):
            peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            stack.push_async_callback(peer.close)
            peer.on("track", lambda track, number=number: _counting(track, frames, number))
            for kind in ("video", "audio"):
                transceiver = peer.addTransceiver(kind, direction="recvonly")
                gather_only(transceiver.receiver.transport.transport.iceGatherer, ["127.0.0.1"])
            await peer.setLocalDescription(await peer.createOffer())
            answer = await client.post(f"/watch/{number}", content=peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(answer.raise_for_status().text, "answer"))
        print("watching", flush=True)
        await asyncio.sleep(WARM_S)
        before = list(frames)
        await asyncio.sleep(WINDOW_S)
        print(json.dumps([after - one for one, after in zip(before, frames, strict=True)]), flush=True)
        await asyncio.sleep(60)


_looking: set[asyncio.Task[None]] = set()


def _counting(track: MediaStreamTrack, frames: list[int], number: int) -> None:
    async def look() -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            frames[number] += track.kind == "video"

    _looking.add(asyncio.create_task(look()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, port]:
            asyncio.run(_serve(kind, int(port)))
        case ["publish", port]:
            asyncio.run(_publish(int(port)))
        case ["watch", port, viewers]:
            asyncio.run(_watch(int(port), int(viewers)))
        case _:
            print(json.dumps(run(), indent=1))
