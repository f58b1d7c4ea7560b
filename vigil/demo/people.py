"""What the demo's cameras see: photographs of people from an installed package, moved as a webcam picture moves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clips import Clip, camera_clip, encode_pictures

Image = NDArray[np.uint8]
WIDTH, HEIGHT, FPS, SECONDS = 640, 480, 15, 4
Crop = tuple[int, int, int, int]  # left, top, width, height

# zidane.jpg of the ultralytics package (1280 x 720): two people, each alone, and both.
ONE: tuple[Crop, ...] = ((640, 0, 640, 480), (60, 160, 640, 480))
BOTH: Crop = (160, 0, 960, 720)


def calm(count: int, clips: str | None) -> list[Clip]:
    """What candidates' cameras show while all is well: one person. At most a few different ones are encoded."""
    if clips:
        found = sorted(Path(clips).glob("one-person*")) or sorted(Path(clips).iterdir())
        return [camera_clip(path) for path in found[: min(count, 4)]]
    return [_moving(crop) for crop in ONE[:count]]


def second_person(clips: str | None) -> Clip:
    """A camera in which a second person has appeared."""
    found = sorted(Path(clips).glob("two-people*")) if clips else []
    return camera_clip(found[0]) if found else _moving(BOTH)


def _moving(crop: Crop) -> Clip:
    return encode_pictures(_pictures(crop), fps=FPS)


def _pictures(crop: Crop) -> Iterator[Image]:
    """The crop, swaying and breathing a little, as somebody who sits before a camera does."""
    left, top, width, height = crop
    photograph = _photograph()
    rows, columns = photograph.shape[:2]
    count = FPS * SECONDS
    for n in range(count):
        angle = 2 * math.pi * n / count
        zoom = 1 - 0.03 * (1 + math.sin(angle)) / 2
        w, h = width * zoom, height * zoom
        x = min(max(left + (width - w) / 2 + 6 * math.cos(angle), 0), columns - w)
        y = min(max(top + (height - h) / 2 + 3 * math.sin(2 * angle), 0), rows - h)
        part = photograph[round(y) : round(y + h), round(x) : round(x + w)]
        yield cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _photograph() -> Image:
    package = find_spec("ultralytics")  # found, not imported: that would take seconds and load a framework
    assert package is not None
    assert package.submodule_search_locations
    picture = cv2.imread(str(Path(package.submodule_search_locations[0]) / "assets" / "zidane.jpg"))
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)
