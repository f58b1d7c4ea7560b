"""Pictures for wall and detectors: decoded once, newest first, fair."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime

import av
import msgspec
import nats
import numpy as np
import pytest
from nats.aio.msg import Msg

from domain.messages import KeyFrame, Picture
from media.clips import Clip, encode_pictures
from media.frames import FramesWorker, to_picture

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def keyframe(data: bytes, session: str = "s1", number: int = 0) -> KeyFrame:
    at = NOW.replace(second=number)
    return KeyFrame(tenant="school", session=session, track="camera", at=at, codec="VP8", data=data)


def picture_of(jpeg: bytes) -> np.ndarray:
    with av.open(io.BytesIO(jpeg), "r", format="image2pipe") as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def test_a_camera_picture_keeps_its_size_and_has_a_thumbnail(card: Clip) -> None:
    picture = to_picture(keyframe(card.frames[0]))
    assert picture is not None
    assert (picture.width, picture.height, picture.at) == (640, 480, NOW)
    large, small = picture_of(picture.jpeg), picture_of(picture.thumbnail)
    assert (large.shape, small.shape) == ((480, 640, 3), (120, 160, 3))
    assert large[:, :, 0].max() > 200  # the light patch
    assert abs(float(large.mean()) - float(small.mean())) < 3


def test_a_screen_is_scaled_down(page: Clip) -> None:
    picture = to_picture(keyframe(page.frames[0]))
    assert picture is not None
    assert (picture.width, picture.height) == (640, 360)
    assert picture_of(picture.jpeg).shape == (360, 640, 3)
    assert picture_of(picture.thumbnail).shape == (90, 160, 3)


@pytest.mark.parametrize(
    ("width", "height", "picture", "thumbnail"),
    [
        (720, 1280, (640, 1138), (160, 284)),
        (2, 10_000, (2, 1280), (2, 320)),
        (10_000, 2, (640, 2), (160, 2)),
    ],
)
def test_the_thinnest_picture_stays_small(
    width: int, height: int, picture: tuple[int, int], thumbnail: tuple[int, int]
) -> None:
    clip = encode_pictures([np.zeros((height, width, 3), np.uint8)], fps=1)
    made = to_picture(keyframe(clip.frames[0]))
    assert made is not None
    assert (made.width, made.height) == picture
    for jpeg, (wide, high) in ((made.jpeg, picture), (made.thumbnail, thumbnail)):
        assert picture_of(jpeg).shape == (high, wide, 3)


def test_h264_is_shown_alike(clip_h264: Clip) -> None:
    picture = to_picture(msgspec.structs.replace(keyframe(clip_h264.frames[0]), codec="H264"))
    assert picture is not None
    assert (picture.width, picture.height) == (640, 480)
    large, small = picture_of(picture.jpeg), picture_of(picture.thumbnail)
    assert (large.shape, small.shape) == ((480, 640, 3), (120, 160, 3))
    assert large[:, :, 0].max() > 200  # the light patch
    for damaged in (b"", b"nonsense" * 20, clip_h264.frames[1], clip_h264.frames[0][:40]):
        assert to_picture(msgspec.structs.replace(keyframe(damaged), codec="H264")) is None


def test_what_cannot_be_decoded_gives_no_picture_and_harms_nothing(card: Clip) -> None:
    assert to_picture(keyframe(b"")) is None
    assert to_picture(keyframe(b"nonsense" * 20)) is None
    assert to_picture(keyframe(card.frames[1])) is None  # no key frame
    assert to_picture(keyframe(card.frames[0])) is not None


async def test_the_worker_turns_key_frames_into_pictures(nats_url: str, card: Clip, session: str) -> None:
    front = await nats.connect(nats_url)
    got: asyncio.Queue[Picture] = asyncio.Queue()

    async def on_picture(message: Msg) -> None:
        got.put_nowait(msgspec.msgpack.decode(message.data, type=Picture))

    await front.subscribe(f"vigil.picture.{session}.*", cb=on_picture)
    async with FramesWorker(nats_url):
        await front.publish(f"vigil.keyframe.{session}.camera", b"no message")
        await front.publish(
            f"vigil.keyframe.{session}.camera", msgspec.msgpack.encode(keyframe(card.frames[0], session))
        )
        picture = await asyncio.wait_for(got.get(), 5)
    await front.close()
    assert (picture.session, picture.track, picture.at) == (session, "camera", NOW)


async def test_the_newest_replaces_one_that_waits_and_tracks_take_turns(nats_url: str, card: Clip) -> None:
    worker = FramesWorker(nats_url)

    async def come(session: str, number: int) -> None:
        data = msgspec.msgpack.encode(keyframe(card.frames[0], session, number))
        await worker._on_keyframe(Msg(_client=None, data=data))

    for number in range(3):
        for session in ("a", "b"):
            await come(session, number)
    await come("c", 0)
    await come("a", 5)
    waiting = [(k.session, k.at.second) for k in worker._waiting.values()]
    assert waiting == [("a", 5), ("b", 2), ("c", 0)]
