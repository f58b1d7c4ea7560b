"""A candidate whose camera and screen show the time at which each picture is taken, and whose microphone hears a click
at each whole second. As a program it publishes both; its functions read from a recording what was shown and heard.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
from aiortc import MediaStreamTrack
from numpy.typing import NDArray

from media.clips import Clip
from media.publisher import Publisher

RATE = 48_000
SOUND_S = 0.02  # of each piece
_CLICK_S = 0.01
_WIDTH, _HEIGHT, _BITS = 320, 240, 20  # milliseconds of seventeen minutes, as patches, four in a row
_NOTHING = Clip("video", (), 90_000, 1)


class Mark(NamedTuple):
    """What is played at `at` was taken at `taken`: both seconds, the one of wall time as the recording has it."""

    at: float
    taken: float


def drawn(ms: int) -> NDArray[np.uint8]:
    """The picture of this number, grey."""
    bits = np.array([ms >> n & 1 for n in range(_BITS)], np.uint8).reshape(5, 4)
    return np.kron(bits * 200 + 20, np.ones((_HEIGHT // 5, _WIDTH // 4), np.uint8))


def read(picture: NDArray[np.uint8]) -> int:
    height, width = picture.shape[0] // 5, picture.shape[1] // 4
    patches = picture[: 5 * height, : 4 * width].reshape(5, height, 4, width)[:, 10:-10, :, 10:-10].mean((1, 3))
    return sum(int(bright) << n for n, bright in enumerate((patches > 120).flat))


def pictures(file: bytes, began: float) -> list[Mark]:
    """The marks of all pictures of a recording that began at this wall time."""
    marks = []
    with av.open(io.BytesIO(file)) as container:
        for frame in container.decode(video=0):
            at = began + float(frame.time or 0)
            shown = read(np.asarray(frame.to_ndarray(format="gray"), np.uint8)) / 1000
            whole = (1 << _BITS) / 1000
            marks.append(Mark(at, shown + whole * round((at - shown) / whole)))
    return marks


def clicks(file: bytes, began: float) -> list[Mark]:
    """Where in a recording the clicks begin, each taken for that of the nearest whole second."""
    marks: list[Mark] = []
    with av.open(io.BytesIO(file)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(float)) > 0.2)
            if loud.size:
                at = began + float(frame.time or 0) + int(loud[0]) / frame.sample_rate
                if not marks or at - marks[-1].at > 0.5:
                    marks.append(Mark(at, round(at)))
    return marks


class Shown(MediaStreamTrack):
    """Pictures of the present moment, encoded as they come."""

    kind = "video"
    sent = 0

    def __init__(self, fps: int) -> None:
        super().__init__()
        self._every_s, self._due, self._zero = 1 / fps, time.time(), time.time()

    async def recv(self) -> av.VideoFrame:
        self._due = max(self._due + self._every_s, time.time() - self._every_s)
        await asyncio.sleep(self._due - time.time())
        now = round(time.time(), 3)
        frame = av.VideoFrame.from_ndarray(drawn(round(now * 1000) % (1 << _BITS)), format="gray").reformat(
            format="yuv420p"
        )
        frame.pts, frame.time_base = round((now - self._zero) * 90_000), Fraction(1, 90_000)
        return frame


class Heard(MediaStreamTrack):
    """Silence, and a click at each whole second of wall time."""

    kind = "audio"
    sent = 0

    def __init__(self) -> None:
        super().__init__()
        self._zero, self._at = 0.0, 0

    async def recv(self) -> av.AudioFrame:
        self._zero = self._zero or time.time()
        size = round(RATE * SOUND_S)
        began = self._zero + self._at / RATE
        await asyncio.sleep(began - time.time())
        when = began + np.arange(size) / RATE
        wave = np.where(when % 1 < _CLICK_S, 20_000 * np.sin(2 * np.pi * 1000 * when), 0).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += size
        return frame


async def publish(url: str, session: str, screen_after_s: float, seconds: float) -> None:
    """Both connections, the screen later, for so long that the screen is there for `seconds`."""
    camera, screen = (Publisher(f"{url}/whip/{session}/{track}", "token", _NOTHING) for track in ("camera", "screen"))
    tracks: Any = (Shown(15), Heard(), Shown(5))
    camera.video, camera.audio, screen.video = tracks
    async with camera:
        await camera.connected()
        await asyncio.sleep(screen_after_s)
        async with screen:
            await screen.connected()
            await asyncio.sleep(seconds)


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
