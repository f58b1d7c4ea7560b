"""Pictures as the detectors handle them: (height, width, 3) bytes, blue first, as OpenCV has them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def decode(jpeg: bytes) -> Image | None:
    """The picture in a JPEG, or None when it holds none."""
    data = np.frombuffer(jpeg, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    return None if picture is None else picture.astype(np.uint8, copy=False)


def shrink(picture: Image, width: int, height: int) -> Image:
    """Halves while it can, then interpolates: nearly as even as averaging areas, at a tenth of its cost."""
    while picture.shape[1] >= 2 * width and picture.shape[0] >= 2 * height:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
