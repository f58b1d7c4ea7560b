"""Who looked: each opened recording, candidate in focus, picture and export of a session."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import load_session, may
from api.ordering import AnyRequest, caller_of, services_of
from api.paging import USUAL, After, Limit, page
from api.reading import names_of
from commands.envelope import read
from commands.ledger import read_stream
from domain.record import Exported, Viewed
from domain.stream import Stream


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """`what` was looked at, by whom; looks of one minute count as one. `export` is the id of one that was made.

    `name` is of the staff; of the person themselves it says that it was the candidate.
    """

    position: int
    at: datetime
    by: str
    name: str | None
    what: str
    export: str | None


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """In the order in which they happened."""

    looks: tuple[Look, ...]
    next: str | None


@get("/sessions/{session:str}/access", guards=[may("auditor", "data_protection_officer")])
async def access(request: AnyRequest, session: FromPath[str], limit: Limit = USUAL, after: After = "") -> Access:
    """Who opened a recording, watched live, saw pictures of evidence or identity, or made an export, and when."""
    services, tenant = services_of(request), caller_of(request).tenant
    subject = (await load_session(services, tenant, session)).subject
    async with services.pool.connection() as conn:
        rows = await read_stream(conn, str(Stream(tenant, "record", session)))
    names = await names_of(request) | {subject: "the candidate"}
    looks = []
    for position, event in ((row.position, read(row)[1]) for row in rows):
        match event:
            case Viewed(by=by, what=what, at=at):
                looks.append(Look(position=position, at=at, by=by, name=names.get(by), what=what, export=None))
            case Exported(by=by, export=export, at=at):
                looks.append(Look(position=position, at=at, by=by, name=names.get(by), what="export", export=export))
    shown, onward = page(request, looks, lambda look: (look.position,), limit, after)
    return Access(looks=shown, next=onward)


HANDLERS = (access,)
