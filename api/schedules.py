"""Schedules, as planners make and change them: window, policy, live proctoring, invigilators, activation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.bodies import Id
from api.callers import WATCHERS, Who, load_schedule, may, sees
from api.duty import alarm, rota_of
from api.each import AGAIN, enrolled, for_each
from api.etags import VERSIONED, tagged
from api.filters import Text, counted, named
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Key, Limit, page
from api.policies import either
from api.problems import away, missing
from api.reading import rows_of
from api.schema import says
from commands import schedules, sessions
from domain.assessment import LONGEST_URL, OpensIn
from domain.contact import LONGEST_EMAIL, LONGEST_PHONE, SetContact
from domain.notice import notice
from domain.phase import RUNNING
from domain.policy import STANDARD, Policy, Window
from domain.staffing import MOST, PER_INVIGILATOR, warnings
from projections.live import LIVE
from projections.reader import phases
from projections.schedules import SCHEDULES, Sitting

READERS: tuple[Who, ...] = ("planner", *WATCHERS, "reviewer", "auditor")
LISTERS: tuple[Who, ...] = (*READERS, "admin")
SomePhases = Annotated[
    list[Literal["draft", "active", "cancelled", "closed"]] | None,
    QueryParameter(description="Schedules in one of these states; all by default"),
]
Title = Annotated[str, msgspec.Meta(max_length=200)]
Address = Annotated[str, msgspec.Meta(max_length=LONGEST_URL)]
Phone = Annotated[str, msgspec.Meta(max_length=LONGEST_PHONE)]
Email = Annotated[str, msgspec.Meta(max_length=LONGEST_EMAIL)]
PerInvigilator = Annotated[int, msgspec.Meta(ge=1, le=MOST)]


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`duration_s` is how long the exam lasts, in seconds; `assessment_url` is where it is taken.

    Without a policy or a `template` the default one holds. The emergency contact is the institution's, for candidates
    whose page does not work; above `candidates_per_invigilator` a planner is warned.
    """

    title: Title
    window: Window
    duration_s: int
    policy: Policy = STANDARD
    template: Id | None = None
    assessment_url: Address = ""
    opens_in: OpensIn = "tab"
    emergency_phone: Phone = ""
    emergency_email: Email = ""
    candidates_per_invigilator: PerInvigilator = PER_INVIGILATOR


class ScheduleMade(msgspec.Struct, frozen=True, kw_only=True):
    schedule: str


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    title: Title | None = None
    window: Window | None = None
    duration_s: int | None = None
    assessment_url: Address | None = None
    opens_in: OpensIn | None = None
    emergency_phone: Phone | None = None
    emergency_email: Email | None = None
    candidates_per_invigilator: PerInvigilator | None = None


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool


class Cancellation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class ScheduleRead(msgspec.Struct, frozen=True, kw_only=True):
    """`phases` counts the sessions by their state. `enrolled` is how many candidates there are now.

    `warnings` say in plain words where staffing falls short.
    """

    schedule: str
    title: str
    window: Window | None
    duration_s: int
    phase: str
    live_proctoring: bool
    policy: Policy
    assessment_url: str
    opens_in: OpensIn
    notice: str
    invigilators: tuple[str, ...]
    enrolled: int
    phases: dict[str, int]
    emergency_phone: str
    emergency_email: str
    candidates_per_invigilator: int
    warnings: tuple[str, ...]


class Schedules(msgspec.Struct, frozen=True, kw_only=True):
    """`counts` is how many of the caller's schedules are in each state.

    `alarms` are of all of them: somebody sits the exam, and nobody is on duty.
    """

    schedules: tuple[ScheduleRead, ...]
    counts: dict[str, int]
    alarms: dict[str, str]
    next: str | None


@get("/schedules", guards=[may(*LISTERS)])
async def read_all(
    request: AnyRequest, *, phase: SomePhases = None, q: Text = "", limit: Limit = USUAL, after: After = ""
) -> Schedules:
    """All schedules, the next first; an invigilator sees those that they are assigned to, until they close.

    Administrators choose here what an auditor is assigned to.
    """
    caller = caller_of(request)
    rows = (await rows_of(request, SCHEDULES)).rows.values()
    at = services_of(request).now()
    counts = await _phases(request)
    seen = [row for row in rows if sees(caller, LISTERS, row, at, counts.get(row.schedule, ()))]
    wanted = (row for row in seen if (not phase or row.phase in phase) and named(q, row.title))
    found = page(request, wanted, _opening, limit, after)
    shown = tuple(_read(row, counts) for row in found.rows)
    alarms = await _alarms(request, (row.schedule for row in seen), counts)
    return Schedules(schedules=shown, counts=counted(row.phase for row in seen), alarms=alarms, next=found.next)


@get("/schedules/{schedule:str}", guards=[may(*READERS)], opt=VERSIONED)
async def read(request: AnyRequest, schedule: FromPath[str]) -> Response[ScheduleRead]:
    key = f"{caller_of(request).tenant}/{schedule}"
    rows = (await rows_of(request, SCHEDULES, {"key": key})).rows
    if key not in rows:
        raise missing("schedule")
    return tagged(request, _read(rows[key], await _phases(request)), rows[key].version)


@post("/schedules", guards=[may("planner")], opt=says(404))
async def create(request: AnyRequest, data: JSONBody[NewSchedule]) -> Response[ScheduleMade]:
    """Makes a schedule, as a draft; with a policy of its own or a copy of a template's."""
    if data.template and data.policy != STANDARD:
        raise either()
    use_case = partial(
        schedules.create, title=data.title, window=data.window, duration_s=data.duration_s, policy=data.policy,
        template=data.template, assessment_url=data.assessment_url, opens_in=data.opens_in,
        emergency=SetContact(phone=data.emergency_phone, email=data.emergency_email),
        candidates_per_invigilator=data.candidates_per_invigilator,
    )  # fmt: skip
    made = await command(request, use_case)
    name = made.ids["schedule"]
    return Response(ScheduleMade(schedule=name), headers={"Location": f"/api/v1/schedules/{name}"})


@patch("/schedules/{schedule:str}", guards=[may("planner")], status_code=204)
async def change(request: AnyRequest, schedule: FromPath[str], data: JSONBody[ScheduleChange]) -> None:
    """Renames, reschedules, or says where the exam is taken and who helps ("" takes an address away).

    A later close and a longer exam reach sessions that run at once. They keep what they were promised, and whether
    their exam is in a frame or a tab.
    """
    wanted = partial(
        schedules.change, name=schedule, title=data.title, window=data.window, duration_s=data.duration_s,
        assessment_url=data.assessment_url, opens_in=data.opens_in,
        emergency=SetContact(phone=data.emergency_phone, email=data.emergency_email),
        candidates_per_invigilator=data.candidates_per_invigilator,
    )  # fmt: skip
    await command(request, wanted)
    if data.window is not None or data.duration_s is not None:
        await _follow(request, schedule)


@post("/schedules/{schedule:str}/live-proctoring", guards=[may("planner")], status_code=204)
async def switch_live_proctoring(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Switch]) -> None:
    """Off, nobody can start, and nobody who has not is a no-show. Who sits already goes on as they were told at their
    start.
    """
    await command(request, partial(schedules.set_live_proctoring, name=schedule, enabled=data.enabled))


@post("/schedules/{schedule:str}/activate", guards=[may("planner")], status_code=204)
async def activate(request: AnyRequest, schedule: FromPath[str]) -> None:
    """From now on candidates can start, within the window."""
    await command(request, partial(schedules.activate, name=schedule))


@post("/schedules/{schedule:str}/cancel", guards=[may("planner")], status_code=204)
async def cancel(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Cancellation]) -> None:
    """Calls the exam off. Sessions that run end within a second, as called off and not as anybody's fault."""
    await command(request, partial(schedules.cancel, name=schedule, reason=data.reason))


@post("/schedules/{schedule:str}/close", guards=[may("planner")], status_code=204)
async def close(request: AnyRequest, schedule: FromPath[str]) -> None:
    """Closes the exam when nobody sits it and nobody may come any more; who never came did not show up.

    Nothing of the schedule changes from then on. Records go on: seals, verdicts, decisions, exports.
    """
    await command(request, partial(schedules.close, name=schedule))


async def _follow(request: AnyRequest, schedule: str) -> None:
    """Brings the sessions that run along. The request said once more, with its key, goes on where it stopped."""
    plan = await load_schedule(services_of(request), caller_of(request).tenant, schedule)
    if plan.phase != "active":
        return
    told = await for_each(request, enrolled(plan), lambda name: partial(sessions.follow, name=name), "session")
    if any(answer.state == "failed" for answer in told.answers):
        raise away(AGAIN)


async def _phases(request: AnyRequest) -> dict[str, dict[str, int]]:
    await rows_of(request, LIVE, {"key": ""})  # none, once the counts below hold what the caller wants to see
    async with services_of(request).pool.connection() as conn:
        return await phases(conn, caller_of(request).tenant)


async def _alarms(request: AnyRequest, names: Iterable[str], counts: dict[str, dict[str, int]]) -> dict[str, str]:
    found = {}
    for name in names:
        sitting = list(Counter(counts.get(name, {})).elements())
        if not RUNNING.isdisjoint(sitting) and (said := alarm((await rota_of(request, name)).now, sitting)):
            found[name] = said
    return found


def _opening(row: Sitting) -> Key:
    return (row.window.opens_at.timestamp() if row.window else 0.0, row.schedule)


def _warnings(row: Sitting) -> tuple[str, ...]:
    """Nobody needs to staff what is over."""
    if row.phase not in ("draft", "active"):
        return ()
    return warnings(row.enrolled, len(row.invigilators), row.candidates_per_invigilator)


def _read(row: Sitting, counts: dict[str, dict[str, int]]) -> ScheduleRead:
    return ScheduleRead(
        schedule=row.schedule, title=row.title, window=row.window, duration_s=row.duration_s, phase=row.phase,
        live_proctoring=row.live_proctoring, policy=row.policy, notice=notice(row.policy, row.assessment.opens_in),
        assessment_url=row.assessment.url, opens_in=row.assessment.opens_in,
        invigilators=row.invigilators, enrolled=row.enrolled, phases=counts.get(row.schedule, {}),
        emergency_phone=row.contact.phone, emergency_email=row.contact.email,
        candidates_per_invigilator=row.candidates_per_invigilator,
        warnings=_warnings(row),
    )  # fmt: skip


HANDLERS = (read_all, read, create, change, switch_live_proctoring, activate, cancel, close)
