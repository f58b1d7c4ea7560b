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

# Crops of the photographs in the ultralytics package: one person each, and two.
ONE: tuple[tuple[str, Crop], ...] = (
    ("zidane.jpg", (690, 30, 560, 420)),
    ("zidane.jpg", (120, 180, 640, 480)),
    ("bus.jpg", (190, 380, 240, 180)),
)
BOTH = ("zidane.jpg", (400, 60, 800, 600))


def calm(count: int, clips: str | None) -> list[Clip]:
    """What candidates' cameras show while all is well: one person. At most a few different ones are encoded."""
    if clips:
        found = sorted(Path(clips).glob("one-person*")) or sorted(Path(clips).iterdir())
        return [camera_clip(path) for path in found[: min(count, 4)]]
    return [_moving(*one) for one in ONE[:count]]


def second_person(clips: str | None) -> Clip:
    """A camera in which a second person has appeared."""
    found = sorted(Path(clips).glob("two-people*")) if clips else []
    return camera_clip(found[0]) if found else _moving(*BOTH)


def _moving(name: str, crop: Crop) -> Clip:
    return encode_pictures(_pictures(name, crop), fps=FPS)


def _pictures(name: str, crop: Crop) -> Iterator[Image]:
    """The crop, swaying and breathing a little, as somebody does who sits before a camera."""
    left, top, width, height = crop
    photograph = _photograph(name)
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


def _photograph(name: str) -> Image:
    package = find_spec("ultralytics")  # found, not imported: that would take seconds and load a framework
    assert package is not None
    assert package.submodule_search_locations
    picture = cv2.imread(str(Path(package.submodule_search_locations[0]) / "assets" / name))
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)
