"""A bad network, made at the worker's socket: a tenth of all media and feedback packets is gone, some come late."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from media import worker
from media.clips import Clip
from tests.media.hall import Eventually, new_settings, open_hall, watch

LOSS = 0.1


class LossySocket(socket.socket):
    """Loses RTP and RTCP in both directions, by a seeded chance. Signalling gets through: it has its own repair."""

    chance = random.Random(11)
    lost = 0

    def recvfrom(self, *args: Any) -> Any:  # noqa: ANN401  # as in socket
        while True:
            data, address = super().recvfrom(*args)
            if not self._loses(data):
                return data, address

    def sendto(self, data: Any, *args: Any) -> int:  # noqa: ANN401  # as in socket
        return len(data) if self._loses(data) else super().sendto(data, *args)

    def _loses(self, data: bytes) -> bool:
        if data[0] < 128 or self.chance.random() >= LOSS:
            return False
        LossySocket.lost += 1
        return True


def open_lossy_socket(ip: str, port: int) -> socket.socket:
    sock = LossySocket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((ip, port))
    return sock


async def test_at_ten_percent_loss_no_frame_of_camera_or_screen_is_missing(
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
    monkeypatch.setattr(worker, "open_socket", open_lossy_socket)
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
            await asyncio.sleep(0.6)  # the last retransmissions
        for track in ("camera", "screen"):
            await eventually((hall.folder(session, track) / "ended.json").exists)
        cameras, screens = hall.segments(session, "camera"), hall.segments(session, "screen")
    assert LossySocket.lost > 30
    for segments, publisher in ((cameras, camera), (screens, screen)):
        seen = [watch(s.opened.plaintext) for s in segments]
        assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
        frames = sum(w.decoded["video"] for w in seen)
        assert publisher.video.sent - frames <= 3  # a last frame that nothing follows is not known to be lost
    sounds = sum(watch(s.opened.plaintext).decoded["audio"] for s in cameras)
    assert sounds >= 0.8 * camera.audio.sent  # sound is not sent again
