"""What the story looks for in the rows of the wall and of the gradebook."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import cv2
import numpy as np

from vigil.demo.sse import Event


def of(rows: list[Any], session: str) -> Any:
    """The row of one session."""
    return next(row for row in rows if row["session"] == session)


def tracks_up(row: Any) -> bool:
    return all(row["tracks"].get(track, {}).get("up") for track in ("camera", "screen"))


def paused(row: Any) -> bool:
    stages = [i["stage"] for i in row["interventions"].values() if i["kind"] == "pause"]
    return row["phase"] == "paused" and stages == ["applied"]


def segments(row: Any) -> int:
    return sum(recording["segments"] for recording in row["recordings"].values())


def gaps(row: Any) -> list[Any]:
    return [gap for recording in row["recordings"].values() for gap in recording["gaps"]]


def mentions(events: Iterable[Event], kind: str) -> bool:
    return any(kind in str(event.data) for event in events)


def in_pixels(jpeg: bytes) -> str:
    """How large a picture is, and its hash."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    height, width = picture.shape
    return f"{width}x{height}, {len(jpeg)} bytes, SHA-256 {sha256(jpeg).hexdigest()}"


def in_words(row: Any) -> str:
    """One line of the gradebook."""
    flags = ", ".join(flag["kind"].replace("_", " ") for flag in row["incidents"].values()) or "no incident"
    media = sum(recording["duration_s"] or 0 for recording in row["recordings"].values())
    return (
        f"{row['name']}: {row['phase']}; {flags}; {len(row['faults'])} faults,"
        f" {len(row['interventions'])} interventions, {row['messages']} messages;"
        f" {media:.0f} s recorded, {len(gaps(row))} gaps; sealed {row['seals'][-1]['kind']}"
    )
