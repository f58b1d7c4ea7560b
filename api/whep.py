"""WHEP (draft-ietf-wish-whep): an invigilator watches one track of a session live, by an SDP offer to its media worker.

The resource of a viewer is `.../whep/{track}/{viewer}`; DELETE ends it. Every few seconds it is asked whether they may
still watch, and the worker is told so; where nobody tells it any more, also because this process died, the picture ends
by itself, and the page asks anew. There is no trickle ICE and no ICE restart here.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, post
from litestar.params import FromPath, RawBody

from api.callers import WATCHERS, load_session, may, still_allowed
from api.event_stream import ASKED_EVERY_S
from api.ice_servers import SDP, Linked, links
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied, away
from api.schema import says
from api.services import Services
from api.whip import LONGEST, ask, offered, track_of
from commands import recordings
from domain.messages import KeepWatching, Published, Refusal, StopWatching, Track, Watch
from domain.phase import RUNNING
from domain.session import Session


class Watching:
    """The tasks that vouch for the viewers whom this process has let in."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, request: AnyRequest, worker: str, viewer: str) -> None:
        task = self._tasks[viewer] = asyncio.create_task(_vouch(request, worker, viewer), name=f"viewer {viewer}")
        task.add_done_callback(lambda _: self._tasks.pop(viewer, None))

    def end(self, viewer: str) -> None:
        if (task := self._tasks.get(viewer)) is not None:
            task.cancel()

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()


@post(
    "/sessions/{session:str}/whep/{track:str}", guards=[may(*WATCHERS)], media_type=SDP,
    opt=says(415, reads={SDP: Annotated[str, msgspec.Meta(max_length=LONGEST)]}),
)  # fmt: skip
async def watch(request: AnyRequest, session: FromPath[str], track: FromPath[str], body: RawBody) -> Response[str]:
    """Takes an offer to receive (application/sdp) and answers 201: the answer, `Location`, `ETag`, `Link`s as in WHIP.

    Who watches stands in the record. There need be nobody publishing yet: the picture comes when they do.
    """
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    wanted, sdp = track_of(track), offered(request, body)
    _must_be_shown(state, wanted)
    worker = services.workers.pick(session)
    if worker is None:
        raise away("no media worker is there at the moment; try again in a moment")
    viewer = secrets.token_hex(16)
    order = Watch(tenant=caller.tenant, session=session, track=wanted, viewer=viewer, sdp=sdp)
    match await ask(services, worker, order):
        case Published(sdp=answer):
            pass
        case Refusal(field=field, rule=rule, status=422):
            raise Denied(422, "invalid", rule, field=field)
        case Refusal(field=field, rule=rule, status=409):
            raise Denied(409, "refused", rule, field=field)
        case _:
            raise away("no media worker answers at the moment; try again in a moment")
    try:
        await command(request, partial(recordings.view, session=session, what=f"live {wanted}"), part="viewed")
    except Exception:
        await ask(services, worker, StopWatching(viewer=viewer))
        raise
    request.app.state.watching.begin(request, worker, viewer)
    headers = {"Location": f"/api/v1/sessions/{session}/whep/{track}/{viewer}", "ETag": f'"{viewer}"'}
    return Linked(answer, links(services, caller), status_code=201, headers=headers)


@delete("/sessions/{session:str}/whep/{track:str}/{viewer:str}", guards=[may(*WATCHERS)], status_code=200)
async def stop(request: AnyRequest, session: FromPath[str], track: FromPath[str], viewer: FromPath[str]) -> None:
    """Ends a viewer. One that has ended already, or whose worker is gone, is no error."""
    track_of(track)
    await load_session(services_of(request), caller_of(request).tenant, session)
    request.app.state.watching.end(viewer)
    await _stop(services_of(request), viewer)


async def _vouch(request: AnyRequest, worker: str, viewer: str) -> None:
    """Says that they may go on watching for as long as that is so, and the worker has them."""
    services = services_of(request)
    while await still_allowed(request):
        answer = await ask(services, worker, KeepWatching(viewer=viewer))
        if isinstance(answer, Refusal):
            return
        await asyncio.sleep(ASKED_EVERY_S)
    await _stop(services, viewer)


async def _stop(services: Services, viewer: str) -> None:
    order = StopWatching(viewer=viewer)
    await asyncio.gather(*(ask(services, beat.worker, order) for beat in services.workers.alive()))


def _must_be_shown(state: Session, track: Track) -> None:
    if state.phase not in RUNNING:
        raise Denied(409, "refused", "nobody sits this exam now", field="session")
    if track not in state.policy.tracks:
        raise Denied(409, "refused", f"the {track} is not captured in this exam", field="track")


HANDLERS = (watch, stop)
