"""Camera, screen and sound of one candidate, played by their wall times, show and tell the same moment."""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from commands.objects import FolderStore
from domain.messages import Track
from domain.recording import Why
from domain.segment import Segment
from media.finalise import finalise
from media.names import RecordingName
from media.playback import Playback
from media.spooled import EndedNote
from media.uploader import Uploader
from tests.media.hall import TENANT, Hall, media_key_of
from tests.media.marked import Mark, clicks, drawn, pictures, read
from tests.serving import serving

IN_STEP_S = 0.04
SECONDS = 20


class SlowWay(asyncio.DatagramProtocol):
    """A way to the worker that takes each packet `least_s` to `most_s`; they overtake each other. Back it is quick."""

    def __init__(self, worker: tuple[str, int], least_s: float, most_s: float) -> None:
        self._worker, self._least_s, self._most_s = worker, least_s, most_s
        self._chance = random.Random(3)
        self._loop = asyncio.get_running_loop()
        self._client: Any = None

    async def open(self) -> int:
        """The port that stands for the worker's."""
        self._here, _ = await self._loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self._there, _ = await self._loop.create_datagram_endpoint(lambda: _Back(self._back), ("127.0.0.1", 0))
        port: int = self._here.get_extra_info("sockname")[1]
        return port

    def close(self) -> None:
        self._here.close()
        self._there.close()

    def datagram_received(self, data: bytes, address: Any) -> None:  # noqa: ANN401  # as in asyncio
        self._client = address
        self._loop.call_later(self._chance.uniform(self._least_s, self._most_s), self._forth, data)

    def _forth(self, data: bytes) -> None:
        if not self._there.is_closing():
            self._there.sendto(data, self._worker)

    def _back(self, data: bytes) -> None:
        if self._client is not None and not self._here.is_closing():
            self._here.sendto(data, self._client)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, give: Callable[[bytes], None]) -> None:
        self._give = give

    def datagram_received(self, data: bytes, _: Any) -> None:  # noqa: ANN401
        self._give(data)


@asynccontextmanager
async def front_door(hall: Hall, slow: dict[Track, tuple[float, float]]) -> AsyncIterator[str]:
    """Its URL. Media of the tracks in `slow` take that long to come."""
    ways: list[SlowWay] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        track = scope["path"].split("/")[3]

        async def changed(message: Any) -> None:  # noqa: ANN401
            if track in slow and b"a=candidate" in message.get("body", b""):
                text = message["body"].decode()
                found = re.search(r"127\.0\.0\.1 (\d+) typ", text)
                assert found is not None
                way = SlowWay(("127.0.0.1", int(found[1])), *slow[track])
                ways.append(way)
                text = text.replace(f"127.0.0.1 {found[1]} typ", f"127.0.0.1 {await way.open()} typ")
                message = message | {"body": text.encode()}
            await send(message)

        await hall.front_door(scope, receive, changed)

    try:
        async with serving(app) as url:
            yield url
    finally:
        for way in ways:
            way.close()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("screen_after_s", "slow"),
    [
        (3.0, {}),
        (0.0, {"screen": (0.0, 0.15)}),
        (3.0, {"screen": (0.0, 0.15)}),
        (1.5, {"camera": (0.0, 0.06), "screen": (0.0, 0.15)}),
    ],
)
async def test_camera_screen_and_sound_are_in_step(
    hall: Hall, tmp_path: Path, session: str, screen_after_s: float, slow: dict[Track, tuple[float, float]]
) -> None:
    async with front_door(hall, slow) as url:
        command = ("-m", "tests.media.marked", url, session, str(screen_after_s), str(SECONDS))
        publisher = await asyncio.create_subprocess_exec(sys.executable, *command)
        assert await asyncio.wait_for(publisher.wait(), SECONDS + 30) == 0
    files = await finished(hall, session, tmp_path)
    shown, heard, written = pictures(*files["camera"]), clicks(*files["camera"]), pictures(*files["screen"])
    assert shown[-1].at - shown[0].at > SECONDS - 1
    assert written[-1].at - written[0].at > SECONDS - 2
    assert len(heard) > SECONDS - 3
    assert apart(written, shown) < IN_STEP_S
    assert apart(heard, shown) < IN_STEP_S


def apart(some: list[Mark], others: list[Mark]) -> float:
    """By how many seconds what is seen or heard at one time was not taken at one time, at most."""
    late = []
    for mark in some:
        near = min(others, key=lambda other: abs(other.at - mark.at))
        if abs(near.at - mark.at) < 0.2:
            late.append((mark.at - mark.taken) - (near.at - near.taken))
    assert len(late) > len(some) - 10
    return max(map(abs, late))


async def finished(hall: Hall, session: str, folder: Path) -> dict[Track, tuple[bytes, float]]:
    """The finished files as a player gets them, each with the wall time of its beginning."""
    store, key = FolderStore(folder / "objects"), media_key_of(session)
    segments: dict[Track, list[Segment]] = {"camera": [], "screen": []}
    waiting, all_there = set(segments), asyncio.Event()

    async def on_stored(name: RecordingName, segment: Segment, gap_before: Why | None) -> None:
        segments[name.track].append(segment)

    async def on_ended(name: RecordingName, connection: int, note: EndedNote) -> None:
        waiting.discard(name.track)
        if not waiting:
            all_there.set()

    uploading = asyncio.create_task(Uploader(hall.settings.spool, store, stored=on_stored, ended=on_ended).run())
    await asyncio.wait_for(all_there.wait(), 20)
    uploading.cancel()
    await asyncio.gather(uploading, return_exceptions=True)
    files: dict[Track, tuple[bytes, float]] = {}
    for track, there in segments.items():
        stored = {segment.object_key: await store.get(segment.object_key) for segment in there}
        recording = RecordingName(TENANT, session, track)
        file = await asyncio.to_thread(finalise, key, recording, there, lambda s, stored=stored: stored[s.object_key])
        await store.put_new(track, file.stored)
        playback = await Playback.open(store, track, len(file.stored), data_key=key, recording=recording)
        played = b"".join([piece async for piece in playback.read(0, playback.size)])
        files[track] = played, there[0].started_at.timestamp()
    return files


def test_a_mark_can_be_read() -> None:
    for ms in (0, 1, 999_999, (1 << 20) - 1):
        assert read(drawn(ms)) == ms
