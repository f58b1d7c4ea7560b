"""How a candidate comes in: a join link is traded for a bearer token that is good for their one session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.params import JSONBody

from api.callers import anybody, load_schedule, load_session
from api.ordering import AnyRequest, services_of
from api.problems import Denied
from api.schema import says
from api.tokens import BadToken, Token, ends
from domain.phase import RUNNING
from domain.policy import Window
from domain.session import Session

KEPT = timedelta(days=1)  # after the end, for the receipt; and for an end that is moved meanwhile


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token` is what stands behind the `#` of a join link; the whole link does as well."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    session: str
    schedule: str
    title: str
    window: Window
    duration_s: int
    expires_at: datetime
    server_time: datetime


@post("/join", guards=[anybody], status_code=200, opt=says(401, 404))
async def join(request: AnyRequest, data: JSONBody[Join]) -> Response[Joined]:
    """The link works as often as needed until the window closes, and for who began until a day after their own end.

    So whoever loses their connection comes back by it, and a session whose end is moved far off gets a new token.
    """
    services, at = services_of(request), services_of(request).now()
    try:
        link = services.tokens.read(data.token.rpartition("#")[2], at, "join")
    except BadToken:
        raise _no_entry("this join link is not valid") from None
    plan = await load_schedule(services, link.tenant, link.schedule)
    if plan.window is None or plan.candidates.get(link.subject) != link.session:
        raise _no_entry("this join link is not valid any more")
    state = await load_session(services, link.tenant, link.session)
    expires_at = _ends(plan.window, state, at) + KEPT
    if not (state.phase in RUNNING or (state.over and at < expires_at)):
        if plan.phase == "cancelled":
            raise _no_entry("the exam was called off; this join link is not valid any more")
        if at >= plan.window.closes_at or plan.phase == "closed":
            raise _no_entry("the exam is over; this join link has expired")
    token = Token(
        kind="candidate", tenant=link.tenant, subject=link.subject, schedule=link.schedule, session=link.session,
        expires_at=ends(expires_at),
    )  # fmt: skip
    answer = Joined(
        token=services.tokens.sign(token), session=link.session, schedule=link.schedule, title=plan.title,
        window=plan.window, duration_s=plan.duration_s, expires_at=expires_at, server_time=at,
    )  # fmt: skip
    return Response(answer)


def _ends(window: Window, state: Session, at: datetime) -> datetime:
    """When it is over for this candidate, as far as anybody knows now."""
    moments = (window.closes_at, state.end_at, state.ended_at, at if state.phase in RUNNING else None)
    return max(moment for moment in moments if moment)


def _no_entry(detail: str) -> Denied:
    return Denied(401, "unauthenticated", detail, field="token", headers={"WWW-Authenticate": "Bearer"})


HANDLERS = (join,)
