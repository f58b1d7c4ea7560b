"""What may happen to a session, and when: its commands and `decide`. The events and the state are in `session.py`."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain.event import Command, Decider, Private, Refused
from domain.policy import Policy
from domain.session import (
    RUNNING,
    WAITING,
    AdmittedLate,
    Check,
    CheckName,
    ConnectionLost,
    ConnectionRestored,
    FaultClosed,
    FaultOpened,
    NoticeAcknowledged,
    NoticeDeclined,
    Opened,
    Paused,
    Ready,
    Reopened,
    Session,
    SessionEvent,
    Started,
    Submitted,
    SystemChecked,
    Terminated,
    Track,
    evolve,
)
from domain.session_clock import expired, extended, resumed
from domain.start_pin import TryPin, tried

LONGEST_FOUND = 200  # characters of what a page found at one check

# Commands.


class Open(Command, frozen=True, kw_only=True):
    schedule: str
    subject: str


class AcknowledgeNotice(Command, frozen=True, kw_only=True):
    policy_version: int
    sha256: str
    in_force: tuple[int, str]  # the version and text hash of the notice that holds now


class DeclineNotice(Command, frozen=True, kw_only=True):
    policy_version: int


class ReportCheck(Command, frozen=True, kw_only=True):
    checks: tuple[Check, ...]
    needed: frozenset[CheckName]


class Start(Command, frozen=True, kw_only=True):
    at: datetime
    policy: Policy
    sha256: str  # of the notice in force
    duration_s: int
    opens_at: datetime
    last_entry_at: datetime
    end_at: datetime


class Pause(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str


class Resume(Command, frozen=True, kw_only=True):
    at: datetime
    intervention: str


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


class LoseConnection(Command, frozen=True, kw_only=True):
    at: datetime
    track: Track
    why: str


class RestoreConnection(Command, frozen=True, kw_only=True):
    at: datetime
    track: Track


class OpenFault(Command, frozen=True, kw_only=True):
    what: str
    why: str


class CloseFault(Command, frozen=True, kw_only=True):
    what: str


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


Admitting = AcknowledgeNotice | DeclineNotice | ReportCheck | Start
Intervening = Pause | Resume | ExtendTime | Terminate
Faulty = LoseConnection | RestoreConnection | OpenFault | CloseFault
SessionCommand = Open | Submit | Expire | AdmitLate | Reopen | TryPin | Admitting | Intervening | Faulty


def decide(command: SessionCommand, state: Session) -> tuple[SessionEvent, ...]:
    if isinstance(command, Open):
        return () if state.phase != "absent" else (Opened(schedule=command.schedule, subject=command.subject),)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    match command:
        case AcknowledgeNotice() | DeclineNotice() | ReportCheck() | Start():
            return _admit(command, state)
        case LoseConnection() | RestoreConnection() | OpenFault() | CloseFault():
            return _fault(command, state)
        case TryPin():
            return tried(command, state)
        case Submit(at=at):
            if state.phase == "submitted":
                return ()
            _must_run(state, "submitted")
            return (Submitted(at=at, by="candidate"),)
        case Expire(at=at, last_entry_at=last_entry_at, closes_at=closes_at, called_off=called_off):
            late_at = closes_at if state.admitted else last_entry_at
            return expired(state, at, late_at=late_at, called_off=called_off)
        case AdmitLate():
            return _admit_late(command, state)
        case Reopen(at=at, by=by, reason=reason):
            if state.phase in RUNNING:
                return ()
            if state.phase != "ended_in_fault":
                raise Refused(f"a session that is {_said(state)} cannot be reopened")
            began = (state.stopped_since or at, state.ended_at or at, *state.lost.values())
            return (Reopened(at=at, by=by, reason=reason, since=min(began)),)
        case Pause() | Resume() | ExtendTime() | Terminate():
            return _intervene(command, state)
        case _:
            assert_never(command)


def _admit(command: Admitting, state: Session) -> tuple[SessionEvent, ...]:
    match command:
        case Start() if state.phase in RUNNING:
            return ()
        case DeclineNotice() if state.phase == "declined":
            return ()
        case AcknowledgeNotice(policy_version=version, sha256=sha256) if (
            state.notice == (version, sha256) == command.in_force
        ):
            return ()
    if state.over or state.phase in RUNNING:
        raise Refused(f"a session that is {_said(state)} is past its onboarding")
    match command:
        case AcknowledgeNotice(policy_version=version, sha256=sha256):
            if (version, sha256) != command.in_force:
                raise Refused("the notice has changed; read the one that holds now", field="sha256")
            return (NoticeAcknowledged(policy_version=version, sha256=sha256),)
        case DeclineNotice(policy_version=version):
            return (NoticeDeclined(policy_version=version),)
        case ReportCheck(checks=checks, needed=needed):
            if state.notice is None:
                raise Refused("acknowledge the notice before the system check", field="notice")
            for n, check in enumerate(checks):
                if len(check.found) > LONGEST_FOUND:
                    rule = f"what was found is told in at most {LONGEST_FOUND} characters"
                    raise Refused(rule, field=f"checks.{n}.found", kind="invalid")
            passed = needed <= {c.name for c in checks if c.passed}
            if (checks, passed) == (state.checks, state.checked):
                return ()
            ready: tuple[SessionEvent, ...] = (Ready(),) if passed and state.phase != "ready" else ()
            return (SystemChecked(checks=checks, passed=passed), *ready)
        case Start():
            return _start(command, state)
        case _:
            assert_never(command)


def _start(command: Start, state: Session) -> tuple[SessionEvent, ...]:
    if state.notice != (command.policy.version, command.sha256):
        raise Refused("acknowledge the notice that holds now before you start", field="notice")
    if not state.checked:
        raise Refused("pass the system check before you start", field="system_check")
    if command.at < command.opens_at:
        raise Refused("the exam has not opened yet", field="window.opens_at")
    if command.at > command.last_entry_at and not state.admitted:
        raise Refused("the last entry has passed; ask an invigilator to admit you late", field="window.last_entry_at")
    if command.at >= command.end_at:
        raise Refused("the window has closed", field="window.closes_at")
    return (Started(at=command.at, policy=command.policy, duration_s=command.duration_s, end_at=command.end_at),)


def _admit_late(command: AdmitLate, state: Session) -> tuple[SessionEvent, ...]:
    if state.admitted:
        return ()
    if state.phase not in (*WAITING, "no_show"):
        raise Refused(f"a session that is {_said(state)} cannot be admitted late")
    if command.at >= command.closes_at:
        raise Refused("the window has closed; nobody can be admitted any more", field="window.closes_at")
    return (AdmittedLate(at=command.at, by=command.by, reason=command.reason, phase=state.onboarding),)


def _intervene(command: Intervening, state: Session) -> tuple[SessionEvent, ...]:
    match command, state.phase:
        case Pause(), "paused":
            return ()
        case Resume(), "in_progress":
            return ()
        case Terminate(), "terminated":
            return ()
        case ExtendTime(intervention=intervention), _ if intervention in state.extended:
            return ()
    _must_run(
        state, {Pause: "paused", Resume: "resumed", ExtendTime: "extended", Terminate: "terminated"}[type(command)]
    )
    match command:
        case Pause(at=at, intervention=intervention):
            return (Paused(at=at, intervention=intervention),)
        case Resume(at=at, intervention=intervention):
            return resumed(state, at, intervention)
        case ExtendTime(at=at, seconds=seconds, intervention=intervention, move_end=move_end):
            return extended(state, at, seconds, intervention, move_end=move_end)
        case Terminate(at=at, intervention=intervention, reason=reason):
            return (Terminated(at=at, intervention=intervention, reason=reason),)
        case _:
            assert_never(command)


def _fault(command: Faulty, state: Session) -> tuple[SessionEvent, ...]:
    match command:
        case LoseConnection(at=at, track=track, why=why):
            if track in state.lost or state.phase not in RUNNING:
                return ()
            return (ConnectionLost(at=at, track=track, why=why),)
        case RestoreConnection(at=at, track=track):
            if track not in state.lost:
                return ()
            return (ConnectionRestored(at=at, track=track, away_s=max(0.0, (at - state.lost[track]).total_seconds())),)
        case OpenFault(what=what, why=why):
            return () if what in state.faults else (FaultOpened(what=what, why=why),)
        case CloseFault(what=what):
            return (FaultClosed(what=what),) if what in state.faults else ()
        case _:
            assert_never(command)


def _must_run(state: Session, verb: str) -> None:
    if state.phase not in RUNNING:
        raise Refused(f"a session that is {_said(state)} cannot be {verb}")


def _said(state: Session) -> str:
    return state.phase.replace("_", " ")


DECIDER: Decider[Session, SessionCommand, SessionEvent] = Decider("session", Session(), evolve, decide, SessionEvent)
