"""The read model `schedules`: a row for each schedule, as a planner sees it."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from domain import enrolment, schedule
from domain.assessment import Assessment
from domain.contact import Contact
from domain.policy import Policy, Window
from domain.recorded import Recorded, Stored
from domain.schedule import ScheduleEvent, evolve
from domain.staffing import PER_INVIGILATOR
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["SCHEDULES", "Sitting"]


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One sitting of an assessment. `sessions` are of those who are enrolled now; how far they are is in `live`."""

    schedule: str
    title: str = ""
    window: Window | None = None
    duration_s: int = 0
    phase: Literal["absent", "draft", "active", "cancelled", "closed"] = "absent"
    live_proctoring: bool = False
    policy: Policy = Policy()
    assessment: Assessment = Assessment()
    contact: Contact = Contact()
    candidates_per_invigilator: int = PER_INVIGILATOR
    invigilators: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    enrolled: int = 0
    cancelled_because: str = ""
    version: int = 0
    position: int = 0


_SCHEDULE = get_args(ScheduleEvent)


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: Sitting | None, recorded: Recorded) -> Sitting | None:
    row = row or Sitting(schedule=parsed(recorded.stream).name)
    row = replace(row, position=recorded.position, version=recorded.version)
    match recorded.body:
        case enrolment.CandidateEnrolled(session=session) if session not in row.sessions:
            return replace(row, sessions=(*row.sessions, session), enrolled=row.enrolled + 1)
        case enrolment.CandidateWithdrawn(session=session):
            left = tuple(name for name in row.sessions if name != session)
            return replace(row, sessions=left, enrolled=len(left))
        case schedule.Cancelled(reason=reason):
            row = replace(row, cancelled_because=reason)
    if isinstance(recorded.body, _SCHEDULE):
        return _with_rules(row, recorded.body)
    return row


def _with_rules(row: Sitting, event: ScheduleEvent) -> Sitting:
    """The rest is as the domain's own rules leave it."""
    state = evolve(
        schedule.Schedule(
            phase=row.phase, title=row.title, window=row.window, duration_s=row.duration_s, policy=row.policy,
            live_proctoring=row.live_proctoring, invigilators=frozenset(row.invigilators), assessment=row.assessment,
            contact=row.contact, candidates_per_invigilator=row.candidates_per_invigilator,
        ),
        event,
    )  # fmt: skip
    return replace(
        row, phase=state.phase, title=state.title, window=state.window, duration_s=state.duration_s,
        policy=state.policy, live_proctoring=state.live_proctoring, invigilators=tuple(sorted(state.invigilators)),
        assessment=state.assessment, contact=state.contact,
        candidates_per_invigilator=state.candidates_per_invigilator,
    )  # fmt: skip


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/schedule/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


SCHEDULES: Model[Sitting] = Model(
    name="schedules", version=2, row=Sitting, events=events_of(ScheduleEvent), index=("phase",), keys=keys, fold=fold,
    streams=streams, suspects=_suspects,
)  # fmt: skip
