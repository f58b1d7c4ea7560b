"""The invigilators of a schedule, and how many candidates each may have before the planner is warned."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from domain.event import Command, Event, Refused

if TYPE_CHECKING:
    from domain.schedule import Schedule

PER_INVIGILATOR = 30  # candidates for each invigilator
MOST = 500

# Events of a schedule. Tags and field names are on disk for ever.


class InvigilatorAssigned(Event, frozen=True, kw_only=True, tag="schedule.invigilator_assigned"):
    user: str


class InvigilatorRemoved(Event, frozen=True, kw_only=True, tag="schedule.invigilator_removed"):
    user: str


class StaffingSet(Event, frozen=True, kw_only=True, tag="schedule.staffing_set"):
    candidates_per_invigilator: int


StaffingEvent = InvigilatorAssigned | InvigilatorRemoved | StaffingSet

# Commands.


class AssignInvigilator(Command, frozen=True, kw_only=True):
    user: str


class RemoveInvigilator(Command, frozen=True, kw_only=True):
    user: str


class SetStaffing(Command, frozen=True, kw_only=True):
    candidates_per_invigilator: int


StaffingCommand = AssignInvigilator | RemoveInvigilator | SetStaffing


def evolve(state: Schedule, event: StaffingEvent) -> Schedule:
    match event:
        case InvigilatorAssigned(user=user):
            return replace(state, invigilators=state.invigilators | {user}, watched=state.watched | {user})
        case InvigilatorRemoved(user=user):
            return replace(state, invigilators=state.invigilators - {user})
        case StaffingSet(candidates_per_invigilator=many):
            return replace(state, candidates_per_invigilator=many)
        case _:
            assert_never(event)


def decide(command: StaffingCommand, state: Schedule) -> tuple[StaffingEvent, ...]:
    match command:
        case AssignInvigilator(user=user):
            return () if user in state.invigilators else (InvigilatorAssigned(user=user),)
        case RemoveInvigilator(user=user):
            return (InvigilatorRemoved(user=user),) if user in state.invigilators else ()
        case SetStaffing(candidates_per_invigilator=many):
            if not 0 < many <= MOST:
                rule = f"an invigilator answers for 1 to {MOST} candidates"
                raise Refused(rule, field="candidates_per_invigilator", kind="invalid")
            return () if many == state.candidates_per_invigilator else (StaffingSet(candidates_per_invigilator=many),)
        case _:
            assert_never(command)


def warnings(candidates: int, invigilators: int, per_invigilator: int) -> tuple[str, ...]:
    """What a planner should know of the staffing, in plain words. It stops nobody."""
    if not candidates:
        return ()
    if not invigilators:
        return ("nobody invigilates this exam yet",)
    missing = -(-candidates // per_invigilator) - invigilators
    if missing <= 0:
        return ()
    who = f"{candidates} candidates for {invigilators} {'invigilator' if invigilators == 1 else 'invigilators'}"
    return (f"{who} are more than {per_invigilator} for each; {missing} more would do",)
