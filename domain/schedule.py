"""A schedule: one sitting of an assessment. Who invigilates and who sits it is in `staffing.py` and `enrolment.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain import enrolment, granting, muting, staffing
from domain.assessment import Assessment, AssessmentSet, SetAssessment, placed
from domain.contact import Contact, EmergencyContactSet, SetContact, reached
from domain.enrolment import EnrolmentCommand, EnrolmentEvent
from domain.event import Command, Decider, Event, Private, Refused
from domain.granting import Granted, GrantingCommand, GrantingEvent
from domain.muting import DetectorSwitchedOff, DetectorSwitchedOn, Off, SwitchDetector
from domain.policy import IncidentKind, Policy, Window, must_fit, must_hold
from domain.policy_template import Copy, PolicyCopied
from domain.staffing import PER_INVIGILATOR, StaffingCommand, StaffingEvent
from domain.start_pin import PinGenerated, PinRemoved, SetPin, replaced

# Events. Tags and field names are on disk for ever.


class Created(Event, frozen=True, kw_only=True, tag="schedule.created"):
    title: str
    window: Window
    duration_s: int
    policy: Policy


class Renamed(Event, frozen=True, kw_only=True, tag="schedule.renamed"):
    title: str


class Rescheduled(Event, frozen=True, kw_only=True, tag="schedule.rescheduled"):
    window: Window
    duration_s: int


class LiveProctoringEnabled(Event, frozen=True, kw_only=True, tag="schedule.live_proctoring_enabled"):
    pass


class LiveProctoringDisabled(Event, frozen=True, kw_only=True, tag="schedule.live_proctoring_disabled"):
    pass


class PolicySet(Event, frozen=True, kw_only=True, tag="schedule.policy_set"):
    policy: Policy


class Activated(Event, frozen=True, kw_only=True, tag="schedule.activated"):
    pass


class Cancelled(Event, frozen=True, kw_only=True, tag="schedule.cancelled"):
    reason: str


class Closed(Event, frozen=True, kw_only=True, tag="schedule.closed"):
    pass


ScheduleEvent = (
    Created | Renamed | Rescheduled | LiveProctoringEnabled | LiveProctoringDisabled | PolicySet | Activated
    | Cancelled | Closed | PinGenerated | PinRemoved | PolicyCopied | AssessmentSet | StaffingEvent | EnrolmentEvent
    | GrantingEvent | DetectorSwitchedOff | DetectorSwitchedOn | EmergencyContactSet
)  # fmt: skip

# Commands.


class Create(Command, frozen=True, kw_only=True):
    at: datetime
    title: str
    window: Window
    duration_s: int
    policy: Policy = Policy()


class Rename(Command, frozen=True, kw_only=True):
    title: str


class Reschedule(Command, frozen=True, kw_only=True):
    at: datetime
    window: Window
    duration_s: int


class SetLiveProctoring(Command, frozen=True, kw_only=True):
    enabled: bool


class SetPolicy(Command, frozen=True, kw_only=True):
    policy: Policy
    copied: Copy | None = None


class Activate(Command, frozen=True, kw_only=True):
    pass


class Cancel(Command, frozen=True, kw_only=True):
    reason: str


class Close(Command, frozen=True, kw_only=True):
    """How many sit the exam still, and how many may still come."""

    running: int = 0
    may_come: int = 0


ScheduleCommand = (
    Create | Rename | Reschedule | SetLiveProctoring | SetPolicy | Activate | Cancel | Close | SetPin
    | SetAssessment | StaffingCommand | EnrolmentCommand | GrantingCommand | SwitchDetector
    | SetContact
)  # fmt: skip

# State.


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`absent` until created; `candidates` maps a subject to the session that enrolling gave them.

    `links` are the numbers of the join links that hold, by session; 0 where none has been renewed. Who `watched` is
    who was ever an invigilator of it.
    """

    phase: Literal["absent", "draft", "active", "cancelled", "closed"] = "absent"
    title: str = ""
    window: Window | None = None
    duration_s: int = 0
    policy: Policy = Policy()
    live_proctoring: bool = False
    invigilators: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    candidates: dict[str, str] = {}
    pin: Private | None = None
    copied: Copy | None = None
    assessment: Assessment = Assessment()
    accommodations: dict[str, Granted] = {}
    switched_off: dict[IncidentKind, Off] = {}
    candidates_per_invigilator: int = PER_INVIGILATOR
    contact: Contact = Contact()
    links: dict[str, int] = {}


def evolve(state: Schedule, event: ScheduleEvent) -> Schedule:
    if isinstance(event, StaffingEvent):
        return staffing.evolve(state, event)
    if isinstance(event, EnrolmentEvent):
        return enrolment.evolve(state, event)
    if isinstance(event, GrantingEvent):
        return replace(state, accommodations=granting.evolve(state.accommodations, event))
    match event:
        case Created(title=title, window=window, duration_s=duration_s, policy=policy):
            return replace(state, phase="draft", title=title, window=window, duration_s=duration_s, policy=policy)
        case Renamed(title=title):
            return replace(state, title=title)
        case Rescheduled(window=window, duration_s=duration_s):
            return replace(state, window=window, duration_s=duration_s)
        case LiveProctoringEnabled():
            return replace(state, live_proctoring=True)
        case LiveProctoringDisabled():
            return replace(state, live_proctoring=False)
        case PolicySet(policy=policy):
            return replace(state, policy=policy)
        case Activated():
            return replace(state, phase="active")
        case Cancelled():
            return replace(state, phase="cancelled")
        case Closed():
            return replace(state, phase="closed")
        case PinGenerated(pin=pin):
            return replace(state, pin=pin)
        case PinRemoved():
            return replace(state, pin=None)
        case PolicyCopied(template=template, version=version):
            return replace(state, copied=Copy(template, version))
        case AssessmentSet(url=url, opens_in=opens_in):
            return replace(state, assessment=Assessment(url=url, opens_in=opens_in))
        case EmergencyContactSet(phone=phone, email=email):
            return replace(state, contact=Contact(phone=phone, email=email))
        case DetectorSwitchedOff() | DetectorSwitchedOn():
            return muting.evolve(state, event)
        case _:
            assert_never(event)


def decide(command: ScheduleCommand, state: Schedule) -> tuple[ScheduleEvent, ...]:
    if isinstance(command, Create):
        return _create(command, state)
    if state.phase == "absent":
        raise Refused("there is no such schedule", kind="not_found")
    if state.phase in ("cancelled", "closed"):
        if isinstance(command, Cancel if state.phase == "cancelled" else Close):
            return ()
        raise Refused(f"the schedule is {state.phase} and can no longer change")
    if isinstance(command, StaffingCommand):
        return staffing.decide(command, state)
    if isinstance(command, EnrolmentCommand):
        return enrolment.decide(command, state)
    if isinstance(command, GrantingCommand):
        return granting.decide(command, state.accommodations)
    match command:
        case Rename(title=title):
            _titled(title)
            return (Renamed(title=title),) if title != state.title else ()
        case Reschedule(at=at, window=window, duration_s=duration_s):
            must_fit(window, duration_s, at=at, opened=state.window)
            same = (window, duration_s) == (state.window, state.duration_s)
            return () if same else (Rescheduled(window=window, duration_s=duration_s),)
        case SetLiveProctoring(enabled=enabled):
            if enabled == state.live_proctoring:
                return ()
            return (LiveProctoringEnabled(),) if enabled else (LiveProctoringDisabled(),)
        case SetPolicy(policy=policy, copied=copied):
            must_hold(policy)
            version = state.policy.version
            same = replace(policy, version=version) == state.policy
            made = () if same else (PolicySet(policy=replace(policy, version=version + 1)),)
            if copied is None or copied == state.copied:
                return made
            return (*made, PolicyCopied(template=copied.template, version=copied.version))
        case Activate():
            if not state.candidates:
                raise Refused("enrol at least one candidate before the schedule is activated", field="candidates")
            return () if state.phase == "active" else (Activated(),)
        case Cancel(reason=reason):
            return (Cancelled(reason=reason),)
        case Close():
            return _close(command, state)
        case SetContact():
            return reached(command, state.contact)
        case SetPin(pin=pin):
            return replaced(state.pin, pin)
        case SetAssessment():
            return placed(command, state.assessment)
        case SwitchDetector():
            return muting.switched(command, state)
        case _:
            assert_never(command)


def _create(command: Create, state: Schedule) -> tuple[ScheduleEvent, ...]:
    _titled(command.title)
    must_fit(command.window, command.duration_s, at=command.at)
    must_hold(command.policy, field="policy.detectors")
    created = Created(title=command.title, window=command.window, duration_s=command.duration_s, policy=command.policy)
    if state.phase == "absent":
        return (created,)
    raise Refused("a schedule with this id exists already")


def _close(command: Close, state: Schedule) -> tuple[ScheduleEvent, ...]:
    if state.phase == "draft":
        raise Refused("an exam that was never opened is cancelled, not closed")
    if command.running:
        raise Refused(f"sessions that still run: {command.running}; close the exam when they have ended")
    if command.may_come:
        raise Refused(f"candidates who may still come: {command.may_come}; wait for the last entry, or cancel the exam")
    return (Closed(),)


def _titled(title: str) -> None:
    if not title.strip():
        raise Refused("a schedule needs a title", field="title", kind="invalid")


DECIDER: Decider[Schedule, ScheduleCommand, ScheduleEvent] = Decider(
    "schedule", Schedule(), evolve, decide, ScheduleEvent
)
