"""What a candidate goes through before the start: the notice and the system check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Refused
from domain.phase import RUNNING, said

if TYPE_CHECKING:
    from domain.session import Session

CheckName = Literal["browser", "camera", "microphone", "screen", "network", "displays"]
LONGEST_FOUND = 200  # characters of what a page found at one check

# Values.


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the system check, as the candidate's page measured it."""

    name: CheckName
    passed: bool
    found: str = ""


# Events of a session. Tags and field names are on disk for ever.


class NoticeAcknowledged(Event, frozen=True, kw_only=True, tag="session.notice_acknowledged"):
    policy_version: int
    sha256: str


class NoticeDeclined(Event, frozen=True, kw_only=True, tag="session.notice_declined"):
    policy_version: int


class SystemChecked(Event, frozen=True, kw_only=True, tag="session.system_checked"):
    checks: tuple[Check, ...]
    passed: bool


class Ready(Event, frozen=True, kw_only=True, tag="session.ready"):
    pass


OnboardingEvent = NoticeAcknowledged | NoticeDeclined | SystemChecked | Ready

# Commands.


class AcknowledgeNotice(Command, frozen=True, kw_only=True):
    policy_version: int
    sha256: str
    in_force: tuple[int, str]  # the version and text hash of the notice that holds now


class DeclineNotice(Command, frozen=True, kw_only=True):
    policy_version: int


class ReportCheck(Command, frozen=True, kw_only=True):
    checks: tuple[Check, ...]
    needed: frozenset[CheckName]


OnboardingCommand = AcknowledgeNotice | DeclineNotice | ReportCheck


def evolve(state: Session, event: OnboardingEvent) -> Session:
    match event:
        case NoticeAcknowledged(policy_version=version, sha256=sha256):
            # Another notice may ask for other devices, and other consent: what was said before counts no more.
            return replace(state, phase="checking", notice=(version, sha256), checks=(), checked=False, consents={})
        case NoticeDeclined():
            return replace(state, phase="declined")
        case SystemChecked(checks=checks, passed=passed):
            phase = "checking" if state.phase == "ready" and not passed else state.phase
            return replace(state, phase=phase, checks=checks, checked=passed)
        case Ready():
            return replace(state, phase="ready")
        case _:
            assert_never(event)


def decide(command: OnboardingCommand, state: Session) -> tuple[OnboardingEvent, ...]:
    match command:
        case DeclineNotice() if state.phase == "declined":
            return ()
        case AcknowledgeNotice(policy_version=version, sha256=sha256) if (
            state.notice == (version, sha256) == command.in_force
        ):
            return ()
    if state.over or state.phase in RUNNING:
        raise Refused(f"a session that is {said(state.phase)} is past its onboarding")
    match command:
        case AcknowledgeNotice(policy_version=version, sha256=sha256):
            if (version, sha256) != command.in_force:
                raise Refused("the notice has changed; read the one that holds now", field="sha256")
            return (NoticeAcknowledged(policy_version=version, sha256=sha256),)
        case DeclineNotice(policy_version=version):
            return (NoticeDeclined(policy_version=version),)
        case ReportCheck():
            return _checked(command, state)
        case _:
            assert_never(command)


def _checked(command: ReportCheck, state: Session) -> tuple[OnboardingEvent, ...]:
    if state.notice is None:
        raise Refused("acknowledge the notice before the system check", field="notice")
    for n, check in enumerate(command.checks):
        if len(check.found) > LONGEST_FOUND:
            rule = f"what was found is told in at most {LONGEST_FOUND} characters"
            raise Refused(rule, field=f"checks.{n}.found", kind="invalid")
    passed = command.needed <= {c.name for c in command.checks if c.passed}
    if (command.checks, passed) == (state.checks, state.checked):
        return ()
    ready: tuple[OnboardingEvent, ...] = (Ready(),) if passed and state.phase != "ready" else ()
    return (SystemChecked(checks=command.checks, passed=passed), *ready)
