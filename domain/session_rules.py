"""What may happen to a session, and when: its commands and `decide`. The events and the state are in `session.py`."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain import accommodation_rules, consent, device, fault, identity_rules, muting, onboarding, page, waiving
from domain import help as asking
from domain.accommodation_rules import Accommodate
from domain.assessment import OpensIn
from domain.bringing_back import AdmittedLate, Reinstated, Reopened
from domain.consent import ConsentCommand
from domain.device import DeviceCommand
from domain.event import Command, Decider, Private, Refused
from domain.fault import FaultCommand
from domain.following import Follow
from domain.following_rules import followed
from domain.help import HelpCommand
from domain.identity_rules import IdentityCommand, must_let_in
from domain.muting import DetectorMuted, MuteDetector, MuteEverywhere, Why
from domain.onboarding import OnboardingCommand
from domain.outage import MarkOutage
from domain.outage_rules import lost, mark
from domain.page import ObservePage
from domain.phase import RUNNING, WAITING, said
from domain.policy import IncidentKind, Policy
from domain.session import Opened, Session, SessionEvent, Started, Submitted, Terminated, evolve
from domain.session_clock import break_ended, expired, extended
from domain.start_pin import TryPin, tried
from domain.stop_rules import StoppingCommand, stop
from domain.waiving import WaiveCheck

# Commands.


class Open(Command, frozen=True, kw_only=True):
    schedule: str
    subject: str


class Start(Command, frozen=True, kw_only=True):
    at: datetime
    policy: Policy
    sha256: str  # of the notice in force
    duration_s: int
    opens_at: datetime
    last_entry_at: datetime
    end_at: datetime
    opens_in: OpensIn = "tab"
    switched_off: tuple[IncidentKind, ...] = ()
    off_everywhere: tuple[IncidentKind, ...] = ()


class ExtendTime(Command, frozen=True, kw_only=True):
    """Time that does not fit before the session's end is refused, unless a person moves that end as well."""

    at: datetime
    seconds: int
    intervention: str
    move_end: bool = False


class AdmitLate(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    reason: Private
    closes_at: datetime


class Reopen(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    reason: Private


class Reinstate(Command, frozen=True, kw_only=True):
    """Takes a termination back."""

    at: datetime
    by: str
    reason: Private


class Submit(Command, frozen=True, kw_only=True):
    at: datetime


class Terminate(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str
    reason: Private


class Expire(Command, frozen=True, kw_only=True):
    """The clock speaks: it submits, notes a no-show, ends in a fault or what is `called_off`, each when it is due."""

    at: datetime
    last_entry_at: datetime
    closes_at: datetime
    called_off: bool = False


Intervening = ExtendTime | Terminate
SessionCommand = (
    Open | Start | Submit | Expire | AdmitLate | Reopen | Reinstate | TryPin | Intervening | StoppingCommand
    | OnboardingCommand | FaultCommand | HelpCommand | IdentityCommand | Accommodate | MuteDetector | DeviceCommand
    | MarkOutage | Follow | MuteEverywhere | ObservePage | WaiveCheck | ConsentCommand
)  # fmt: skip


def decide(command: SessionCommand, state: Session) -> tuple[SessionEvent, ...]:
    if isinstance(command, Open):
        return () if state.phase != "absent" else (Opened(schedule=command.schedule, subject=command.subject),)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    if isinstance(command, FaultCommand):
        return fault.decide(command, state)
    if isinstance(command, OnboardingCommand):
        return onboarding.decide(command, state)
    if isinstance(command, HelpCommand):
        return asking.decide(command, state)
    if isinstance(command, ObservePage):
        return page.decide(command, state)
    if isinstance(command, IdentityCommand):
        return identity_rules.decide(command, state)
    if isinstance(command, ConsentCommand):
        return consent.decide(command, state)
    if isinstance(command, DeviceCommand):
        return device.decide(command, state)
    if isinstance(command, StoppingCommand):
        return stop(command, state)
    match command:
        case Start():
            return _start(command, state)
        case TryPin():
            return tried(command, state)
        case Submit(at=at):
            if state.phase == "submitted":
                return ()
            _must_run(state, "submitted")
            return (*break_ended(state, at, "session_over"), Submitted(at=at, by="candidate"))
        case Expire(at=at, last_entry_at=last_entry_at, closes_at=closes_at, called_off=called_off):
            late_at = closes_at if state.in_time(last_entry_at) else last_entry_at
            return expired(state, at, late_at=late_at, called_off=called_off)
        case AdmitLate():
            return _admit_late(command, state)
        case Reopen():
            if state.phase in RUNNING:
                return ()
            if state.phase != "ended_in_fault":
                raise Refused(f"a session that is {said(state.phase)} cannot be reopened")
            return (_reopened(command, state),)
        case Reinstate(at=at, by=by, reason=reason):
            if state.phase in RUNNING:
                return ()
            if state.phase != "terminated":
                raise Refused(f"a session that is {said(state.phase)} cannot be reinstated")
            return (Reinstated(at=at, by=by, reason=reason, since=_stopped(state, at)),)
        case Accommodate():
            return accommodation_rules.accommodated(command, state)
        case MuteDetector():
            return muting.muted(command, state)
        case MuteEverywhere():
            return muting.muted_everywhere(command, state)
        case WaiveCheck():
            return waiving.decide(command, state)
        case MarkOutage():
            return mark(command, state)
        case Follow():
            return followed(command, state)
        case ExtendTime() | Terminate():
            return _intervene(command, state)
        case _:
            assert_never(command)


def _start(command: Start, state: Session) -> tuple[SessionEvent, ...]:
    if state.phase in RUNNING:
        return ()
    if state.over:
        raise Refused(f"a session that is {said(state.phase)} is past its onboarding")
    if state.notice != (command.policy.version, command.sha256):
        raise Refused("acknowledge the notice that holds now before you start", field="notice")
    if not state.checked:
        raise Refused("pass the system check before you start", field="system_check")
    if command.policy.identity:
        must_let_in(state)
    if command.at < command.opens_at:
        raise Refused("the exam has not opened yet", field="window.opens_at")
    if command.at > command.last_entry_at and not state.in_time(command.last_entry_at):
        raise Refused("the last entry has passed; ask an invigilator to admit you late", field="window.last_entry_at")
    if command.at >= command.end_at:
        raise Refused("the window has closed", field="window.closes_at")
    later, extra = accommodation_rules.at_the_start(state, command.duration_s)
    started = Started(
        at=command.at, policy=command.policy, duration_s=command.duration_s, end_at=command.end_at + later,
        opens_in=command.opens_in,
    )  # fmt: skip
    withheld = consent.silent(command.policy, state.consents) | waiving.silent(command.policy, state.waived)
    off: dict[IncidentKind, Why] = dict.fromkeys(command.off_everywhere, "switched_off_everywhere")
    mutes = withheld | off | dict.fromkeys(command.switched_off, "switched_off")
    return (started, *extra, *(DetectorMuted(at=command.at, kind=kind, why=mutes[kind]) for kind in sorted(mutes)))


def _admit_late(command: AdmitLate, state: Session) -> tuple[SessionEvent, ...]:
    if state.admitted:
        return ()
    if state.phase not in (*WAITING, "no_show"):
        raise Refused(f"a session that is {said(state.phase)} cannot be admitted late")
    if command.at >= command.closes_at:
        raise Refused("the window has closed; nobody can be admitted any more", field="window.closes_at")
    return (AdmittedLate(at=command.at, by=command.by, reason=command.reason, phase=state.onboarding),)


def _intervene(command: Intervening, state: Session) -> tuple[SessionEvent, ...]:
    match command, state.phase:
        case Terminate(), "terminated":
            return ()
        case ExtendTime(intervention=intervention), _ if intervention in state.extended:
            return ()
    _must_run(state, "extended" if isinstance(command, ExtendTime) else "terminated")
    match command:
        case ExtendTime(at=at, seconds=seconds, intervention=intervention, move_end=move_end):
            return extended(state, at, seconds, intervention, move_end=move_end)
        case Terminate(at=at, intervention=intervention, reason=reason):
            end = Terminated(at=at, intervention=intervention, reason=reason)
            return (*break_ended(state, at, "session_over", intervention), end)
        case _:
            assert_never(command)


def _reopened(command: Reopen, state: Session) -> Reopened:
    """The candidate gets back what the clock ran in the fault, without what was given back of that before."""
    stopped_at = _stopped(state, command.at)
    began = min((stopped_at, *state.cut_off.values()))
    since = stopped_at
    if state.runs_out_at:
        since = min(stopped_at, state.runs_out_at) - lost(state, began, stopped_at, command.at)
    return Reopened(at=command.at, by=command.by, reason=command.reason, since=since, fault_since=began)


def _stopped(state: Session, at: datetime) -> datetime:
    """Since when the clock of a session that is over has stood."""
    return min(state.stopped_since or at, state.ended_at or at)


def _must_run(state: Session, verb: str) -> None:
    if state.phase not in RUNNING:
        raise Refused(f"a session that is {said(state.phase)} cannot be {verb}")


DECIDER: Decider[Session, SessionCommand, SessionEvent] = Decider("session", Session(), evolve, decide, SessionEvent)
