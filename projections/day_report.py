"""The report of the day: what happened under a schedule, as facts about pseudonyms, in a form that can be signed.

The same facts always give the same report, also years later: it holds no name, no text about anybody, and no verdict,
which others give afterwards. A change of its form gets another `format`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from projections.duty import Rota
from projections.gradebook_row import Account, LateEntry
from projections.outages import Declared

Attended = Literal["expected", "present", "late", "no_show", "declined"]


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """How far the check of somebody's identity came, and who decided last."""

    standing: str
    by: str
    at: datetime | None


class OnBreak(msgspec.Struct, frozen=True, kw_only=True):
    """`over_s` is by how much it was too long, which is no irregularity by itself."""

    kind: str
    began_at: datetime
    ended_at: datetime | None
    over_s: float


class Irregularity(msgspec.Struct, frozen=True, kw_only=True):
    """Something flagged. Nobody's guilt: `by` is who raised it, "" where a detector or the page did."""

    incident: str
    kind: str
    severity: str
    at: datetime
    by: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, never counted as conduct."""

    what: str
    why: str
    began_at: datetime
    ended_at: datetime | None


class Intervened(msgspec.Struct, frozen=True, kw_only=True):
    intervention: str
    kind: str
    stage: str
    at: datetime
    by: str
    minutes: float | None


class Helped(msgspec.Struct, frozen=True, kw_only=True):
    help: str
    topic: str
    at: datetime
    state: str
    by: str
    ended_at: datetime | None


class SessionDay(msgspec.Struct, frozen=True, kw_only=True):
    session: str
    subject: str
    attended: Attended
    late: LateEntry | None
    identity: Identified | None
    started_at: datetime | None
    ended_at: datetime | None
    phase: str
    extra_s: int
    breaks: tuple[OnBreak, ...]
    irregularities: tuple[Irregularity, ...]
    faults: tuple[Failure, ...]
    interventions: tuple[Intervened, ...]
    help: tuple[Helped, ...]


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    since: datetime
    until: datetime | None
    ended: str


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    outage: str
    began_at: datetime
    ended_at: datetime
    whose: str
    cause: str
    by: str
    at: datetime


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    format: int = 1
    schedule: str
    sessions: tuple[SessionDay, ...]
    outages: tuple[Outage, ...]
    duty: tuple[OnDuty, ...]


def report_of(schedule: str, accounts: Iterable[Account], outages: Iterable[Declared], rota: Rota | None) -> DayReport:
    """Of all who are enrolled; everything in an order of its own."""
    there = sorted((one for one in accounts if not one.withdrawn), key=lambda one: one.session)
    return DayReport(
        schedule=schedule,
        sessions=tuple(map(_session, there)),
        outages=tuple(
            Outage(
                outage=one.outage, began_at=one.began_at, ended_at=one.ended_at, whose=one.whose, cause=one.cause,
                by=one.by, at=one.at,
            )
            for one in sorted(outages, key=lambda one: (one.began_at, one.outage))
        ),
        duty=tuple(
            OnDuty(user=turn.user, since=turn.since, until=turn.until, ended=turn.ended)
            for turn in sorted(rota.turns if rota else (), key=lambda turn: (turn.since, turn.user))
        ),
    )  # fmt: skip


def canonical(report: DayReport) -> bytes:
    """What is hashed and signed."""
    return msgspec.json.encode(report, order="sorted")


def attended(account: Account) -> Attended:
    if account.clock.started_at:
        return "late" if account.late else "present"
    if account.phase == "no_show":
        return "no_show"
    return "declined" if account.phase == "declined" else "expected"


def identified(account: Account) -> Identified | None:
    known = account.identity
    return None if known.standing == "none" else Identified(standing=known.standing, by=known.by, at=known.at)


def breaks(account: Account) -> tuple[OnBreak, ...]:
    return tuple(
        OnBreak(kind=one.kind, began_at=one.began_at, ended_at=one.ended_at, over_s=one.over_s)
        for one in account.breaks
    )  # fmt: skip


def _session(account: Account) -> SessionDay:
    flagged = sorted(account.incidents.items(), key=lambda one: (one[1].at, one[0]))
    asked = sorted(account.help.items(), key=lambda one: (one[1].at, one[0]))
    done = sorted(account.interventions.items(), key=lambda one: (one[1].at, one[0]))
    return SessionDay(
        session=account.session, subject=account.subject, attended=attended(account), late=account.late,
        identity=identified(account), started_at=account.clock.started_at, ended_at=account.clock.ended_at,
        phase=account.phase, extra_s=account.clock.extra_s, breaks=breaks(account),
        irregularities=tuple(
            Irregularity(incident=name, kind=one.kind, severity=one.severity, at=one.at, by=one.by)
            for name, one in flagged
        ),
        faults=tuple(
            Failure(what=one.what, why=one.why, began_at=one.began_at, ended_at=one.ended_at) for one in account.faults
        ),
        interventions=tuple(
            Intervened(
                intervention=name, kind=one.kind, stage=one.stage, at=one.at, by=one.by, minutes=one.minutes
            )
            for name, one in done
        ),
        help=tuple(
            Helped(help=name, topic=one.topic, at=one.at, state=one.state, by=one.by, ended_at=one.ended_at)
            for name, one in asked
        ),
    )  # fmt: skip
