"""The invigilators of a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from domain.event import Command, Event

if TYPE_CHECKING:
    from domain.schedule import Schedule

# Events of a schedule. Tags and field names are on disk for ever.


class InvigilatorAssigned(Event, frozen=True, kw_only=True, tag="schedule.invigilator_assigned"):
    user: str


class InvigilatorRemoved(Event, frozen=True, kw_only=True, tag="schedule.invigilator_removed"):
    user: str


StaffingEvent = InvigilatorAssigned | InvigilatorRemoved

# Commands.


class AssignInvigilator(Command, frozen=True, kw_only=True):
    user: str


class RemoveInvigilator(Command, frozen=True, kw_only=True):
    user: str


StaffingCommand = AssignInvigilator | RemoveInvigilator


def evolve(state: Schedule, event: StaffingEvent) -> Schedule:
    match event:
        case InvigilatorAssigned(user=user):
            return replace(state, invigilators=state.invigilators | {user})
        case InvigilatorRemoved(user=user):
            return replace(state, invigilators=state.invigilators - {user})
        case _:
            assert_never(event)


def decide(command: StaffingCommand, state: Schedule) -> tuple[StaffingEvent, ...]:
    match command:
        case AssignInvigilator(user=user):
            return () if user in state.invigilators else (InvigilatorAssigned(user=user),)
        case RemoveInvigilator(user=user):
            return (InvigilatorRemoved(user=user),) if user in state.invigilators else ()
        case _:
            assert_never(command)
