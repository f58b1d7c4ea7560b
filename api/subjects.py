"""What is held of a person, for how long, and why it is held longer: for whoever answers their requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import missing
from api.reading import names_of, rows_of
from api.services import Services
from commands.keeping import retained
from domain import schedule, session_rules
from domain.event import KeyClass
from domain.hold import Hold
from domain.phase import Phase
from domain.retention import CLASSES
from domain.stream import Stream
from projections.keeping import KEEPING, Kept

WHAT: Mapping[KeyClass, str] = {
    "profile": "name, number, address, and what an accommodation says in words",
    "identity": "pictures of the identity check",
    "chat": "messages, and what was asked for and answered",
    "media": "recordings of camera, microphone and screen, and pictures out of them",
    "notes": "what people wrote about this session, with their reasons",
}


class Class(msgspec.Struct, frozen=True, kw_only=True):
    """One class of data. It is kept `until` then, if nothing holds it; None while the session is not over.

    `erased_at` is when it was decided that it goes, `gone_at` since when it is gone everywhere.
    """

    key_class: KeyClass
    what: str
    until: datetime | None
    held_by: tuple[str, ...]
    erased_at: datetime | None
    gone_at: datetime | None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Who was given an export, and has it whatever is erased here.

    `request` is the person's own for access, where they were given it themselves.
    """

    export: str
    by: str
    name: str | None
    at: datetime
    request: str = ""


class SessionHeld(msgspec.Struct, frozen=True, kw_only=True):
    session: str
    schedule: str
    title: str
    phase: Phase
    since: datetime | None
    over_at: datetime | None
    restricted: bool
    classes: tuple[Class, ...]
    holds: dict[str, Hold]
    recipients: tuple[Recipient, ...]


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """`position` is what this is as of."""

    subject: str
    position: int
    sessions: tuple[SessionHeld, ...]


@get("/subjects/{subject:str}/data", guards=[may("data_protection_officer")])
async def read(request: AnyRequest, subject: FromPath[str]) -> Data:
    """What is held of a person: their sessions, with each class of data, since and until when, and holds."""
    found = await rows_of(request, KEEPING, {"subject": subject})
    rows = sorted(found.rows.values(), key=lambda row: (row.opened_at is None, row.opened_at, row.session))
    if not rows:
        raise missing("subject")
    names, services, tenant = await names_of(request), services_of(request), caller_of(request).tenant
    sessions = tuple([await held(services, tenant, row, names) for row in rows])
    return Data(subject=subject, position=found.position, sessions=sessions)


async def held(services: Services, tenant: str, row: Kept, names: Mapping[str, str | None]) -> SessionHeld:
    """One session, with the times that its policy gives."""
    _, state = await services.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", row.session)))
    _, plan = await services.handler.load(schedule.DECIDER, str(Stream(tenant, "schedule", row.schedule)))
    ends = retained(state.policy if state.started_at else plan.policy, row.over_at) if row.over_at else None
    classes = []
    for key_class, what in WHAT.items():
        when = None if ends is None else ends["media" if key_class in CLASSES["media"] else "record"]
        by = tuple(sorted(name for name, hold in row.keeping.holds.items() if key_class in hold.classes))
        classes.append(
            Class(
                key_class=key_class, what=what, until=when, erased_at=row.erased_at.get(key_class),
                gone_at=row.finished_at.get(key_class), held_by=() if key_class in row.keeping.erased else by,
            )
        )  # fmt: skip
    return SessionHeld(
        session=row.session, schedule=row.schedule, title=plan.title, phase=row.phase, since=row.opened_at,
        over_at=row.over_at, restricted=row.keeping.restricted, classes=tuple(classes), holds=dict(row.keeping.holds),
        recipients=tuple(
            Recipient(export=one.export, by=one.by, name=names.get(one.by), at=one.at, request=one.request)
            for one in row.exports
        ),
    )  # fmt: skip


HANDLERS = (read,)
