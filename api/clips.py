"""Moments of a recording, also while it goes on: what is stored of a stretch of time, as one file for any player.

Of the last seconds nothing is stored yet: a segment takes six seconds, and a moment to be put away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, get_args

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from api.callers import WATCHERS, may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied, missing
from api.recordings import Gap, on_record, span_of, tape_of
from api.restriction import unrestricted
from api.schema import says
from domain.late import in_order
from domain.phase import Track
from domain.segment import OWN_COPY, Segment

LONGEST = timedelta(minutes=2)
BYTES = 96 * 1024 * 1024  # of the segments: three times the largest one, and more than two minutes of a screen
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class SegmentRead(msgspec.Struct, frozen=True, kw_only=True):
    """Times are wall time; `sha256` (hex) and `bytes` are of what is stored, sealed. What came `late` none saw live."""

    started_at: datetime
    ended_at: datetime
    connection: int
    number: int
    late: bool
    bytes: int
    frames: int
    sha256: str
    codec: str
    width: int
    height: int
    complete: bool


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a recording up to now, in the order in which it is played, and what is missing."""

    recording: str
    track: Track
    live: bool
    segments: tuple[SegmentRead, ...]
    gaps: tuple[Gap, ...]


@get("/recordings/{recording:str}/manifest", guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted])
async def manifest(request: AnyRequest, recording: FromPath[str]) -> Manifest:
    """Tells what a recording consists of, from its first segment on. Who opens it is told of on the record."""
    return await consists_of(request, recording)


async def consists_of(request: AnyRequest, recording: str) -> Manifest:
    """The manifest, for somebody who may. Raises `Denied` 404."""
    tape = await tape_of(services_of(request), caller_of(request).tenant, recording)
    track = next((t for t in get_args(Track) if recording.endswith(f".{t}")), None)
    if track is None or not tape.stored:
        raise missing("recording")
    await on_record(request, recording)
    return Manifest(
        recording=recording, track=track, live=tape.live, segments=tuple(map(_read, in_order(tape))),
        gaps=tuple(Gap(started_at=g.started_at, ended_at=g.ended_at, why=g.why) for g in tape.gaps),
    )  # fmt: skip


@get(
    "/recordings/{recording:str}/clip", guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted],
    media_type="video/webm",
    opt=says(416, answers=dict.fromkeys((200, 206), ("video/mp4",))),
)  # fmt: skip
async def clip(
    request: AnyRequest, recording: FromPath[str], starts_at: FromQuery[Moment], ends_at: FromQuery[Moment]
) -> Response[bytes]:
    """Plays up to two minutes of what is stored. The file begins with the segment that `starts_at` lies in.

    `Vigil-Clip-Starts` tells at what time. That it was opened is put on the record, once for each person and minute.
    """
    return await cut(request, recording, starts_at, ends_at)


async def cut(request: AnyRequest, recording: str, starts_at: datetime, ends_at: datetime) -> Response[bytes]:
    """The clip, for somebody who may. Raises `Denied` 404, 416 and 422."""
    if not timedelta() < ends_at - starts_at <= LONGEST:
        rule = f"later than `starts_at`, by at most {LONGEST.seconds} seconds"
        raise Denied(422, "invalid", rule, field="ends_at")
    services, tenant = services_of(request), caller_of(request).tenant
    tape = await tape_of(services, tenant, recording)
    parts = [s for s in in_order(tape) if s.started_at < ends_at and s.ended_at > starts_at]
    if sum(part.bytes for part in parts) > BYTES:
        rule = f"an earlier time: these segments have more than {BYTES // 1024 // 1024} MiB together"
        raise Denied(422, "invalid", rule, field="ends_at")
    opened = await services.open_clip(tenant, recording, parts) if parts else None
    if opened is None:
        rule = "nothing is stored of this time; of the last seconds something comes in a moment"
        raise Denied(404, "not-found", rule, field="starts_at")
    etag = f'"{_named(parts)}"'
    headers = {
        "Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, no-store",
        "Vigil-Clip-Starts": parts[0].started_at.isoformat(timespec="milliseconds"), "Content-Type": opened.media_type,
    }  # fmt: skip
    span = span_of(request, len(opened.data), etag)
    await on_record(request, recording)
    if span is None:
        return Response(opened.data, headers=headers)
    start, stop = span
    headers |= {"Content-Range": f"bytes {start}-{stop - 1}/{len(opened.data)}"}
    return Response(opened.data[start:stop], headers=headers, status_code=206)


def _named(parts: Sequence[Segment]) -> str:
    return sha256(" ".join(part.sha256 for part in parts).encode()).hexdigest()[:32]


def _read(segment: Segment) -> SegmentRead:
    return msgspec.convert(
        {**msgspec.to_builtins(segment, builtin_types=(datetime,)), "late": segment.connection == OWN_COPY}, SegmentRead
    )


HANDLERS = (manifest, clip)
