"""How a candidate comes in: a join link is traded for a bearer token that is good for their one session.

The token is for one device. A browser tells a key of its own, so that it is the same device when it comes again.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.params import JSONBody

from api import hints
from api.callers import anybody, load_schedule, load_session
from api.limits import Buckets, too_fast
from api.ordering import KEY, AnyRequest, run, services_of
from api.problems import Denied
from api.schema import says
from api.tokens import BadToken, Token, ends
from commands import devices
from domain.phase import RUNNING
from domain.policy import Window
from domain.session import Session

KEPT = timedelta(days=1)  # after the end, for the receipt; and for an end that is moved meanwhile


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token` is what stands behind the `#` of a join link; the whole link does as well.

    `device` is a secret of the device's own, or the one that an earlier answer gave it.
    """

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    device: Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9_-]{16,100})?$")] = ""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """`live` says that the exam is taken on this device. If not, the token is good for asking (`.../devices`) only.

    `device` is what to send with the next join from here. The emergency contact is for when the page does not work.
    """

    token: str
    session: str
    schedule: str
    device: str
    live: bool
    title: str
    window: Window
    duration_s: int
    expires_at: datetime
    emergency_phone: str
    emergency_email: str


@post("/join", guards=[anybody], status_code=200, opt=says(401, 404, 429))
async def join(request: AnyRequest, data: JSONBody[Join]) -> Response[Joined]:
    """The link works as often as needed until the window closes, and for who began until a day after their own end.

    So whoever loses their connection comes back by it, and a session whose end is moved far off gets a new token.
    Before the start the device that joined last is live; while the exam runs another one is admitted by a person.
    On more than 20 other devices at once, and one more each 30 seconds, a link waits (429 with `Retry-After`).
    """
    services, at = services_of(request), services_of(request).now()
    try:
        link = services.tokens.read(data.token.rpartition("#")[2], at, "join")
    except BadToken:
        raise _no_entry("this join link is not valid") from None
    plan = await load_schedule(services, link.tenant, link.schedule)
    current = plan.candidates.get(link.subject) == link.session and plan.links.get(link.session, 0) == link.link
    if plan.window is None or not current:
        raise _no_entry("this join link is not valid any more")
    state = await load_session(services, link.tenant, link.session)
    expires_at = _ends(plan.window, state, at) + KEPT
    if not (state.phase in RUNNING or (state.over and at < expires_at)):
        if plan.phase == "cancelled":
            raise _no_entry("the exam was called off; this join link is not valid any more")
        if at >= plan.window.closes_at or plan.phase == "closed":
            raise _no_entry("the exam is over; this join link has expired")
    secret = data.device or _secret(request, link)
    device = sha256(f"vigil/device/1\n{link.session}\n{secret}".encode()).hexdigest()[:16]
    if state.devices.live != device and not state.over:
        buckets: Buckets = request.app.state.buckets
        if wait_s := buckets.take(link.tenant, link.session, "joins"):
            raise too_fast("this join link was opened on very many devices", wait_s)
        await run(request, link.tenant, link.subject, partial(devices.join, name=link.session, device=device))
        state = await load_session(services, link.tenant, link.session)
        await _told(request, link.session)
    token = Token(
        kind="candidate", tenant=link.tenant, subject=link.subject, schedule=link.schedule, session=link.session,
        expires_at=ends(expires_at), device=device, link=link.link,
    )  # fmt: skip
    answer = Joined(
        token=services.tokens.sign(token), session=link.session, schedule=link.schedule, device=secret,
        live=state.over or state.devices.take(device), title=plan.title, window=plan.window,
        duration_s=plan.duration_s, expires_at=expires_at, emergency_phone=plan.contact.phone,
        emergency_email=plan.contact.email,
    )  # fmt: skip
    return Response(answer)


def _secret(request: AnyRequest, link: Token) -> str:
    """A new device's secret: the same when the same request comes again, because its answer was lost."""
    if key := request.headers.get(KEY):
        asked = f"vigil/device/1\n{link.tenant}\n{link.session}\n{key}".encode()
        return hmac.digest(services_of(request).secret, asked, "sha256").hex()
    return token_urlsafe(24)


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


def _ends(window: Window, state: Session, at: datetime) -> datetime:
    """When it is over for this candidate, as far as anybody knows now."""
    moments = (window.closes_at, state.end_at, state.ended_at, at if state.phase in RUNNING else None)
    return max(moment for moment in moments if moment)


def _no_entry(detail: str) -> Denied:
    return Denied(401, "unauthenticated", detail, field="token", headers={"WWW-Authenticate": "Bearer"})


HANDLERS = (join,)
