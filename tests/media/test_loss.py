"""On a bad network, where a tenth of all media and feedback packets is gone, nothing of a recording is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from commands.objects import FolderStore
from domain.segment import Segment, Why
from media import track, worker
from media.clips import Clip
from media.finalise import finalise
from media.names import RecordingName, finalised_object_key
from media.playback import Playback
from media.spooled import EndedNote
from media.uploader import Uploader
from tests.media.hall import TENANT, Eventually, media_key_of, new_settings, open_hall, watch
from tests.media.lossy import LossyNetwork

LOSS = 0.1


async def test_at_ten_percent_loss_a_whole_recording_is_stored_finalised_and_played(
    nats_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    session: str,
    card: Clip,
    tone: Clip,
    page: Clip,
    eventually: Eventually,
) -> None:
    network = LossyNetwork(incoming=LOSS, outgoing=LOSS)
    monkeypatch.setattr(worker, "open_socket", network.open_socket)
    monkeypatch.setattr(track, "GIVE_UP_S", 5.0)  # sender and receiver share this thread: it may halt for longer
    async with open_hall(new_settings(nats_url, tmp_path)) as hall:
        async with (
            hall.publisher(session, "camera", card, tone) as camera,
            hall.publisher(session, "screen", page) as screen,
        ):
            await camera.connected()
            await screen.connected()
            await asyncio.sleep(7)
            camera.video.stop()
            screen.video.stop()
            await asyncio.sleep(1.5)  # the last retransmissions
        for name in ("camera", "screen"):
            await eventually((hall.folder(session, name) / "ended.json").exists)
        cameras, screens = hall.segments(session, "camera"), hall.segments(session, "screen")
    assert network.lost > 30
    for segments, publisher in ((cameras, camera), (screens, screen)):
        seen = [watch(s.opened.plaintext) for s in segments]
        assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
        frames = sum(w.decoded["video"] for w in seen)
        assert publisher.video.sent - frames <= 3  # a last frame that nothing follows is not known to be lost
    sounds = sum(watch(s.opened.plaintext).decoded["audio"] for s in cameras)
    assert sounds >= 0.8 * camera.audio.sent  # sound is not sent again
    data = await stored_finalised_and_played(hall.settings.spool, tmp_path / "objects", session)
    seen = watch(data)
    assert seen.monotonic
    assert seen.decoded == seen.packets == {"video": sum(s.note.frames for s in cameras), "audio": sounds}


async def stored_finalised_and_played(spool: Path, objects: Path, session: str) -> bytes:
    """Takes the camera from the spool through object store and remux to what a player gets."""
    store, recording = FolderStore(objects), RecordingName(TENANT, session, "camera")
    segments: list[Segment] = []
    ended = asyncio.Event()

    async def on_stored(name: RecordingName, segment: Segment, gap_before: Why | None) -> None:
        if name == recording:
            segments.append(segment)

    async def on_ended(name: RecordingName, connection: int, note: EndedNote) -> None:
        if name == recording:
            ended.set()

    task = asyncio.create_task(Uploader(spool, store, stored=on_stored, ended=on_ended).run())
    await asyncio.wait_for(ended.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    files = {s.object_key: await store.get(s.object_key) for s in segments}
    data_key = media_key_of(session)
    file = await asyncio.to_thread(finalise, data_key, recording, segments, lambda s: files[s.object_key])
    key = finalised_object_key(recording, file.sha256)
    await store.put_new(key, file.stored)
    playback = await Playback.open(store, key, len(file.stored), data_key=data_key, recording=recording)
    return b"".join([piece async for piece in playback.read(0, playback.size)])
