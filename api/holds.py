"""Holds: what they cover of a session is not erased while they stand."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.bodies import Id
from api.callers import Who, may
from api.moments import moment_of
from api.ordering import AnyRequest, caller_of, command
from api.paging import USUAL, After, Limit, rows_after
from api.problems import missing
from api.reading import names_of, rows_of
from commands import keeping
from domain.event import KeyClass
from domain.hold import Hold
from projections.keeping import KEEPING
from projections.schedules import SCHEDULES

READERS: tuple[Who, ...] = ("data_protection_officer", "auditor")
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NewHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Covers these `classes`, or everything. It is over at `until`, or when somebody lifts it.

    While what it covers has to be erased, only who placed it, `readers` and the data-protection officer may look.
    """

    reason: Reason
    classes: Annotated[tuple[KeyClass, ...], msgspec.Meta(max_length=5)] = ()
    until: Moment | None = None
    readers: Annotated[tuple[Id, ...], msgspec.Meta(max_length=50)] = ()


class HoldPlaced(msgspec.Struct, frozen=True, kw_only=True):
    hold: str


class NewLift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """Those that stand, by their names. `restricted` says that something waits for them to be erased."""

    session: str
    position: int
    restricted: bool
    holds: dict[str, Hold]


class KeptSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session: what holds it, and what of it is kept until when (None while it is not over)."""

    session: str
    schedule: str
    title: str
    subject: str
    over_at: datetime | None
    looked_at: datetime | None
    erased: tuple[KeyClass, ...]
    restricted: bool
    holds: dict[str, Hold]


class KeptSessions(msgspec.Struct, frozen=True, kw_only=True):
    """A page may be empty and have a `next` all the same. `people` names who placed the holds, and their readers."""

    position: int
    sessions: tuple[KeptSession, ...]
    people: dict[str, str | None]
    next: str | None


@get("/holds", guards=[may(*READERS)])
async def read_all(
    request: AnyRequest,
    *,
    due_by: Annotated[str, QueryParameter(max_length=64)] = "",
    limit: Limit = USUAL,
    after: After = "",
) -> KeptSessions:
    """Sessions that are held; or, until a moment, those of which something has then been kept for long enough.

    `looked_at` is when the next of it goes, if nothing holds it. Auditors are told of what they are assigned to.
    """
    until = moment_of(due_by, "due_by") if due_by else None
    found, onward = await rows_after(request, KEEPING, {}, limit, after)
    caller = caller_of(request)
    whole = "data_protection_officer" in caller.roles
    rows = [row for row in found.rows.values() if whole or (caller.auditing and caller.auditing.covers(row.schedule))]
    wanted = [
        row for row in rows
        if (row.keeping.holds if until is None else row.looked_at_from and row.looked_at_from <= until)
    ]  # fmt: skip
    names, plans = await names_of(request), (await rows_of(request, SCHEDULES)).rows
    titles = {plan.schedule: plan.title for plan in plans.values()}
    named = {who for row in wanted for hold in row.keeping.holds.values() for who in (hold.by, *hold.readers) if who}
    return KeptSessions(
        position=found.position, next=onward, people={who: names.get(who) for who in sorted(named)},
        sessions=tuple(
            KeptSession(
                session=row.session, schedule=row.schedule, title=titles.get(row.schedule, ""), subject=row.subject,
                over_at=row.over_at, looked_at=row.looked_at_from, erased=tuple(sorted(row.keeping.erased)),
                restricted=row.keeping.restricted, holds=dict(row.keeping.holds),
            )
            for row in wanted
        ),
    )  # fmt: skip


@get("/sessions/{session:str}/record/holds", guards=[may("data_protection_officer", "reviewer", "auditor")])
async def read(request: AnyRequest, session: FromPath[str]) -> Holds:
    found = await rows_of(request, KEEPING, {"key": f"{caller_of(request).tenant}/{session}"})
    row = next(iter(found.rows.values()), None)
    if row is None:
        raise missing("session")
    return Holds(
        session=session, position=row.position, restricted=row.keeping.restricted, holds=dict(row.keeping.holds)
    )


@post("/sessions/{session:str}/record/holds", guards=[may("data_protection_officer", "reviewer")])
async def place(request: AnyRequest, session: FromPath[str], data: JSONBody[NewHold]) -> Response[HoldPlaced]:
    """Holds what there is of a session against erasing. A decision that is not clear does so by itself."""
    wanted = partial(
        keeping.place_hold, session=session, reason=data.reason, classes=data.classes, until=data.until,
        readers=data.readers,
    )  # fmt: skip
    made = await command(request, wanted)
    return Response(HoldPlaced(hold=made.ids["hold"]), status_code=201)


@post(
    "/sessions/{session:str}/record/holds/{hold:str}/lift", guards=[may("data_protection_officer")], status_code=204
)  # fmt: skip
async def lift(
    request: AnyRequest, session: FromPath[str], hold: FromPath[str], data: JSONBody[NewLift]
) -> None:  # fmt: skip
    """Lifts a hold. What has to be erased, and no other hold covers, is erased at once.

    The reason is about a person, so it comes in a body and stands in no address.
    """
    await command(request, partial(keeping.lift_hold, session=session, hold=hold, reason=data.reason))


HANDLERS = (read_all, read, place, lift)
