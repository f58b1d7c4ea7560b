"""What the candidate's page signals: focus, full screen, displays, devices, network. Judged at once, never stored."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody
from nats.errors import Error as NatsError

from api import hints
from api.callers import may
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from commands import signals
from domain import incidents, session_rules
from domain.browser_rules import matters
from domain.messages import PageBeat
from domain.phase import RUNNING
from domain.signals import Batch, heard
from domain.stream import Stream


class SignalsHeard(msgspec.Struct, frozen=True, kw_only=True):
    """`server_time` is for the page to learn how far its clock is ahead, and to say so with its next batch."""

    server_time: datetime


@post("/sessions/{session:str}/signals", guards=[may("candidate")], opt=limited("signals"), status_code=200)
async def hear(request: AnyRequest, session: FromPath[str], data: JSONBody[Batch]) -> SignalsHeard:
    """Takes a batch of signals: how everything stands since when, and what has changed in the last minute.

    Rules make incidents or faults of it, if anything. A batch that comes twice or late changes nothing; before the
    start and after the end none does. A signal that is left out is one that the page cannot tell.
    """
    services, tenant = services_of(request), caller_of(request).tenant
    said = heard(data, services.now())
    stream = str(Stream(tenant, "session", session))
    _, state = await services.handler.load(session_rules.DECIDER, stream)  # the guard has just read it afresh
    if state.phase in RUNNING:
        if services.nats.is_connected:
            with suppress(NatsError):
                await services.nats.publish(
                    "vigil.page.beat", msgspec.msgpack.encode(PageBeat(tenant=tenant, session=session))
                )
        stream = str(Stream(tenant, "incidents", session))
        _, known = await services.handler.load(incidents.DECIDER, stream, fresh=True)
        if matters(session, said, state, known):
            key = f"signals {data.page} {data.number}"
            await command(request, partial(signals.hear, name=session, heard=said), key=key)
            told: hints.Hints = request.app.state.hints
            await told.say(hints.candidate(session))
    return SignalsHeard(server_time=services.now())


HANDLERS = (hear,)
