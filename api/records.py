"""The gradebook and the records: the account of each session, and its timeline, event by event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from api.blind import blinded, hidden, told
from api.callers import load_schedule, load_session, may
from api.etags import VERSIONED, tagged
from api.filters import Phases, Text, counted, named
from api.gradebook_sheet import HEAD, line
from api.moments import position_of
from api.observed import Observed, observed
from api.opening import decoder
from api.ordering import AnyRequest, caller_of, services_of
from api.paging import USUAL, After, Key, Limit, page, rows_after
from api.problems import missing
from api.reading import names_of, rows_of, stale_of
from api.restriction import unrestricted
from api.schema import says
from api.sheet import CSV, sheet
from domain.decision import Outcome
from domain.incidents import Severity
from domain.phase import OVER
from domain.policy import Policy
from domain.priority import WEIGHTS
from projections import reviewed
from projections.gradebook import GRADEBOOK, Account
from projections.reader import Found
from projections.refold import fold_as_of
from projections.timeline import TIMELINE, Moment

AsOf = Annotated[str, QueryParameter(max_length=64)]
Sort = Literal["priority", "name", "state", "decision"]
Decision = Literal["none", Outcome]
Grave = Annotated[list[Severity] | None, QueryParameter(description="With an incident of one of these severities")]
Decided = Annotated[list[Decision] | None, QueryParameter(description="Decided so last; `none` is undecided")]


class Gradebook(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts of a schedule, each with how much could be seen. `stale` names sessions that wait for a fix.

    `counts` is how many there are in each state, `unjudged` how many have an incident without a verdict; of all that
    are not withdrawn. `people` names who judged and decided on the records of this page.
    """

    schedule: str
    position: int
    records: tuple[Observed, ...]
    people: dict[str, str | None]
    counts: dict[str, int]
    unjudged: int
    next: str | None
    stale: tuple[str, ...]


class RecordRead(msgspec.Struct, frozen=True, kw_only=True):
    """`position` is of the last event that changed the record.

    `policy` is the one at exam time, beside the schedule's as it is today. `people` names who judged and decided.
    """

    position: int
    record: Observed
    policy: Policy
    policy_today: Policy
    people: dict[str, str | None]
    stale: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `actor_name` is known for the staff and the candidate. Private texts that are forgotten are null."""

    position: int
    tag: str
    stream: str
    recorded_at: datetime
    occurred_at: datetime | None
    actor: str
    actor_name: str | None
    body: dict[str, object]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """`stale` says that an event cannot be shown at the moment."""

    position: int
    events: tuple[Shown, ...]
    next: str | None
    stale: bool


@get("/schedules/{schedule:str}/gradebook", guards=[may("reviewer", "auditor")])
async def gradebook(
    request: AnyRequest,
    schedule: FromPath[str],
    *,
    phase: Phases = None,
    q: Text = "",
    unjudged: FromQuery[bool | None] = None,
    severity: Grave = None,
    decision: Decided = None,
    sort: FromQuery[Sort] = "priority",
    limit: Limit = USUAL,
    after: After = "",
) -> Gradebook:
    """The sessions of the schedule. By `priority` what needs a look comes first: an order, and no number about anybody.

    By `name` nobody moves while pages are read; by all else who is judged or decided on meanwhile does.
    """
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    stale = await stale_of(services_of(request), caller_of(request).tenant, schedule, found)
    shown = [blinded(row, caller_of(request)) for row in found.rows.values()]
    here = [row for row in shown if not row.withdrawn]
    wanted = _Wanted(tuple(phase or ()), q, unjudged, tuple(severity or ()), tuple(decision or ()))
    records = page(request, filter(wanted.has, shown), _SORTS[sort], limit, after)
    names = await names_of(request)
    return Gradebook(
        schedule=schedule, position=found.position, records=tuple(map(observed, records.rows)),
        people={who: names.get(who) for row in records.rows for who in sorted(_people(row))},
        counts=counted(row.phase for row in here), unjudged=sum(map(_unjudged, here)), next=records.next,
        stale=tuple(key.partition("/")[2] for key in stale if key.count("/") == 1),
    )  # fmt: skip


@get("/schedules/{schedule:str}/gradebook.csv", guards=[may("reviewer", "auditor")], media_type=CSV)
async def gradebook_sheet(
    request: AnyRequest,
    schedule: FromPath[str],
    *,
    phase: Phases = None,
    q: Text = "",
    unjudged: FromQuery[bool | None] = None,
    severity: Grave = None,
    decision: Decided = None,
    sort: FromQuery[Sort] = "priority",
) -> Response[str]:
    """The same for a spreadsheet, whole. No cell of it is ever a formula."""
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    shown = (blinded(row, caller_of(request)) for row in found.rows.values() if not row.withdrawn)
    wanted = _Wanted(tuple(phase or ()), q, unjudged, tuple(severity or ()), tuple(decision or ()))
    names = await names_of(request)
    rows = sorted(filter(wanted.has, shown), key=_SORTS[sort])
    return sheet(f"gradebook-{schedule}", HEAD, [line(row, names) for row in rows])


@get("/sessions/{session:str}/record", guards=[may("reviewer", "auditor"), unrestricted], opt=VERSIONED | says(409))
async def record(request: AnyRequest, session: FromPath[str], as_of: AsOf = "") -> Response[RecordRead]:
    """The account of the session as it is now, or as it was at a time or position."""
    key = f"{caller_of(request).tenant}/{session}"
    found = await _then(request, key, as_of) if as_of else await rows_of(request, GRADEBOOK, {"key": key})
    if key not in found.rows:
        raise missing("record", field="session")
    row, names = blinded(found.rows[key], caller_of(request)), await names_of(request)
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    today = (await load_schedule(services, tenant, state.schedule)).policy
    shown = RecordRead(
        position=row.position, record=observed(row), stale=key in found.stale,
        policy=state.policy if state.started_at else today, policy_today=today,
        people={who: names.get(who) for who in sorted(_people(row))},
    )  # fmt: skip
    return tagged(request, shown, row.position)


@get("/sessions/{session:str}/timeline", guards=[may("reviewer", "auditor"), unrestricted])
async def timeline(
    request: AnyRequest,
    session: FromPath[str],
    *,
    as_of: AsOf = "",
    kind: Annotated[str, QueryParameter(max_length=64, pattern=r"^([a-z_]+(\.[a-z_]+)?)?$")] = "",
    limit: Limit = USUAL,
    after: After = "",
) -> Timeline:
    """Every event of the session in order, up to `as_of`. `kind` is a stream's kind (`chat`) or an event's tag."""
    services, tenant = services_of(request), caller_of(request).tenant
    until = None
    if as_of:
        async with services.pool.connection() as conn:
            until = await position_of(conn, as_of)
    where: dict[str, str | int | datetime] = {"session": session}
    if "." in kind:
        where["tag"] = kind
    found, onward = await rows_after(request, TIMELINE, where, limit, after)
    names = await names_of(request)
    about = (await rows_of(request, GRADEBOOK, {"key": f"{tenant}/{session}"})).rows.get(f"{tenant}/{session}")
    if about:
        names[about.subject] = about.name
    kept = hidden(about, caller_of(request))
    shown = [row for row in found.rows.values() if _wanted(row, kind, until) and told(row, kept)]
    if found.onward and until is not None and int(found.onward.rpartition("/")[2]) >= until:
        onward = None
    stale = any(key.startswith((f"{tenant}/{session}/", f"{tenant}/session/{session}")) for key in found.stale)
    return Timeline(
        position=found.position, events=tuple(_shown(row, names) for row in shown), next=onward, stale=stale
    )


async def _then(request: AnyRequest, key: str, as_of: str) -> Found[Account]:
    """The account folded from its streams alone, as of a time or position. Raises `Denied` 422 and `Away`."""
    services = services_of(request)
    async with services.pool.connection() as conn:
        position = await position_of(conn, as_of)
        rows = await fold_as_of(conn, decoder(services.handler.keys), GRADEBOOK, position, keys=[key])
    return Found(rows, frozenset(), position, position)


def _unjudged(row: Account) -> bool:
    return any(flag.verdict is None for flag in row.incidents.values())


def _name(row: Account) -> Key:
    return (row.name or "", row.session)


def _priority(row: Account) -> Key:
    """Sessions that are over and undecided first, by review priority; then by name.

    Who it was counts as a warning where that was left open.
    """
    owed = WEIGHTS["warn"] if row.identity_owed else 0.0
    return (row.phase not in OVER, bool(row.decisions), reviewed.order(row) - owed, *_name(row))


_SORTS: dict[Sort, Callable[[Account], Key]] = {
    "priority": _priority,
    "name": _name,
    "state": lambda row: (row.phase, *_name(row)),
    "decision": lambda row: (_decision(row), *_name(row)),
}


def _decision(row: Account) -> Decision:
    return row.decisions[-1].outcome if row.decisions else "none"


def _people(row: Account) -> set[str]:
    said = {given.by for flag in row.incidents.values() for given in flag.verdicts}
    said |= {one.by for one in row.decisions} | {one.by for one in row.notes}
    said |= {one.by for one in row.appeals if one.by}
    return said | {one.by for one in row.priorities}


class _Wanted(NamedTuple):
    """What a list is asked for; of what is empty, all."""

    phases: tuple[str, ...]
    text: str
    unjudged: bool | None
    severities: tuple[Severity, ...]
    decisions: tuple[Decision, ...]

    def has(self, row: Account) -> bool:
        grave = {flag.severity for flag in row.incidents.values()}
        return (
            (not self.phases or row.phase in self.phases)
            and named(self.text, row.name, row.number)
            and self.unjudged in (None, _unjudged(row))
            and (not self.severities or not grave.isdisjoint(self.severities))
            and (not self.decisions or _decision(row) in self.decisions)
        )


def _wanted(row: Moment, kind: str, until: int | None) -> bool:
    if until is not None and row.position > until:
        return False
    return not kind or "." in kind or row.tag.partition(".")[0] == kind


def _shown(row: Moment, names: dict[str, str | None]) -> Shown:
    return Shown(
        position=row.position, tag=row.tag, stream=row.stream, recorded_at=row.recorded_at,
        occurred_at=row.occurred_at, actor=row.actor, actor_name=names.get(row.actor), body=row.body,
    )  # fmt: skip


HANDLERS = (gradebook, gradebook_sheet, record, timeline)
