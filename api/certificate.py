"""The certificate of a request: what was erased and when, what is held and why, what remains, who has a copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied
from api.reading import names_of, rows_of
from api.requests import OFFICER, asked
from api.schema import says
from api.services import Services
from api.subjects import WHAT, Recipient, held
from commands.envelope import read as read_event
from commands.ledger import read_session, read_stream
from domain.event import KeyClass
from domain.hold import Hold
from domain.stream import Stream
from projections.keeping import KEEPING, Kept
from projections.requests import Asked

ALWAYS = (
    "pseudonyms of this person, of their sessions and of the staff, which nobody can lead back without our secret",
    "times, states, scores and hashes of what happened, so that the proofs of this record, and of all others, hold",
    "texts as sealed bytes, whose keys are destroyed",
    "the request itself; its letter and our answer are sealed under a key of their own, which is kept to show for it",
)
SEALED_LEFT = "objects that the store keeps though they were deleted, as sealed bytes whose keys are destroyed"


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Decided at `erased_at`, and nowhere to be found since `gone_at`; None while it is still being done."""

    key_class: KeyClass
    what: str
    erased_at: datetime
    gone_at: datetime | None


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """Not erased because of these holds. It is restricted, and goes when none of them stands any more."""

    key_class: KeyClass
    what: str
    holds: dict[str, Hold]


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of which events remain, and how many of each kind. None of their texts can be opened."""

    stream: str
    events: dict[str, int]


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """`kept` are classes that nobody has asked to erase. `recipients` were given an export while it could be read."""

    session: str
    title: str
    erased: tuple[Gone, ...]
    held: tuple[HeldBack, ...]
    kept: tuple[KeyClass, ...]
    restricted: bool
    remains: tuple[Remains, ...]
    recipients: tuple[Recipient, ...]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """`final` says that nothing is held back and all that was erased is gone.

    `keys_in_backups_until` is when the last copy of the keys expires, by what the operator has set; None where they
    have said nothing, or it is not known yet.
    """

    request: Asked
    as_of: datetime
    position: int
    final: bool
    sessions: tuple[Certified, ...]
    remains: tuple[str, ...]
    keys_in_backups_until: datetime | None
    people: dict[str, str | None]


@get("/requests/{data_request:str}/certificate", guards=[may(OFFICER)], opt=says(409))
async def certificate(request: AnyRequest, data_request: FromPath[str]) -> Certificate:
    """What became of a request, as of now, for the answer to it. It holds no text of the person's."""
    return await certified(request, data_request)


async def certified(request: AnyRequest, data_request: str) -> Certificate:
    """The certificate as of now. Raises `Denied` 404, and 409 where nothing was executed yet."""
    row = await asked(request, data_request)
    if row.executed_at is None:
        raise Denied(409, "refused", "nothing of this request was executed yet")
    services, tenant, names = services_of(request), caller_of(request).tenant, await names_of(request)
    found = await rows_of(request, KEEPING, {"subject": row.subject})
    kept = [one for one in found.rows.values() if one.session in row.sessions]
    sessions = tuple([await _session(services, tenant, one, names) for one in kept])
    final = not any(one.held or any(gone.gone_at is None for gone in one.erased) for one in sessions)
    people = {who for who in (row.received_by, row.decided_by, *row.executed_by) if who}
    return Certificate(
        request=row, as_of=services.now(), position=found.position, final=final, sessions=sessions,
        remains=(*ALWAYS, *([SEALED_LEFT] if any(one.sealed_left for one in kept) else [])),
        keys_in_backups_until=_expiry(kept, services.key_backup_days) if final else None,
        people={who: names.get(who) for who in sorted(people)},
    )  # fmt: skip


async def _session(services: Services, tenant: str, row: Kept, names: Mapping[str, str | None]) -> Certified:
    told = await held(services, tenant, row, names)
    waiting = row.keeping.held & row.keeping.due.keys()
    return Certified(
        session=row.session, title=told.title, restricted=row.keeping.restricted, recipients=told.recipients,
        erased=tuple(
            Gone(key_class=one, what=what, erased_at=row.erased_at[one], gone_at=row.finished_at.get(one))
            for one, what in WHAT.items() if one in row.erased_at
        ),
        held=tuple(
            HeldBack(key_class=one, what=what, holds={n: h for n, h in row.keeping.holds.items() if one in h.classes})
            for one, what in WHAT.items() if one in waiting
        ),
        kept=tuple(sorted(row.left - waiting)), remains=await _remains(services, tenant, row),
    )  # fmt: skip


async def _remains(services: Services, tenant: str, row: Kept) -> tuple[Remains, ...]:
    """The events of the session, and those of its schedule that are about it."""
    found: dict[str, Counter[str]] = {}
    plan = str(Stream(tenant, "schedule", row.schedule))
    async with services.pool.connection() as conn:
        events = await read_session(conn, tenant, row.session, whole=False)
        events += [
            one for one in await read_stream(conn, plan) if getattr(read_event(one)[1], "session", "") == row.session
        ]
    for one in events:
        found.setdefault(one.stream, Counter())[one.tag] += 1
    return tuple(
        Remains(stream=stream, events=dict(sorted(counts.items()))) for stream, counts in sorted(found.items())
    )


def _expiry(rows: list[Kept], days: int) -> datetime | None:
    last = max((at for row in rows for at in row.finished_at.values()), default=None)
    return last + timedelta(days=days) if days and last else None


HANDLERS = (certificate,)
