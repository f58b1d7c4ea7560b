"""A stretch of media in the object store: what the streams of recordings tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Why = Literal["stopped", "lost", "replaced", "worker_lost", "spool_full", "no_keyframe"]
Place = tuple[int, int]
"""Connection and number of a segment."""
OWN_COPY = 0
"""In place of a connection: the segment comes from the copy that the candidate's own page kept."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sealed stretch of media in the object store. Times are wall time; `sha256` is of the stored bytes.

    `number` counts from 1 within its `connection`; in the candidate's own copy it is where the segment begins, in
    milliseconds from the start of the recording. `complete` is False when a crash tore the last second off.
    """

    connection: int
    number: int
    started_at: datetime
    ended_at: datetime
    bytes: int
    frames: int
    sha256: str
    object_key: str
    codec: str
    width: int
    height: int
    complete: bool


def place_of(segment: Segment) -> Place:
    return (segment.connection, segment.number)
