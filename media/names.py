"""How recordings, their connections and their segments are named: in keys, in the spool and in the object store."""

from __future__ import annotations

import re
from typing import NamedTuple, cast, get_args

from domain.messages import Track

_PART = re.compile(r"[A-Za-z0-9_-]{1,128}")


class RecordingName(NamedTuple):
    """One track of one session. `text` is its name in the ledger."""

    tenant: str
    session: str
    track: Track

    @property
    def text(self) -> str:
        return f"{self.session}.{self.track}"


class SegmentName(NamedTuple):
    """One segment: `number` counts from 1 within `connection`, which counts from 1 within the recording."""

    recording: RecordingName
    connection: int
    number: int

    def object_key(self, codec: str = "VP8") -> str:
        """Where the segment lies. Its pictures are in `codec`, which decides what kind of file it is."""
        kind = "mkv" if codec == "H264" else "webm"
        tenant = self.recording.tenant
        return f"{tenant}/media/{self.recording.text}/{self.connection:04}-{self.number:06}.{kind}.sealed"


def recording_name(tenant: str, session: str, track: str) -> RecordingName:
    """A checked name: its parts become folders. ValueError when one is no plain word or the track is unknown."""
    for part in (tenant, session):
        if not _PART.fullmatch(part):
            raise ValueError(f"{part!r} cannot name a recording: letters, digits, _ and - only, at most 128")
    if track not in get_args(Track):
        raise ValueError(f"there is no track {track!r}")
    return RecordingName(tenant, session, cast("Track", track))


def parse_recording_name(tenant: str, text: str) -> RecordingName:
    """The name behind `text`. ValueError when it is none."""
    session, _, track = text.rpartition(".")
    return recording_name(tenant, session, track)


def finalised_object_key(recording: RecordingName, sha256: str, codec: str = "VP8") -> str:
    """Where a finalised recording lies. The hash names it: finalising again makes the same bytes or another key."""
    kind = "mp4" if codec == "H264" else "webm"
    return f"{recording.tenant}/media/{recording.text}/recording-{sha256[:16]}.{kind}.sealed"


def late_object_key(recording: RecordingName, sha256: str) -> str:
    """Where what a page sent late lies. Each try to store it has a key of its own: no two sealings are the same."""
    return f"{recording.tenant}/media/{recording.text}/late-{sha256[:16]}.webm.sealed"


def still_object_key(recording: RecordingName, name: str) -> str:
    """Where a still lies. `name` is a keyed hash of the picture, so that it tells nothing once the key is destroyed."""
    return f"{recording.tenant}/media/{recording.text}/still-{name}.jpg.sealed"
