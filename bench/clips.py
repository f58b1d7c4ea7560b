"""The clips that sessions are put together from: their pictures, what each shows, and two halves of them.

What a clip shows is told by its name (`SHOWN`), and where a look at it said otherwise, here in a table. Nothing of it
is judged by a detector, so that no detector is measured by its own word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import av
import cv2
import msgspec
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Shows = Literal["one_person", "looking_away", "several_people", "out_of_view"]
Half = Literal["tuning", "reporting"]

FOLDER = Path(__file__).parents[2] / "shared" / "clips"
SHOWN: dict[str, Shows] = {
    "one-person-": "one_person", "turning-head": "looking_away",
    "two-people": "several_people", "classroom": "several_people",
}  # fmt: skip
# By eye: behind the sitter of this clip a second person stands half outside the picture, and shows no face.
SEVERAL_BY_EYE = frozenset({"one-person-please"})
# By eye: the pictures of this clip in which the head is turned well away. Of one that is not here all are taken.
TURNED_BY_EYE = {"turning-head": (*range(8), *range(12, 18))}
# Photographs that come with scikit-image, for a seat where nobody is: a cup, a cat, a workshop, a rocket.
NOBODY = ("chelsea", "coffee", "rocket", "workshop")
WIDTH, HEIGHT = 640, 480


class Clip(msgspec.Struct, frozen=True):
    """Pictures (JPEG) of one scene, to be shown again and again at `rate` pictures a second."""

    name: str
    shows: Shows
    pictures: tuple[bytes, ...]
    rate: float

    def at(self, second: float) -> Image:
        """The picture (H, W, 3; BGR) at a time since it began."""
        data = self.pictures[int(second * self.rate) % len(self.pictures)]
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        return picture.astype(np.uint8, copy=False)


def paths(folder: Path) -> list[Path]:
    """The clips in `folder` whose names say what they show, by name."""
    return sorted(path for path in folder.glob("*.*") if _shows(path) is not None)


def load(folder: Path) -> Iterator[Clip]:
    """All clips of `folder`, then the photographs of seats where nobody is."""
    for path in paths(folder):
        yield _read(path)
    yield from (Clip(name, "out_of_view", (to_jpeg(nobody(name)),), 1.0) for name in NOBODY)


def half(clips: Sequence[Clip], which: Half) -> list[Clip]:
    """Every second clip of those that show the same. Where there are too few, every second picture of each of them."""
    taken = []
    for shows in get_args(Shows):
        group = [clip for clip in clips if clip.shows == shows]
        first = 0 if which == "tuning" else 1
        if len(group) >= 4:
            taken += group[first::2]
        else:
            taken += [Clip(c.name, shows, c.pictures[first::2] or c.pictures, c.rate / 2) for c in group]
    return taken


def to_jpeg(picture: Image, quality: int = 90) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def _shows(path: Path) -> Shows | None:
    named = next((shows for start, shows in SHOWN.items() if path.name.startswith(start)), None)
    return "several_people" if path.stem in SEVERAL_BY_EYE else named


def _read(path: Path) -> Clip:
    shows = _shows(path)
    assert shows is not None
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate or Fraction(25)
        pictures = [to_jpeg(_fit(frame.to_ndarray(format="bgr24"))) for frame in container.decode(video=0)]
    if not pictures:
        raise ValueError(f"{path} holds no picture")
    taken = [n for n in TURNED_BY_EYE.get(path.stem, range(len(pictures))) if n < len(pictures)]
    return Clip(path.stem, shows, tuple(pictures[n] for n in taken), float(rate))


def _fit(picture: Image) -> Image:
    """As wide as a camera's picture, in its own proportions."""
    scale = WIDTH / picture.shape[1]
    return cv2.resize(picture, (WIDTH, round(picture.shape[0] * scale / 2) * 2), interpolation=cv2.INTER_AREA)


def nobody(name: str) -> Image:
    """One of `NOBODY`, as large as a camera's picture."""
    picture = skimage.data.stereo_motorcycle()[0] if name == "workshop" else getattr(skimage.data, name)()
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
