"""Encoded clips for publishers: pictures or a file as VP8 or H.264, a tone or silence as Opus. Encoded once, looped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from domain.messages import VideoCodec

Picture = NDArray[np.uint8]
"""Height x width x 3, RGB."""

VIDEO_RATE, AUDIO_RATE = 90_000, 48_000
KEYFRAME_EVERY_S = 2
_ENCODERS: dict[VideoCodec, tuple[str, dict[str, str]]] = {
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "auto-alt-ref": "0"}),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}),
}


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded frames of one kind, each `ticks` of a clock of `rate` long. The first is a key frame.

    H.264 is a byte stream (Annex B), in which each key frame has its parameter sets.
    """

    kind: Literal["video", "audio"]
    frames: tuple[bytes, ...]
    rate: int
    ticks: int
    codec: VideoCodec | None = None  # of pictures

    @property
    def duration_s(self) -> float:
        return len(self.frames) * self.ticks / self.rate


def encode_pictures(pictures: Iterable[Picture], *, fps: int, kbps: int = 300, codec: VideoCodec = "VP8") -> Clip:
    """A clip of `pictures`, which all have the size of the first. ValueError when there is none."""
    encoder: av.VideoCodecContext | None = None
    frames: list[bytes] = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        frame.time_base = Fraction(1, fps)
        if encoder is None:
            encoder = _encoder(codec, frame.width, frame.height, fps, kbps)
        frames += [bytes(p) for p in encoder.encode(frame)]
    if encoder is None:
        raise ValueError("a clip needs a picture")
    frames += [bytes(p) for p in encoder.encode(None)]
    return Clip("video", tuple(frames), VIDEO_RATE, VIDEO_RATE // fps, codec)


def pictures_of(path: Path, *, width: int, height: int, fps: int, at_most_s: float = 20) -> Iterator[Picture]:
    """The pictures of a video file at this size and rate. OSError or av.FFmpegError when it cannot be read."""
    with av.open(str(path)) as file:
        number = 0
        for frame in file.decode(video=0):
            at_s = frame.time or 0.0
            picture = frame.reformat(width=width, height=height, format="rgb24").to_ndarray().astype(np.uint8)
            while number / fps <= at_s:
                if number / fps > at_most_s:
                    return
                yield picture
                number += 1


def camera_clip(path: Path) -> Clip:
    """A file as a camera would send it: 640x480 at 15 pictures a second."""
    return encode_pictures(pictures_of(path, width=640, height=480, fps=15), fps=15)


def card_clip(
    seconds: float = 4, *, width: int = 640, height: int = 480, fps: int = 15, codec: VideoCodec = "VP8"
) -> Clip:
    """A camera without a file: a light patch that wanders over a slope of grey."""
    return encode_pictures(_wandering(int(seconds * fps), width, height), fps=fps, codec=codec)


def screen_clip(seconds: float = 6) -> Clip:
    """A synthetic exam page, 1280x720 at 5 pictures a second: lines of text that grow as someone types."""
    return encode_pictures(_typing(int(seconds * 5), 1280, 720), fps=5, kbps=150)


def blank_clip(seconds: float = 2) -> Clip:
    """A screen that is shared and shows nothing, as that of a machine that is locked."""
    return encode_pictures([np.zeros((720, 1280, 3), np.uint8)] * int(seconds * 5), fps=5, kbps=150)


def sound_clip(seconds: float = 3, *, hertz: float | None = None, packet_ms: int = 60) -> Clip:
    """Opus: a quiet tone of `hertz`, or silence. Browsers send packets of 20 ms, and of 60 where they are asked to."""
    samples = AUDIO_RATE * packet_ms // 1000
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.bit_rate, encoder.sample_rate = 32_000, AUDIO_RATE
    encoder.layout, encoder.format = av.AudioLayout("stereo"), av.AudioFormat("s16")
    encoder.options = {"frame_duration": str(packet_ms), "application": "voip"}
    frames: list[bytes] = []
    for number in range(round(seconds * 1000 / packet_ms)):
        at = (np.arange(samples) + number * samples) / AUDIO_RATE
        wave = np.zeros(samples) if hertz is None else 3000 * np.sin(2 * math.pi * hertz * at)
        both = np.repeat(wave.astype(np.int16), 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = AUDIO_RATE, number * samples
        frames += [bytes(p) for p in encoder.encode(frame)]
    return Clip("audio", tuple(frames), AUDIO_RATE, samples)


def _encoder(codec: VideoCodec, width: int, height: int, fps: int, kbps: int) -> av.VideoCodecContext:
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps)
    encoder.bit_rate, encoder.gop_size = kbps * 1000, KEYFRAME_EVERY_S * fps
    encoder.options = options
    encoder.thread_count = 1
    return encoder


def _wandering(count: int, width: int, height: int) -> Iterator[Picture]:
    slope = np.tile(np.linspace(40, 160, width, dtype=np.uint8), (height, 1))
    size = height // 4
    for number in range(count):
        angle = 2 * math.pi * number / count
        x = int((width - size) * (0.5 + 0.4 * math.cos(angle)))
        y = int((height - size) * (0.5 + 0.4 * math.sin(angle)))
        picture = np.repeat(slope[:, :, None], 3, axis=2)
        picture[y : y + size, x : x + size] = (230, 200, 170)
        yield picture


def _typing(count: int, width: int, height: int) -> Iterator[Picture]:
    words = np.random.default_rng(7).integers(20, 120, size=(count, 8))
    page = np.full((height, width, 3), 250, dtype=np.uint8)
    page[:60] = (30, 60, 110)
    for number in range(count):
        y, x = 100 + (number * 22) % (height - 140), 80
        for word in words[number]:
            page[y : y + 12, x : x + word] = 40
            x += int(word) + 12
        yield page.copy()
