"""The candidate's own live stream: everything that concerns them, as it is recorded, each event with its position."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import psycopg
from litestar import get
from litestar.params import FromPath
from psycopg_pool import PoolTimeout

from api import hints
from api.callers import load_schedule, may, zone_of
from api.candidate_view import CandidateView, Change, View, events_of
from api.echo import Echo
from api.event_stream import EventStream, last_id, message
from api.hints import Hints
from api.ordering import AnyRequest, caller_of, services_of
from api.services import Services
from api.sessions import upcoming

log = logging.getLogger(__name__)

POLL_S = 1.0
SETTLE_S = 3.0  # after NATS came back, beats need this long to be complete


@get("/sessions/{session:str}/view", guards=[may("candidate")])
async def view(request: AnyRequest, session: FromPath[str]) -> View:
    """Everything that concerns the candidate, at one position; their stream goes on from there."""
    made = CandidateView()
    for event in await events_of(services_of(request), caller_of(request).tenant, session):
        for _ in made.fold(event):
            pass
    return await _whole(services_of(request), caller_of(request).tenant, made)


@get("/sessions/{session:str}/stream", guards=[may("candidate")], media_type="text/event-stream")
async def stream(request: AnyRequest, session: FromPath[str]) -> EventStream:
    """Server-sent events `session`, `message`, `intervention`, `help`; a `snapshot` first without `Last-Event-ID`.

    `publish_again` says that the process which takes the candidate's media is gone, or about to stop (`draining`):
    connect anew, then keeping the connection there is until the new one stands.
    """
    return EventStream(request, _events(request, session, last_id(request)), name="candidate")


async def _events(request: AnyRequest, session: str, after: int | None) -> AsyncIterator[bytes]:
    services, tenant = services_of(request), caller_of(request).tenant
    told: Hints = request.app.state.hints
    echo: Echo = request.app.state.echo
    made = CandidateView()
    with told.on(hints.candidate(session)) as hint:
        for event in await events_of(services, tenant, session):
            changes = list(made.fold(event))
            if after is not None and event.position > after:
                for change in changes:
                    yield message(named(change), change, event.position)
        if after is None:
            yield message("snapshot", await _whole(services, tenant, made), made.position)
        told_of: set[tuple[str, bool]] = set()
        while True:
            await hint.wait(POLL_S)
            if (beat := services.workers.leaving(session, silence_counts=echo.clear_for(SETTLE_S))) is None:
                told_of.clear()
            elif (beat.worker, beat.draining) not in told_of:
                told_of.add((beat.worker, beat.draining))
                yield message("publish_again", {"draining": services.workers.lives(beat.worker)})
            try:
                fresh = await events_of(services, tenant, session, made.position)
            except (psycopg.OperationalError, PoolTimeout) as error:
                log.warning("a candidate's events cannot be read (%s); trying again", type(error).__name__)
                continue
            for event in fresh:
                for change in made.fold(event):
                    yield message(named(change), change, event.position)


async def _whole(services: Services, tenant: str, made: CandidateView) -> View:
    plan = await load_schedule(services, tenant, made.session.schedule)
    return made.whole(services.now(), zone_of(plan), upcoming(made.session, plan))


def named(change: Change) -> str:
    return str(type(change).__struct_config__.tag)


HANDLERS = (view, stream)
