"""Stills: single pictures of camera and screen while no video holds, sent by the candidate's page each ten seconds.

Invigilators see them on the wall, as they see pictures of video; reviewers find them beside the recording. No detector
looks at them: what was not seen as video counts as not observed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, RawBody
from msgspec.structs import replace

from api.callers import load_session, may
from api.device_time import DeviceTime, Skew, by_our_clock
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.pictures import upright
from api.problems import Denied, missing
from api.recordings import on_record, tape_of
from api.restriction import unrestricted
from api.schema import says
from api.whip import may_publish, track_of
from commands import recordings
from domain import late

BYTES = 256 * 1024
OLDEST, EARLIEST = timedelta(minutes=10), timedelta(seconds=10)
LIVE = timedelta(seconds=15)  # what was taken before that is kept, and no picture of now
READS: dict[str, object] = {"image/jpeg": bytes}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """When it was taken, by the server's clock."""

    at: datetime


@post(
    "/sessions/{session:str}/stills/{track:str}", guards=[may("candidate")], request_max_body_size=BYTES,
    opt=limited("pictures") | says(415, reads=READS),
)  # fmt: skip
async def send(  # noqa: PLR0917 - what a still is sent with
    request: AnyRequest, session: FromPath[str], track: FromPath[str], taken_at: FromQuery[DeviceTime],
    skew_ms: FromQuery[Skew], body: RawBody,
) -> Taken:  # fmt: skip
    """Takes a JPEG of a track. `taken_at` is by the clock of the device, which is `skew_ms` ahead of the server's."""
    services, caller = services_of(request), caller_of(request)
    wanted = track_of(track)
    state = await load_session(services, caller.tenant, session)
    may_publish(state, wanted)
    now = services.now()
    at = by_our_clock(taken_at, skew_ms, field="taken_at")
    if not now - OLDEST <= at <= now + EARLIEST:
        rule = f"at most {OLDEST.seconds // 60} minutes ago, by the server's clock"
        raise Denied(422, "invalid", rule, field="taken_at")
    if state.started_at is None or at < state.started_at:
        raise Denied(422, "invalid", "taken after the exam was started", field="taken_at")
    at = min(at, now)
    name = recordings.recording_name(session, wanted)
    order = late.StoreStill(
        at=at, device_at=taken_at, skew_ms=skew_ms, received_at=now, object_key="", sha256="", width=0, height=0
    )
    if not late.decide(order, await tape_of(services, caller.tenant, name)):  # what is refused is not stored either
        return Taken(at=at)
    jpeg = await upright(body)
    still = await services.late.still(caller.tenant, session, wanted, jpeg)
    order = replace(
        order, object_key=still.object_key, sha256=still.sha256, width=still.width, height=still.height
    )  # fmt: skip
    await command(request, partial(recordings.store_still, session=session, name=name, order=order))
    if now - at <= LIVE:
        await services.late.show(caller.tenant, session, wanted, jpeg, at=at)
    return Taken(at=at)


@get(
    "/recordings/{recording:str}/stills/{number:int}", guards=[may("reviewer", "auditor"), unrestricted],
    media_type="image/jpeg",
)  # fmt: skip
async def look(request: AnyRequest, recording: FromPath[str], number: FromPath[int]) -> Response[bytes]:
    """A still, counted from 1 in order of time. That it was opened is put on the record."""
    return await still_of(request, recording, number)


async def still_of(request: AnyRequest, recording: str, number: int) -> Response[bytes]:
    """The JPEG, for somebody who may. Raises `Denied` 404."""
    services, tenant = services_of(request), caller_of(request).tenant
    stills = (await tape_of(services, tenant, recording)).stills
    still = stills[number - 1] if 0 < number <= len(stills) else None
    jpeg = await services.late.open_still(tenant, recording, still) if still else None
    if still is None or jpeg is None:
        raise missing("still", field="number")
    await on_record(request, recording)
    headers = {"Cache-Control": "private, no-store", "ETag": f'"{still.sha256}"'}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


HANDLERS = (send, look)
