"""What Vigil's processes say to each other over NATS. These messages live for seconds and are never stored.

Subjects: `vigil.media.<worker>` takes `Publish`, `Hangup`, `Watch`, `KeepWatching` and `StopWatching` (request and
reply), `vigil.beat` carries `MediaBeat`,
`vigil.detector.beat` carries `DetectorBeat`, `vigil.streams` carries `StreamsHeld`,
`vigil.page.beat` carries `PageBeat`,
`vigil.keyframe.<session>.<track>` carries `KeyFrame`, `vigil.picture.<session>.<track>` carries `Picture`,
`vigil.sound.<session>.camera` carries `Sound`,
`vigil.still.<session>.<track>` carries a `Picture` that a page sent while no video held,
`vigil.live.<schedule>` and `vigil.candidate.<session>` say only that there is something to read.
Encoded as msgpack. Pictures, key frames and sound go over core NATS only, never JetStream, so that nothing keeps them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.incidents import Provenance

Track = Literal["camera", "screen"]
VideoCodec = Literal["VP8", "H264"]
SOUND_RATE = 48_000  # ticks a second of all Opus in RTP (RFC 7587)


class Publish(msgspec.Struct, frozen=True, kw_only=True, tag="publish"):
    """Asks a media worker to take one WHIP offer. `connection` counts the connections of this recording from 1."""

    tenant: str
    session: str
    track: Track
    connection: int
    subject: str  # whose media key seals the segments
    sdp: str
    record: bool = True  # off for a rehearsal: seen and forwarded, never written
    codec: VideoCodec | None = None  # in which this recording began: it is one file in the end
    listen: bool = False  # pass on the sound that is recorded: only where the policy has a detector that hears it


class Hangup(msgspec.Struct, frozen=True, kw_only=True, tag="hangup"):
    """Ends one connection, or all of a session's when `track` is None."""

    session: str
    track: Track | None = None
    connection: int | None = None
    why: str


class Watch(msgspec.Struct, frozen=True, kw_only=True, tag="watch"):
    """Asks a media worker to take one WHEP offer, for a viewer of this name. Answered by `Published`.

    The viewer is let go some seconds after the last `KeepWatching`, which says that they may still watch.
    """

    tenant: str
    session: str
    track: Track
    viewer: str
    sdp: str


class KeepWatching(msgspec.Struct, frozen=True, kw_only=True, tag="keep_watching"):
    """Answered by `Refusal` (404) where there is no such viewer any more."""

    viewer: str


class StopWatching(msgspec.Struct, frozen=True, kw_only=True, tag="stop_watching"):
    viewer: str


class Published(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """The SDP answer to a `Publish` or a `Watch`. `worker` keeps the session from now on. `codec` is that of video."""

    sdp: str
    worker: str
    codec: VideoCodec = "VP8"


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """A request that the worker cannot serve: the field at fault and the rule, for the person who asked."""

    field: str
    rule: str
    status: int = 422


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The worker did what was asked; nothing else to tell."""


MediaRequest = Publish | Hangup | Watch | KeepWatching | StopWatching
MediaReply = Published | Refusal | Done


class LiveTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One connection that a worker holds: for how long no media came, and what was lost on the way."""

    tenant: str
    session: str
    track: Track
    connection: int
    quiet_s: float
    packets_lost: int = 0


class MediaBeat(msgspec.Struct, frozen=True, kw_only=True):
    """Sent each second by every media worker; two seconds of silence mean that the worker is gone.

    One that is `draining` is about to stop: it takes nobody new, and keeps whom it has until they are with another.
    """

    worker: str
    at: datetime
    tracks: tuple[LiveTrack, ...] = ()
    draining: bool = False


class DetectorLoad(msgspec.Struct, frozen=True, kw_only=True):
    """How a detector worker keeps up: samples since its start, each of which was `judged` or lost to overload.

    `waiting` are those that wait now; `late_s` is how old the last one was when it had been judged. `undelivered` are
    findings that wait to be taken, and `given_up` those that nobody took.
    """

    judged: int = 0
    overloaded: int = 0
    waiting: int = 0
    late_s: float = 0.0
    undelivered: int = 0
    given_up: int = 0


class DetectorBeat(msgspec.Struct, frozen=True, kw_only=True):
    """Sent each second by every detector worker; some seconds of silence from all mean that nobody looks.

    `runs` is what its incidents rest on, by kind, where a policy names no thresholds; `share` which one it is, from 0,
    and of how many that share the sessions.
    """

    worker: str
    at: datetime
    load: DetectorLoad | None = None
    runs: dict[str, Provenance] = {}
    share: tuple[int, int] = (0, 1)


class StreamsHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Sent each second by every front door: (tenant, account) of whoever holds a live stream there."""

    held: tuple[tuple[str, str], ...]


class PageBeat(msgspec.Struct, frozen=True, kw_only=True):
    """Sent by every front door that hears from a candidate's page: some seconds without it mean that it is silent."""

    tenant: str
    session: str


class KeyFrame(msgspec.Struct, frozen=True, kw_only=True):
    """One encoded key frame as it came from the candidate: decodable alone (H.264 as a byte stream, Annex B)."""

    tenant: str
    session: str
    track: Track
    at: datetime
    codec: VideoCodec
    data: bytes


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One decoded key frame: a JPEG for the detectors and a small one for the wall (at most 160 wide)."""

    tenant: str
    session: str
    track: Track
    at: datetime
    width: int
    height: int
    jpeg: bytes
    thumbnail: bytes


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """About two seconds of a recording's sound, for the detectors: Opus packets (RFC 6716) as they came, in order.

    `at` is when the first was sent; `offsets` say how many ticks of `SOUND_RATE` after that each begins.
    """

    tenant: str
    session: str
    track: Track = "camera"
    at: datetime
    seconds: float
    packets: tuple[bytes, ...]
    offsets: tuple[int, ...]
