"""Recordings: what there is of a session, and playing it, any byte range at a time (RFC 9110, section 14)."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Literal, get_args

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Stream as StreamResponse

from api.callers import Caller, may
from api.links import Link, signed
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied, missing
from api.restriction import unrestricted
from api.schema import says
from api.services import Services
from api.tokens import Token
from commands import recordings
from domain import recording
from domain.late import in_order
from domain.phase import Track
from domain.recording import Recording
from domain.segment import Why
from domain.stream import Stream

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    started_at: datetime
    ended_at: datetime
    why: Why


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """Out of the copy that the candidate's page kept, for a part of a gap. Nobody saw it live.

    The device's clock was `skew_ms` ahead of the server's.
    """

    started_at: datetime
    ended_at: datetime
    received_at: datetime
    skew_ms: float


class Still(msgspec.Struct, frozen=True, kw_only=True):
    """One picture in place of video, and where it is fetched."""

    at: datetime
    picture: str


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The finished recording: one seekable file, a WebM or, of H.264, an MP4.

    `sha256` (hex) and `bytes` are of what is stored, sealed.

    `link` plays it without a sign-in, in a player for example, until `link_ends_at` and while whoever asked for it may:
    that it was opened is on the record as theirs. Programs with a token of their own get none.
    """

    media: str
    media_type: Literal["video/webm", "video/mp4"]
    link: str | None
    link_ends_at: datetime | None
    bytes: int
    sha256: str
    duration_s: float
    frames: int


class RecordingRead(msgspec.Struct, frozen=True, kw_only=True):
    """One track, over all its connections. Times are wall time, so that camera and screen play in step.

    `late` is what has filled parts of the `gaps`, which stay what they were.
    """

    recording: str
    track: Track
    live: bool
    connections: int
    segments: int
    started_at: datetime | None
    ended_at: datetime | None
    gaps: tuple[Gap, ...]
    late: tuple[Late, ...]
    stills: tuple[Still, ...]
    file: File | None


class Recordings(msgspec.Struct, frozen=True, kw_only=True):
    recordings: tuple[RecordingRead, ...]


@get("/sessions/{session:str}/recordings", guards=[may("reviewer", "auditor"), unrestricted])
async def read(request: AnyRequest, session: FromPath[str]) -> Recordings:
    services, caller = services_of(request), caller_of(request)
    found = []
    for track in get_args(Track):
        name = recordings.recording_name(session, track)
        tape = await tape_of(services, caller.tenant, name)
        if tape.connections or tape.stills:
            found.append(read_of(name, track, tape, _link(services, caller, name)))
    return Recordings(recordings=tuple(found))


@get(
    "/recordings/{recording:str}/media", guards=[may("reviewer", "auditor"), unrestricted], media_type="video/webm",
    opt=says(416, answers=dict.fromkeys((200, 206), ("video/mp4",))),
)  # fmt: skip
async def play(
    request: AnyRequest,
    recording: FromPath[str],
    link: FromQuery[str] = "",  # noqa: ARG001 - read with the sign-in
) -> Response[None] | StreamResponse:
    """Plays the finished recording. That it was opened is put on the record, once for each person and minute."""
    return await playing(request, recording)


async def playing(request: AnyRequest, recording: str) -> Response[None] | StreamResponse:
    """The answer, for somebody who may. Raises `Denied` 404 and 416."""
    services, tenant = services_of(request), caller_of(request).tenant
    tape = await tape_of(services, tenant, recording)
    opened = await services.open_recording(tenant, recording) if tape.finalised else None
    if opened is None or tape.finalised is None:
        raise missing("finished recording", field="recording")
    etag = f'"{tape.finalised.sha256}"'
    kind = opened.media_type  # as a header: of a stream the framework takes the route's own media type
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, no-store", "Content-Type": kind}
    span = span_of(request, opened.size, etag)
    await on_record(request, recording)
    if span is None:
        headers |= {"Content-Length": str(opened.size)}
        return StreamResponse(opened.read(0, opened.size), headers=headers)
    start, stop = span
    headers |= {"Content-Range": f"bytes {start}-{stop - 1}/{opened.size}", "Content-Length": str(stop - start)}
    return StreamResponse(opened.read(start, stop), headers=headers, status_code=206)


def span_of(request: AnyRequest, size: int, etag: str) -> tuple[int, int] | None:
    """The bytes asked for, the last not included; None for all of them. Raises `Denied` 416.

    One range is served; what asks for several, or in another unit, gets the whole, as the RFC allows.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= size or stop <= start:
        raise Denied(416, "range", f"the recording has {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


async def on_record(request: AnyRequest, name: str, *, what: str = "") -> None:
    """Notes that somebody looks at a recording, or `what` else of a session, and asks for the same again and again."""
    session = name.partition(".")[0]
    minute = services_of(request).now().strftime("%Y-%m-%dT%H:%M")
    asked = sha256(f"{request.url.path}?{request.url.query}".encode()).hexdigest()
    await command(request, partial(recordings.view, session=session, what=what or name), key=f"view {asked} {minute}")


def _link(services: Services, caller: Caller, name: str) -> Link | None:
    if caller.service:
        return None
    token = Token(
        kind="link", tenant=caller.tenant, subject=caller.actor, recording=name, expires_at=caller.expires_at,
        sign_outs=caller.sign_outs,
    )  # fmt: skip
    return signed(token, services.tokens, services.now())


def read_of(
    name: str, track: Track, tape: Recording, link: Link | None, *, below: str = "/api/v1/recordings"
) -> RecordingRead:  # fmt: skip
    """A track as it is told to who may play it, by the routes `below`."""
    file, at = tape.finalised, f"{below}/{name}"
    media, stored = f"{at}/media", in_order(tape)
    return RecordingRead(
        recording=name, track=track, live=tape.live, connections=tape.connections, segments=len(tape.segments),
        started_at=min((s.started_at for s in stored), default=None),
        ended_at=max((s.ended_at for s in stored), default=None),
        gaps=tuple(Gap(started_at=g.started_at, ended_at=g.ended_at, why=g.why) for g in tape.gaps),
        late=tuple(
            Late(
                started_at=s.segment.started_at, ended_at=s.segment.ended_at, received_at=s.received_at,
                skew_ms=s.skew_ms,
            )
            for s in tape.late
        ),
        stills=tuple(Still(at=s.at, picture=f"{at}/stills/{n}") for n, s in enumerate(tape.stills, 1)),
        file=None if file is None else File(
            media=media, media_type="video/mp4" if file.object_key.endswith(".mp4.sealed") else "video/webm",
            link=media + link.query if link else None,
            link_ends_at=link.ends_at if link else None, bytes=file.bytes, sha256=file.sha256,
            duration_s=file.duration_s, frames=file.frames,
        ),
    )  # fmt: skip


async def tape_of(services: Services, tenant: str, name: str) -> Recording:
    _, tape = await services.handler.load(recording.DECIDER, str(Stream(tenant, "recording", name)), fresh=True)
    return tape


HANDLERS = (read, play)
