"""The `frames` worker: key frames in, pictures out, one decoding for wall and detectors alike.

The newest key frame of a track replaces one that still waits, and tracks take turns, so that a slow machine shows every
candidate a little less often and nobody not at all. Decoding is off the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
import msgspec
from nats.aio.msg import Msg

from domain.messages import KeyFrame, Picture, Track
from media.bus import connect, say, subscribe
from media.h264 import size_in_stream
from media.vp8 import vp8_keyframe_size

logger = logging.getLogger(__name__)

PICTURE, THUMBNAIL = (640, 1280), (160, 320)  # at most so wide and so high; a telephone is held upright
PIXELS_MAX = 40_000_000  # a little more than 8K; a larger picture costs more memory than one candidate may take
_TRACKS_MAX = 4096
_QUALITY = {PICTURE: 5, THUMBNAIL: 8}
_decoder = msgspec.msgpack.Decoder(KeyFrame)
_Key = tuple[str, str, Track]
_SIZES = {"VP8": vp8_keyframe_size, "H264": size_in_stream}


class FramesWorker:
    """`async with FramesWorker(nats_url)` serves until it is left or `failed`. Several share the work."""

    def __init__(self, nats_url: str, threads: int = 1) -> None:
        self._nats_url, self._threads = nats_url, threads
        self._waiting: dict[_Key, KeyFrame] = {}
        self._some = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="frames")
        self._nats = await connect(self._nats_url, "frames")
        await subscribe(self._nats, "vigil.keyframe.*.*", self._on_keyframe, queue="frames")
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._threads)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._nats.close()
        self._pool.shutdown()

    async def failed(self) -> None:
        """Waits until the worker cannot go on, and raises why."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task

    async def _on_keyframe(self, message: Msg) -> None:
        try:
            keyframe = _decoder.decode(message.data)
        except msgspec.MsgspecError:
            logger.warning("a message on %s is no key frame", message.subject)
            return
        key = (keyframe.tenant, keyframe.session, keyframe.track)
        if key in self._waiting or len(self._waiting) < _TRACKS_MAX:
            self._waiting[key] = keyframe  # keeps its place in the line
        self._some.set()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            key = next(iter(self._waiting), None)
            if key is None:
                self._some.clear()
                continue
            picture = await loop.run_in_executor(self._pool, to_picture, self._waiting.pop(key))
            if picture is not None:
                subject = f"vigil.picture.{picture.session}.{picture.track}"
                await say(self._nats, subject, msgspec.msgpack.encode(picture))


def to_picture(keyframe: KeyFrame) -> Picture | None:
    """Decodes a key frame and scales it; None when it cannot be decoded."""
    try:
        frame = _decode(keyframe)
        width, height = _size(frame, (min(PICTURE[0], frame.width), min(PICTURE[1], frame.height)))
        return Picture(
            tenant=keyframe.tenant,
            session=keyframe.session,
            track=keyframe.track,
            at=keyframe.at,
            width=width,
            height=height,
            jpeg=_jpeg(frame, width, height, _QUALITY[PICTURE]),
            thumbnail=_jpeg(frame, *_size(frame, THUMBNAIL), _QUALITY[THUMBNAIL]),
        )
    except (av.FFmpegError, ValueError) as error:
        logger.warning("a key frame of %d bytes cannot be decoded: %s", len(keyframe.data), error)
        return None


def _decode(keyframe: KeyFrame) -> av.VideoFrame:
    """A fresh decoder for each: key frames need nothing before them, and none can harm the next."""
    data = keyframe.data
    width, height = _SIZES[keyframe.codec](data) or (0, 0)
    if width * height > PIXELS_MAX:
        raise ValueError("larger than any screen")
    decoder = av.CodecContext.create(keyframe.codec.lower(), "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    frames = decoder.decode(av.Packet(data)) or decoder.decode(None)
    if not frames:
        raise ValueError("no picture")
    return frames[0]


def _size(frame: av.VideoFrame, most: tuple[int, int]) -> tuple[int, int]:
    """The largest width and height within `most` that keep the proportions, even as JPEG's halved colours ask."""
    scale = min(most[0] / frame.width, most[1] / frame.height)
    width, height = (max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    return width, height


def _jpeg(frame: av.VideoFrame, width: int, height: int, quality: int) -> bytes:
    """`quality` is FFmpeg's scale: 2 is best, 31 worst."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1), 1
    encoder.qmin = encoder.qmax = quality
    scaled = frame.reformat(width=width, height=height, format="yuvj420p")
    scaled.pts = 0
    return b"".join(bytes(p) for p in (*encoder.encode(scaled), *encoder.encode(None)))
