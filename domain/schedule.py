"""A schedule: one sitting of an assessment, with its window, policy, invigilators and candidates."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused
from domain.policy import Policy, Window, must_fit, must_hold
from domain.policy_template import Copy, PolicyCopied
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


class InvigilatorAssigned(Event, frozen=True, kw_only=True, tag="schedule.invigilator_assigned"):
    user: str


class InvigilatorRemoved(Event, frozen=True, kw_only=True, tag="schedule.invigilator_removed"):
    user: str


class CandidateEnrolled(Event, frozen=True, kw_only=True, tag="schedule.candidate_enrolled"):
    subject: str
    session: str
    name: Private
    number: Private
    email: Private | None = None


class CandidateWithdrawn(Event, frozen=True, kw_only=True, tag="schedule.candidate_withdrawn"):
    subject: str
    session: str


class Activated(Event, frozen=True, kw_only=True, tag="schedule.activated"):
    pass


class Cancelled(Event, frozen=True, kw_only=True, tag="schedule.cancelled"):
    reason: str


class Closed(Event, frozen=True, kw_only=True, tag="schedule.closed"):
    pass


ScheduleEvent = (
    Created | Renamed | Rescheduled | LiveProctoringEnabled | LiveProctoringDisabled | PolicySet | InvigilatorAssigned
    | InvigilatorRemoved | CandidateEnrolled | CandidateWithdrawn | Activated | Cancelled | Closed
    | PinGenerated | PinRemoved | PolicyCopied
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


class AssignInvigilator(Command, frozen=True, kw_only=True):
    user: str


class RemoveInvigilator(Command, frozen=True, kw_only=True):
    user: str


class Enrol(Command, frozen=True, kw_only=True):
    at: datetime
    subject: str
    session: str
    name: Private
    number: Private
    email: Private | None = None


class Withdraw(Command, frozen=True, kw_only=True):
    session: str


class Activate(Command, frozen=True, kw_only=True):
    pass


class Cancel(Command, frozen=True, kw_only=True):
    reason: str


class Close(Command, frozen=True, kw_only=True):
    pass


ScheduleCommand = (
    Create | Rename | Reschedule | SetLiveProctoring | SetPolicy | AssignInvigilator | RemoveInvigilator | Enrol
    | Withdraw | Activate | Cancel | Close | SetPin
)  # fmt: skip

# State.


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`absent` until created; `candidates` maps a subject to the session that enrolling gave them."""

    phase: Literal["absent", "draft", "active", "cancelled", "closed"] = "absent"
    title: str = ""
    window: Window | None = None
    duration_s: int = 0
    policy: Policy = Policy()
    live_proctoring: bool = False
    invigilators: frozenset[str] = frozenset()
    candidates: dict[str, str] = {}
    pin: Private | None = None
    copied: Copy | None = None


def evolve(state: Schedule, event: ScheduleEvent) -> Schedule:
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
        case InvigilatorAssigned(user=user):
            return replace(state, invigilators=state.invigilators | {user})
        case InvigilatorRemoved(user=user):
            return replace(state, invigilators=state.invigilators - {user})
        case CandidateEnrolled(subject=subject, session=session):
            return replace(state, candidates=state.candidates | {subject: session})
        case CandidateWithdrawn(subject=subject):
            return replace(state, candidates={s: n for s, n in state.candidates.items() if s != subject})
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
        case AssignInvigilator(user=user):
            return () if user in state.invigilators else (InvigilatorAssigned(user=user),)
        case RemoveInvigilator(user=user):
            return (InvigilatorRemoved(user=user),) if user in state.invigilators else ()
        case Enrol():
            return _enrol(command, state)
        case Withdraw(session=session):
            found = [s for s, n in state.candidates.items() if n == session]
            return tuple(CandidateWithdrawn(subject=s, session=session) for s in found)
        case Activate():
            if not state.candidates:
                raise Refused("enrol at least one candidate before the schedule is activated", field="candidates")
            return () if state.phase == "active" else (Activated(),)
        case Cancel(reason=reason):
            return (Cancelled(reason=reason),)
        case Close():
            return (Closed(),)
        case SetPin(pin=pin):
            return replaced(state.pin, pin)
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


def _enrol(command: Enrol, state: Schedule) -> tuple[ScheduleEvent, ...]:
    if command.subject in state.candidates:
        if state.candidates[command.subject] == command.session:
            raise Refused("this candidate is enrolled already", field="number")
        raise Refused("this candidate is enrolled with another session", field="number")
    if state.window and command.at >= state.window.closes_at:
        raise Refused("the window has closed; nobody can be enrolled any more", field="window.closes_at")
    return (
        CandidateEnrolled(
            subject=command.subject, session=command.session, name=command.name, number=command.number,
            email=command.email,
        ),
    )  # fmt: skip


def _titled(title: str) -> None:
    if not title.strip():
        raise Refused("a schedule needs a title", field="title", kind="invalid")


DECIDER: Decider[Schedule, ScheduleCommand, ScheduleEvent] = Decider(
    "schedule", Schedule(), evolve, decide, ScheduleEvent
)
