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
from domain import late, recording
from domain.late import Stretch, missing, settled_until, within
from domain.recording import Recording
from domain.session import Session

WEBM = "video/webm"
BYTES = 4 * 1024 * 1024
LONGEST = timedelta(seconds=60)


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
    200 for one that was kept before; 409 where nothing is missing, or nobody waits any more. Everything that is kept is
    marked as late.
    """
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    name = recordings.recording_name(session, track_of(track))
    _check(request, body, sha256, started_at, ended_at)
    tape = await tape_of(services, caller.tenant, name)
    if before := _filled(tape, sha256):
        return Response(Kept(filled=before), status_code=200)
    began = by_our_clock(started_at, skew_ms, field="started_at")
    ended = by_our_clock(ended_at, skew_ms, field="ended_at")
    parts = () if _too_late(state, services.now()) else tuple(within(missing(tape), began, ended))
    if not parts or tape.started_at is None:
        raise _nothing_missing()
    cut = await services.late.cut(
        caller.tenant, session, track_of(track), body, began_at=began, ended_at=ended, stretches=parts,
        zero=tape.started_at,
    )  # fmt: skip
    if not cut:
        raise _nothing_missing()
    order = late.StoreLate(
        segments=cut, sent_sha256=sha256, device_started_at=started_at, device_ended_at=ended_at, skew_ms=skew_ms,
        received_at=services.now(),
    )  # fmt: skip
    await command(request, partial(recordings.store_late, session=session, name=name, order=order))
    if kept := _filled(await tape_of(services, caller.tenant, name), sha256):
        return Response(Kept(filled=kept))
    raise _nothing_missing()  # any more: another file has filled it meanwhile


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
    if tape.segments:
        return tape.finalised is not None and tape.finalised.segments >= len(tape.segments)
    return not recording.decide(recording.Settle(session_ended_at=state.ended_at), tape)


def _too_late(state: Session, now: datetime) -> bool:
    return state.over and state.ended_at is not None and now > state.ended_at + late.TAKEN_FOR


def _nothing_missing() -> Denied:
    return Denied(409, "refused", "nothing is missing there", field="started_at")


def _parts(stretches: Iterable[Stretch]) -> tuple[Part, ...]:
    return tuple(Part(started_at=s.started_at, ended_at=s.ended_at) for s in stretches)


HANDLERS = (wanted, send)
