"""WHIP (RFC 9725): a candidate's camera and screen come in by an SDP offer, and go to one of the media workers.

The resource of a connection is `.../whip/{track}/{connection}`; DELETE ends it. There is no trickle ICE and no ICE
restart here, so PATCH is answered 405 as the RFC asks; a reconnection is a new POST.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Annotated, cast, get_args
from weakref import WeakValueDictionary

import msgspec
from litestar import Response, delete, post
from litestar.params import FromPath, RawBody
from nats.errors import Error as NatsError

from api.callers import load_session, may
from api.ice_servers import SDP, Linked, links
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied, away, missing
from api.schema import says
from api.services import Services
from commands import recordings
from domain import recording
from domain.messages import Done, Hangup, MediaReply, MediaRequest, Publish, Published, Refusal, VideoCodec
from domain.phase import RUNNING, Track
from domain.session import Session
from domain.stream import Stream

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
LONGEST = 64 * 1024  # bytes of an offer


@post(
    "/sessions/{session:str}/whip/{track:str}", guards=[may("candidate")], media_type=SDP,
    opt=says(415, reads={SDP: Annotated[str, msgspec.Meta(max_length=LONGEST)]}),
)  # fmt: skip
async def publish(request: AnyRequest, session: FromPath[str], track: FromPath[str], body: RawBody) -> Response[str]:
    """Takes an offer (application/sdp) and answers 201: the answer, `Location`, `ETag`, a `Link` to each ICE server."""
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    wanted = track_of(track)
    sdp = offered(request, body)
    may_publish(state, wanted)
    async with _turns.setdefault((caller.tenant, session, track), asyncio.Lock()):
        number, answer = await _connect(request, session, wanted, state, sdp)
    headers = {"Location": f"/api/v1/sessions/{session}/whip/{track}/{number}", "ETag": f'"{number}"'}
    return Linked(answer.sdp, links(services, caller), status_code=201, headers=headers)


@delete("/sessions/{session:str}/whip/{track:str}/{connection:int}", guards=[may("candidate")], status_code=200)
async def hang_up(request: AnyRequest, session: FromPath[str], track: FromPath[str], connection: FromPath[int]) -> None:
    """Ends a connection. One that has ended already, or whose worker is gone, is no error."""
    services, caller = services_of(request), caller_of(request)
    tape = await _tape(services, caller.tenant, session, track_of(track))
    if not 0 < connection <= tape.connections:
        raise missing("connection")
    order = Hangup(session=session, track=track_of(track), connection=connection, why="stopped")
    await asyncio.gather(*(ask(services, beat.worker, order) for beat in services.workers.alive()))


async def hang_up_all(request: AnyRequest, session: str) -> None:
    """Ends the connections that a session has now, whoever holds them. What is opened later stays."""
    services, tenant = services_of(request), caller_of(request).tenant
    last = {track: (await _tape(services, tenant, session, track)).connections for track in get_args(Track)}
    orders = [Hangup(session=session, track=track, connection=n, why="replaced") for track, n in last.items() if n]
    alive = services.workers.alive()
    await asyncio.gather(*(ask(services, beat.worker, order) for beat in alive for order in orders))


async def _connect(request: AnyRequest, session: str, track: Track, state: Session, sdp: str) -> tuple[int, Published]:
    services, caller = services_of(request), caller_of(request)
    tenant = caller.tenant
    for _ in range(2):
        worker = services.workers.pick(session)
        if worker is None:
            raise away("no media worker is there at the moment; try again in a moment")
        tape = await _tape(services, tenant, session, track)
        number = tape.connections + 1
        order = Publish(
            tenant=tenant, session=session, track=track, connection=number, subject=state.subject, sdp=sdp,
            codec=cast("VideoCodec | None", tape.codec), listen=track == "camera" and _heard(state),
        )  # fmt: skip
        reply = await ask(services, worker, order)
        started = partial(
            recordings.start_connection, session=session, track=track, connection=number, worker=worker,
            device=caller.device,
        )  # fmt: skip
        match reply:
            case Published(codec=codec):
                try:
                    await command(request, partial(started, codec=codec), part=f"connection {number}")
                except Exception:
                    await ask(services, worker, Hangup(session=session, track=track, connection=number, why="stopped"))
                    raise
                return number, reply
            case Refusal(status=409, field="connection"):
                # It was opened by somebody who did not live to record it. Now it is, and the next number is free.
                await command(request, started, part=f"connection {number}")
            case Refusal(status=503):
                raise away("the media worker cannot take this now; try again in a moment")
            case Refusal(field=field, rule=rule, status=status):
                raise Denied(status, "invalid" if status == 422 else "refused", rule, field=field)
            case _:
                raise away("no media worker answers at the moment; try again in a moment")
    raise away("another connection of this track is being opened; try again in a moment")


async def ask(services: Services, worker: str, order: MediaRequest) -> MediaReply | None:
    """A worker's reply; None when NATS or the worker is away."""
    if not services.nats.is_connected:
        return None
    try:
        reply = await services.nats.request(f"vigil.media.{worker}", _encoder.encode(order), timeout=PATIENCE_S)
        return _decoder.decode(reply.data)
    except NatsError:
        log.warning("the media worker %s does not answer", worker)
    except msgspec.MsgspecError:
        log.warning("the media worker %s said something that cannot be read", worker)
    return None


def may_publish(state: Session, track: Track) -> None:
    if state.over:
        raise Denied(409, "refused", "this session is over; nothing is recorded any more")
    if state.phase not in RUNNING:
        raise Denied(409, "refused", "start the exam before you publish", field="session")
    if track not in state.policy.tracks:
        raise Denied(409, "refused", f"the {track} is not captured in this exam", field="track")


def _heard(state: Session) -> bool:
    """Whether detectors may listen to this session. What is muted for other reasons than these they leave out."""
    return "voice" in state.policy.kinds and "voice" not in state.withheld


def offered(request: AnyRequest, body: bytes) -> str:
    if request.content_type[0] != SDP:
        raise Denied(415, "unsupported-type", f"an offer is {SDP}", headers={"Accept-Post": SDP})
    if len(body) > LONGEST:
        raise Denied(413, "too-large", f"an offer has at most {LONGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Denied(400, "malformed", "the offer is not valid UTF-8", field="sdp") from None


def track_of(text: str) -> Track:
    if text not in get_args(Track):
        raise missing("track")
    return cast("Track", text)


async def _tape(services: Services, tenant: str, session: str, track: Track) -> recording.Recording:
    stream = str(Stream(tenant, "recording", recordings.recording_name(session, track)))
    _, state = await services.handler.load(recording.DECIDER, stream, fresh=True)
    return state


_turns: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[MediaReply] = msgspec.msgpack.Decoder(Published | Refusal | Done)

HANDLERS = (publish, hang_up)
