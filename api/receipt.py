"""The receipt: what a candidate takes away, so that their record cannot be rewritten unseen."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import load_schedule, load_session, may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied, away
from api.record_links import appeals_close, load_record, record_link
from api.services import Services
from commands.envelope import read
from commands.ledger import read_stream
from domain.phase import Phase
from domain.record import Sealed, SealKind
from domain.session import Ended, Submitted, Terminated
from domain.stream import Stream

PATIENCE_S = 5.0


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What a seal says: it covers each stream up to a version, under one root (hex).

    `owed` had not come yet, `lost` was waited for no longer.
    """

    number: int
    kind: SealKind
    at: datetime
    owed: tuple[str, ...]
    lost: tuple[str, ...]
    root: str
    streams: dict[str, int]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`checkpoint` is the signed note over everything up to the seal; the fingerprint names the key that signed it.

    `record_link` leads the candidate back to their record, `appeals_close_at` is until when they can appeal, as long as
    nobody decides later; both are told to them alone.
    """

    session: str
    phase: Phase
    ended_at: datetime
    seal: Seal
    checkpoint: str
    key_fingerprint: str
    server_time: datetime
    record_link: str | None
    appeals_close_at: datetime | None


@get("/sessions/{session:str}/receipt", guards=[may("candidate", "reviewer", "auditor")])
async def receipt(request: AnyRequest, session: FromPath[str]) -> Receipt:
    """Waits some seconds for the seal of a session that has just ended, for the first time or again."""
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    if not state.over or state.ended_at is None:
        raise Denied(409, "refused", "the session is not over yet")
    sealed = await _sealed(services, tenant, session)
    if sealed is None:
        raise away("the record is being sealed; try again in a moment")
    seal = Seal(
        number=sealed.number, kind=sealed.kind, at=sealed.at, owed=sealed.owed, lost=sealed.lost, root=sealed.root,
        streams=sealed.streams,
    )  # fmt: skip
    link, closes_at = None, None
    if caller_of(request).candidate:
        known = await load_record(services, tenant, session)
        link = record_link(services, tenant, session, state, known)
        closes_at = appeals_close(state, await load_schedule(services, tenant, state.schedule), known)
    return Receipt(
        session=session, phase=state.phase, ended_at=state.ended_at, seal=seal, checkpoint=sealed.checkpoint,
        key_fingerprint=services.key_fingerprint, server_time=services.now(),
        record_link=link, appeals_close_at=closes_at,
    )  # fmt: skip


async def last_seal(services: Services, tenant: str, session: str) -> Sealed | None:
    """The last seal of a record, from the ledger itself."""
    async with services.pool.connection() as conn:
        rows = await read_stream(conn, str(Stream(tenant, "record", session)))
    seals = (read(row)[1] for row in reversed(rows))
    return next((event for event in seals if isinstance(event, Sealed)), None)


async def _sealed(services: Services, tenant: str, session: str) -> Sealed | None:
    """The last seal, once it covers the end that counts: one from before the session was reopened does not."""
    stream = str(Stream(tenant, "session", session))
    async with services.pool.connection() as conn:
        rows = await read_stream(conn, stream)
    ended = max(row.version for row in rows if isinstance(read(row)[1], Submitted | Terminated | Ended))
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while (seal := await last_seal(services, tenant, session)) is None or seal.streams.get(stream, 0) < ended:
        if asyncio.get_running_loop().time() > until:
            return None
        await asyncio.sleep(0.1)
    return seal


HANDLERS = (receipt,)
