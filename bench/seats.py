"""What a camera shows of one seat, as its browser would send it: photographs that come with installed packages, moved.

For what looking costs no clips are needed, so that everybody can measure it. How much candidates move is a guess: a
pixel always, and every eighth sample they sit elsewhere, by some hundredths of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import cv2
import numpy as np
import skimage.data

from bench.clips import HEIGHT, WIDTH, Image, nobody
from bench.sittings import EVERY_S
from domain.messages import KeyFrame
from media.clips import encode_pictures

START = datetime(2026, 1, 1, tzinfo=UTC)
KBPS = 400  # a camera's


def calm(samples: int, size: float = 1.0) -> Iterator[Image]:
    """Somebody who sits there and moves a little; with a `size` below 1 further away, and that much smaller."""
    return (_moved(_person(), n // 8, n, size) for n in range(samples))


def eventful(samples: int, every: int, lasts: int = 6) -> Iterator[Image]:
    """The same, but in each `every` samples they are away for some, and there are two for some."""
    for n, there in enumerate(calm(samples)):
        if 0 <= n % every - every // 3 < lasts:
            yield _moved(nobody("workshop"), 0, n)
        elif 0 <= n % every - 2 * every // 3 < lasts:
            yield _moved(_two(), 0, n)
        else:
            yield there


def key_frames(pictures: Iterable[Image]) -> list[KeyFrame]:
    """Each picture as the first VP8 frame of a stream, `EVERY_S` apart."""
    return [
        KeyFrame(
            tenant="bench", session="bench", track="camera", at=START + timedelta(seconds=EVERY_S * n), codec="VP8",
            data=encode_pictures([np.ascontiguousarray(picture[..., ::-1])], fps=15, kbps=KBPS).frames[0],
        )
        for n, picture in enumerate(pictures)
    ]  # fmt: skip


def _moved(picture: Image, place: int, number: int, size: float = 1.0) -> Image:
    """Sitting at `place`, which is nearer or further from the middle by up to 24 pixels, and never still."""
    across = 24 * np.sin(place * 1.7) + np.sin(number * 1.7)
    down = 12 * np.sin(place * 1.1) + np.cos(number * 1.1) / 2
    shift = np.array([[size, 0.0, across + (1 - size) * WIDTH / 2], [0.0, size, down + (1 - size) * HEIGHT]])
    return cv2.warpAffine(picture, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


@cache
def _person() -> Image:
    """The upper part of a portrait, as wide as a camera's picture."""
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return cv2.resize(portrait[: 512 * HEIGHT // WIDTH], (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


@cache
def _two() -> Image:
    from ultralytics.utils import ASSETS  # noqa: PLC0415 - only once the detectors have prepared it

    picture = cv2.imread(str(ASSETS / "zidane.jpg"))
    assert picture is not None
    return cv2.resize(picture[:, 160:1120], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
