"""Who records in the benchmark of recording: Vigil's own path to the finished file, and aiortc's MediaRecorder."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder

from commands.objects import FolderStore
from domain.messages import Track
from domain.segment import Segment, Why
from media.connection import Connection, Sealing
from media.finalise import finalise
from media.hooks import PeerCertificate, gather_only
from media.names import RecordingName, finalised_object_key
from media.offer import parse_offer
from media.port import MediaPort, open_socket
from media.spool import Spool
from media.spooled import NOTE, EndedNote, read_segment_note
from media.uploader import Uploader


class Ours:
    """Vigil's connections, recorded into a spool."""

    def __init__(self, folder: Path) -> None:
        self._port = MediaPort(open_socket("127.0.0.1", 0))
        self._spool, self._objects = Spool(folder / "spool", 1 << 34), FolderStore(folder / "objects")
        self._key = os.urandom(32)
        self._names: set[RecordingName] = set()
        self._certificate = PeerCertificate.generateCertificate()
        self._held: list[Connection] = []
        self._ticking = asyncio.create_task(self._tick())

    @property
    def connections(self) -> int:
        return sum(c.media_at is not None for c in self._held)

    def cpu_s(self) -> float:
        return time.process_time()

    async def answer(self, path: str, offer: str) -> str:
        track: Track = "screen" if "screen" in path else "camera"
        recording = RecordingName("bench", path.rpartition("/")[2], track)
        connection = Connection(
            recording,
            1,
            port=self._port,
            offer=parse_offer(offer, sound=track == "camera"),
            certificate=self._certificate,
            sealing=Sealing(self._key, await self._spool.connection(recording, 1)),
            on_keyframe=id,  # nobody looks
            on_end=self._held.remove,
        )
        self._held.append(connection)
        self._names.add(recording)
        return await connection.open()

    async def close(self) -> dict[str, int]:
        """Ends all. What is in the spool then, as its notes have it; and what never came as far as that."""
        self._ticking.cancel()
        lost, dropped = sum(c.packets_lost for c in self._held), dropped_packets(self._port.address[1])
        await asyncio.gather(*(c.end("stopped") for c in tuple(self._held)))
        self._spool.close()
        self._port.close()
        notes = [read_segment_note(note) for note in self._spool.root.glob(f"*/*/*/[0-9]*{NOTE}")]
        return {
            "frames": sum(n.frames for n in notes), "sounds": sum(n.sounds for n in notes),
            "lost": lost, "dropped": dropped, "disk_behind": sum(n.gap_before == "spool_full" for n in notes),
        }  # fmt: skip

    async def finish(self) -> float:
        """Delivers what was recorded and makes the finished files: CPU seconds for each second of it."""
        segments: dict[RecordingName, list[Segment]] = defaultdict(list)
        waiting, all_there, loop = set(self._names), asyncio.Event(), asyncio.get_running_loop()

        async def stored(name: RecordingName, segment: Segment, _: Why | None) -> None:
            segments[name].append(segment)

        async def ended(name: RecordingName, _: int, __: EndedNote) -> None:
            waiting.discard(name)
            if not waiting:
                all_there.set()

        def read(segment: Segment) -> bytes:  # in the thread that finalises
            return asyncio.run_coroutine_threadsafe(self._objects.get(segment.object_key), loop).result()

        cpu, recorded_s = time.process_time(), 0.0
        uploading = asyncio.create_task(
            Uploader(self._spool.root, self._objects, stored=stored, ended=ended).run(), name="uploading"
        )
        await all_there.wait()
        uploading.cancel()
        for name in self._names:
            made = await asyncio.to_thread(finalise, self._key, name, segments[name], read)
            await self._objects.put_new(finalised_object_key(name, made.sha256), made.stored)
            recorded_s += made.duration_s
        return (time.process_time() - cpu) / recorded_s

    async def _tick(self) -> None:
        while True:
            for connection in tuple(self._held):
                connection.tick()
            await asyncio.sleep(1)


class Aiortc:
    """Stock peer connections, each recorded by MediaRecorder, which decodes and encodes again.

    It has two files, one for the picture and one for the sound, as it loses the picture of one file when sound comes
    first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[tuple[RTCPeerConnection, list[MediaRecorder]]] = []

    @property
    def connections(self) -> int:
        return sum(peer.connectionState == "connected" for peer, _ in self._held)

    def cpu_s(self) -> float:
        return time.process_time()

    async def answer(self, path: str, offer: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        recorders: list[MediaRecorder] = []

        @peer.on("track")
        def on_track(track: Any) -> None:  # noqa: ANN401  # as aiortc gives it
            recorder = MediaRecorder(str(self._folder / f"{path.rpartition('/')[2]}-{track.kind}.webm"))
            recorder.addTrack(track)
            recorders.append(recorder)

        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for receiver in peer.getReceivers():
            gather_only(receiver.transport.transport.iceGatherer, ["127.0.0.1"])
        for recorder in recorders:
            await recorder.start()
        await peer.setLocalDescription(await peer.createAnswer())
        self._held.append((peer, recorders))
        return str(peer.localDescription.sdp)

    async def close(self) -> dict[str, int]:
        for peer, recorders in self._held:
            await asyncio.gather(*(r.stop() for r in recorders), return_exceptions=True)
            await peer.close()
        return {"frames": sum(map(_packets, self._folder.glob("*-video.webm"))),
                "sounds": sum(map(_packets, self._folder.glob("*-audio.webm")))}  # fmt: skip

    async def finish(self) -> float:
        """Nothing is left to do."""
        return 0.0


def _packets(file: Path) -> int:
    with av.open(str(file)) as container:
        return sum(packet.size > 0 for packet in container.demux())


def dropped_packets(port: int) -> int:
    """How many the kernel threw away, as the UDP socket of this port was full. 0 where it does not say (not Linux)."""
    table = Path("/proc/net/udp")
    if not table.exists():
        return 0
    lines = [line.split() for line in table.read_text().splitlines()[1:]]
    return sum(int(fields[-1]) for fields in lines if int(fields[1].rpartition(":")[2], 16) == port)
