"""What a candidate's page kept of its own comes late: for the gaps that the network left, and for nothing else.

The page asks what is missing, and sends just that, file by file, each named by its hash. What has arrived stays, so
that a page which is cut off or loaded again goes on with the rest.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256 as hash_of

import msgspec
from litestar import Response, get, put
from litestar.params import FromPath, FromQuery, RawBody

from api.callers import load_session, may
from api.device_time import DeviceTime, Skew, by_our_clock
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.recordings import tape_of
from api.schema import says
from api.whip import track_of
from commands import recordings
from domain import late
from domain.gaps import new_gaps
from domain.late import Stretch, missing, settled_until, within
from domain.recording import Recording
from domain.session import Session

WEBM = "video/webm"
BYTES = 4 * 1024 * 1024
LONGEST = timedelta(seconds=60)
TRIES = 3  # where several files come for one gap at the same time


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time, by the server's clock."""

    started_at: datetime
    ended_at: datetime


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing of a track, in order of time.

    What lies before `settled_until` and in none of the `gaps` is stored, and a page need not keep it any longer.
    """

    now: datetime
    settled_until: datetime | None
    gaps: tuple[Part, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a file has filled."""

    filled: tuple[Part, ...]


@get("/sessions/{session:str}/late/{track:str}", guards=[may("candidate")])
async def wanted(request: AnyRequest, session: FromPath[str], track: FromPath[str]) -> Missing:
    """Tells what is missing of the recording of one track, as far as that is certain."""
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    tape = await tape_of(services, caller.tenant, recordings.recording_name(session, track_of(track)))
    now = services.now()
    if _too_late(state, now):
        return Missing(now=now, settled_until=now, gaps=())
    settled = now if _all_told(state, tape) else settled_until(tape)
    return Missing(now=now, settled_until=settled, gaps=_parts(missing(tape)))


@put(
    "/sessions/{session:str}/late/{track:str}/{sha256:str}", guards=[may("candidate")], status_code=201,
    request_max_body_size=BYTES, opt=limited("late") | says(415, reads={WEBM: bytes}, answers={200: Kept}),
)  # fmt: skip
async def send(  # noqa: PLR0917 - what a file is sent with
    request: AnyRequest, session: FromPath[str], track: FromPath[str], sha256: FromPath[str],
    started_at: FromQuery[DeviceTime], ended_at: FromQuery[DeviceTime], skew_ms: FromQuery[Skew], body: RawBody,
) -> Response[Kept]:  # fmt: skip
    """Takes one WebM file of VP8, with or without Opus, that begins with a key frame; what lies in gaps of it is kept.

    `started_at` and `ended_at` are by the clock of the candidate's device, which is `skew_ms` ahead of the server's. Of
    files that overlap, each ends where the next one begins with its key frame. `sha256` (hex) is of the file.
    The same file may come again, for a gap that was not known yet: 200 where nothing more of it is missing. 409 where
    nothing is missing, or nobody waits any more. Everything that is kept is marked as late.
    """
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    name = recordings.recording_name(session, track_of(track))
    _check(request, body, sha256, started_at, ended_at)
    tape = await tape_of(services, caller.tenant, name)
    first = next((s for s in tape.late if s.sent_sha256 == sha256), None)
    if first:  # another gap may lie in it; when it was taken is known by now
        started_at, ended_at, skew_ms = first.device_started_at, first.device_ended_at, first.skew_ms
    began = by_our_clock(started_at, skew_ms, field="started_at")
    ended = by_our_clock(ended_at, skew_ms, field="ended_at")
    before = _filled(tape, sha256)
    for turn in range(TRIES):
        parts = () if _too_late(state, services.now()) else tuple(within(missing(tape), began, ended))
        if not parts or tape.started_at is None:
            break
        cut = await services.late.cut(
            caller.tenant, session, track_of(track), body, began_at=began, ended_at=ended, stretches=parts,
            zero=tape.started_at,
        )  # fmt: skip
        if not cut:
            break
        order = late.StoreLate(
            segments=cut, sent_sha256=sha256, device_started_at=started_at, device_ended_at=ended_at, skew_ms=skew_ms,
            received_at=services.now(),
        )  # fmt: skip
        keep = partial(recordings.store_late, session=session, name=name, order=order)
        await command(request, keep, part=f"try {turn}" if turn else "", first=not turn)
        tape = await tape_of(services, caller.tenant, name)
        if {s.object_key for s in cut} <= {s.segment.object_key for s in tape.late}:
            break  # else another file has filled something of it meanwhile
    if not (filled := _filled(tape, sha256)):
        raise _nothing_missing()
    return Response(Kept(filled=filled), status_code=200 if filled == before else 201)


def _filled(tape: Recording, sha256: str) -> tuple[Part, ...]:
    """What a file has filled."""
    late = (s.segment for s in tape.late if s.sent_sha256 == sha256)
    return _parts(Stretch(s.started_at, s.ended_at) for s in late)


def _check(request: AnyRequest, body: bytes, sha256: str, started_at: datetime, ended_at: datetime) -> None:
    if request.content_type[0] != WEBM:
        raise Denied(415, "unsupported-type", f"{WEBM} is expected", field="body")
    if not hmac.compare_digest(hash_of(body).hexdigest(), sha256):
        raise Denied(422, "invalid", "the SHA-256 of the body, in hexadecimal, is expected", field="sha256")
    if not timedelta() < ended_at - started_at <= LONGEST:
        rule = f"later than `started_at`, by at most {LONGEST.seconds} seconds"
        raise Denied(422, "invalid", rule, field="ended_at")


def _all_told(state: Session, tape: Recording) -> bool:
    """Whether every gap up to the end of the session is known."""
    if not state.over or state.ended_at is None or tape.live:
        return False
    return not new_gaps(tape, 0, len(tape.segments), settled=True, until=state.ended_at)


def _too_late(state: Session, now: datetime) -> bool:
    return state.over and state.ended_at is not None and now > state.ended_at + late.TAKEN_FOR


def _nothing_missing() -> Denied:
    return Denied(409, "refused", "nothing is missing there", field="started_at")


def _parts(stretches: Iterable[Stretch]) -> tuple[Part, ...]:
    return tuple(Part(started_at=s.started_at, ended_at=s.ended_at) for s in stretches)


HANDLERS = (wanted, send)
