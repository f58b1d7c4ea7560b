"""The real weights, the real models, and photographs that come with installed packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import weights
from detectors.pipeline import Pipeline
from tests.detectors.fetched import group

Photograph = Callable[[str], NDArray[np.uint8]]
CLIPS = Path(__file__).parents[3] / "shared" / "clips"


@pytest.fixture(scope="session")
def resolved() -> weights.Resolved:
    """The weights that set-up made. Without them these tests fail, and the message says what to run."""
    return weights.resolve()


@pytest.fixture(scope="session")
def pipeline(resolved: weights.Resolved) -> Pipeline:
    return Pipeline.load(resolved)


@pytest.fixture(scope="session")
def photograph() -> Photograph:
    """A picture by name, as (H, W, 3) BGR: of ultralytics, scikit-image or Matplotlib, or `t1` of insightface."""
    folders = [_folder("ultralytics") / "assets", _folder("skimage") / "data"]
    folders.append(_folder("matplotlib") / "mpl-data" / "sample_data")

    def load(name: str) -> NDArray[np.uint8]:
        found = [group()] if name == "t1" else [path for folder in folders for path in folder.glob(f"{name}.*g")]
        picture = cv2.imread(str(found[0]), cv2.IMREAD_COLOR)
        assert picture is not None
        return picture.astype(np.uint8)

    return load


def _folder(package: str) -> Path:
    """Where a package lies: found, not imported, which would take seconds."""
    found = find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


@pytest.fixture
def clip() -> Callable[[str], list[NDArray[np.uint8]]]:
    """All pictures of a webcam-like clip, by its file name."""

    def load(name: str) -> list[NDArray[np.uint8]]:
        if not (CLIPS / name).exists():
            pytest.skip(f"the clip {name} is not beside this checkout")
        import av

        with av.open(str(CLIPS / name)) as container:
            return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]

    return load


def jpeg(picture: NDArray[np.uint8], quality: int = 85) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


@pytest.fixture(scope="session")
def to_jpeg() -> Callable[[NDArray[np.uint8]], bytes]:
    return jpeg
