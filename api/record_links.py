"""The record link: how a candidate comes back to their record after the exam, until the appeal period is over.

It is kept for long, and says only whose record it leads to; what the period is by now is looked up when it is opened.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from api.callers import anybody, load_schedule, load_session, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.problems import Denied
from api.schema import says
from api.services import Services
from api.tokens import BadToken, Token, ends
from commands import appealing
from domain import appeal, record
from domain.event import Refused
from domain.policy import Policy
from domain.record import Record
from domain.schedule import Schedule
from domain.session import Session
from domain.stream import Stream

AT_MOST = timedelta(days=10 * 366)  # no record is kept for longer, but for a hold
LASTS = timedelta(hours=1)  # who opened it; it can be opened again


class RecordLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token` is what stands behind the `#` of a record link; the whole link does as well."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class RecordOpened(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is a bearer for this one record, until `expires_at`."""

    token: str
    session: str
    title: str
    expires_at: datetime


class RecordLinkRenewed(msgspec.Struct, frozen=True, kw_only=True):
    session: str
    record_link: str


@post("/record-link", guards=[anybody], status_code=200, opt=says(401, 404))
async def open_record(request: AnyRequest, data: JSONBody[RecordLink]) -> RecordOpened:
    """Trades a record link, as often as needed, until the record can be read no longer.

    That is until the appeal period is over, and as long as an answer or a new decision is owed. A decision that comes
    later begins another period, in which the same link works again.
    """
    services, at = services_of(request), services_of(request).now()
    try:
        link = services.tokens.read(data.token.rpartition("#")[2], at, "record")
    except BadToken:
        raise _no_entry("this record link is not valid") from None
    plan = await load_schedule(services, link.tenant, link.schedule)
    state = await load_session(services, link.tenant, link.session)
    known = await load_record(services, link.tenant, link.session)
    if plan.candidates.get(link.subject) != link.session or known.appeals.link != link.link:
        raise _no_entry("this record link is not valid any more; ask for a new one")
    if state.ended_at is None:
        raise _no_entry("your exam is not over; open the link to your exam")
    until = readable(state, plan, known)
    if until is not None and at >= until:
        raise _no_entry(f"your record could be read until {until:%Y-%m-%d}; it can be again after another decision")
    expires = ends(min(at + LASTS, until or at + LASTS))
    token = Token(
        kind="reader", tenant=link.tenant, subject=link.subject, schedule=link.schedule, session=link.session,
        expires_at=expires, link=link.link,
    )  # fmt: skip
    return RecordOpened(
        token=services.tokens.sign(token), session=link.session, title=plan.title,
        expires_at=datetime.fromtimestamp(expires, UTC),
    )  # fmt: skip


@post("/schedules/{schedule:str}/candidates/{session:str}/record-link", guards=[may("planner")])
async def renew(
    request: AnyRequest, schedule: FromPath[str], session: FromPath[str]
) -> Response[RecordLinkRenewed]:  # fmt: skip
    """Makes a new record link for a candidate who has lost theirs. The one before is void at once."""
    await command(request, partial(appealing.renew_record_link, name=schedule, session=session))
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    link = record_link(services, tenant, session, state, await load_record(services, tenant, session))
    return Response(RecordLinkRenewed(session=session, record_link=link), status_code=201)


def record_link(services: Services, tenant: str, session: str, state: Session, known: Record) -> str:
    """The address that a candidate keeps. Its token is in the fragment, which no server or proxy ever logs."""
    if state.ended_at is None:
        raise Refused("this session is not over yet")
    token = Token(
        kind="record", tenant=tenant, subject=state.subject, schedule=state.schedule, session=session,
        expires_at=ends(state.ended_at, AT_MOST), link=known.appeals.link,
    )  # fmt: skip
    return f"{services.public_url.rstrip('/')}/record#{services.tokens.sign(token)}"


async def load_record(services: Services, tenant: str, session: str) -> Record:
    """The record as it is now."""
    _, known = await services.handler.load(
        record.DECIDER, str(Stream(tenant, record.DECIDER.kind, session)), fresh=True
    )
    return known


def in_force(state: Session, plan: Schedule) -> Policy:
    return appealing.policy_of(state, plan)


def readable(state: Session, plan: Schedule, known: Record) -> datetime | None:
    """Until when the candidate can read their record; None while an answer or a new decision is owed."""
    assert state.ended_at is not None
    decided = tuple(one.at for one in known.review.decisions)
    return appeal.read_until(state.ended_at, decided, in_force(state, plan).appeal_days, known.appeals)


def appeals_close(state: Session, plan: Schedule, known: Record) -> datetime:
    """When the appeal period is over, as far as anybody has decided now."""
    assert state.ended_at is not None
    decided = tuple(one.at for one in known.review.decisions)
    return appeal.closes_at(state.ended_at, decided, in_force(state, plan).appeal_days)


def _no_entry(detail: str) -> Denied:
    return Denied(401, "unauthenticated", detail, field="token", headers={"WWW-Authenticate": "Bearer"})


HANDLERS = (open_record, renew)
