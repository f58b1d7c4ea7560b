"""A session: from enrolment through onboarding to the start, and to its end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.fault import OpenFault
from domain.onboarding import Check, DeclineNotice, NoticeAcknowledged, NoticeDeclined, Ready, SystemChecked
from domain.policy import Policy
from domain.session import SessionEvent, Submitted
from domain.session_rules import DECIDER, ExtendTime, SessionCommand, Submit, Terminate
from domain.stop_rules import Pause, Resume
from tests.domain.given import given
from tests.domain.hall import POLICY, at, private
from tests.domain.sitting import (
    ACKNOWLEDGE,
    ACKNOWLEDGED,
    BAD,
    CHECK,
    CHECKED,
    CHECKING,
    CUT_OFF,
    EXPECTED,
    GOOD,
    NOTICE,
    OPEN,
    OPENED,
    OVER,
    PAUSED,
    READY,
    RUNNING,
    START,
    STARTED,
    SUBMITTED,
    TERMINATED,
)

# Onboarding.


def test_a_session_is_opened_once() -> None:
    given(DECIDER).when(OPEN).then(OPENED)
    given(DECIDER, OPENED).when(OPEN).then_nothing()


@pytest.mark.parametrize("command", [ACKNOWLEDGE, CHECK, START, Submit(at=at("9:00")), OpenFault(what="x", why="y")])
def test_nothing_can_be_done_in_a_session_that_does_not_exist(command: SessionCommand) -> None:
    given(DECIDER).when(command).refused("no such session", kind="not_found")


def test_a_candidate_acknowledges_the_notice_that_holds_now() -> None:
    given(DECIDER, *EXPECTED).when(ACKNOWLEDGE).then(ACKNOWLEDGED)
    given(DECIDER, *CHECKING).when(ACKNOWLEDGE).then_nothing()


@pytest.mark.parametrize("in_force", [(2, NOTICE), (1, "00" * 32)])
def test_a_notice_that_has_changed_meanwhile_must_be_read_again(in_force: tuple[int, str]) -> None:
    stale = replace(ACKNOWLEDGE, in_force=in_force)
    given(DECIDER, *EXPECTED).when(stale).refused("notice has changed", field="sha256")


def test_a_candidate_who_declines_the_notice_does_not_sit_the_exam() -> None:
    declined = NoticeDeclined(policy_version=1)
    decline = DeclineNotice(policy_version=1)
    given(DECIDER, *EXPECTED).when(decline).then(declined)
    given(DECIDER, OPENED, declined).when(decline).then_nothing()
    given(DECIDER, OPENED, declined).when(ACKNOWLEDGE).refused("declined")


def test_the_system_check_comes_after_the_notice() -> None:
    given(DECIDER, *EXPECTED).when(CHECK).refused("acknowledge the notice", field="notice")


def test_a_candidate_whose_checks_pass_is_ready() -> None:
    given(DECIDER, *CHECKING).when(CHECK).then(CHECKED, Ready())
    given(DECIDER, *READY).when(CHECK).then_nothing()


@pytest.mark.parametrize("checks", [BAD, GOOD[:2], ()])
def test_a_candidate_is_not_ready_while_a_needed_check_fails_or_is_missing(checks: tuple[Check, ...]) -> None:
    failed = replace(CHECK, checks=checks)
    expected = (SystemChecked(checks=checks, passed=False),) if checks else ()
    given(DECIDER, *CHECKING).when(failed).then(*expected)
    given(DECIDER, *CHECKING, SystemChecked(checks=checks, passed=False)).when(CHECK).then(CHECKED, Ready())


def test_a_camera_pulled_out_before_the_start_takes_ready_back() -> None:
    pulled = (*READY, SystemChecked(checks=BAD, passed=False))
    assert given(DECIDER, *pulled).state.phase == "checking"
    given(DECIDER, *pulled).when(START).refused("pass the system check", field="system_check")
    given(DECIDER, *pulled).when(CHECK).then(CHECKED, Ready())


def test_a_changed_notice_asks_for_the_checks_again() -> None:
    second = (*READY, NoticeAcknowledged(policy_version=2, sha256=NOTICE))
    assert given(DECIDER, *second).state.phase == "checking"
    start = replace(START, policy=Policy(version=2))
    given(DECIDER, *second).when(start).refused("pass the system check", field="system_check")
    given(DECIDER, *second).when(CHECK).then(CHECKED, Ready())


# The start.


def test_a_ready_candidate_starts_and_the_policy_is_frozen() -> None:
    given(DECIDER, *READY).when(START).then(STARTED)
    given(DECIDER, *RUNNING).when(START).then_nothing()
    assert given(DECIDER, *RUNNING).state.policy == POLICY


def test_a_candidate_starts_from_the_opening_to_the_last_entry_and_not_outside() -> None:
    early, first, last, late = (replace(START, at=at(clock)) for clock in ("8:59:59", "9:00", "9:30", "9:30:01"))
    given(DECIDER, *READY).when(early).refused("not opened yet", field="window.opens_at")
    given(DECIDER, *READY).when(first).then(replace(STARTED, at=at("9:00")))
    given(DECIDER, *READY).when(last).then(replace(STARTED, at=at("9:30")))
    given(DECIDER, *READY).when(late).refused("last entry has passed", field="window.last_entry_at")


def test_nobody_starts_under_a_notice_that_they_have_not_acknowledged() -> None:
    given(DECIDER, *EXPECTED).when(START).refused("acknowledge the notice", field="notice")
    changed = replace(START, policy=Policy(version=2))
    given(DECIDER, *READY).when(changed).refused("acknowledge the notice", field="notice")
    reworded = replace(START, sha256="00" * 32)
    given(DECIDER, *READY).when(reworded).refused("acknowledge the notice", field="notice")


def test_nobody_starts_before_their_checks_pass() -> None:
    given(DECIDER, *CHECKING).when(START).refused("pass the system check", field="system_check")


@pytest.mark.parametrize(
    "command", [replace(ACKNOWLEDGE, in_force=(2, NOTICE)), DeclineNotice(policy_version=1), CHECK]
)
def test_onboarding_is_over_once_the_exam_runs(command: SessionCommand) -> None:
    given(DECIDER, *RUNNING).when(command).refused("in progress is past its onboarding")


# The end.


@pytest.mark.parametrize("before", [RUNNING, PAUSED, CUT_OFF])
def test_a_candidate_submits_once(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(Submit(at=at("11:02"))).then(Submitted(at=at("11:02"), by="candidate"))
    given(DECIDER, *SUBMITTED).when(Submit(at=at("11:02"))).then_nothing()


@pytest.mark.parametrize("before", [RUNNING, PAUSED])
def test_an_invigilator_ends_an_exam_once_and_with_a_reason(before: tuple[SessionEvent, ...]) -> None:
    terminate = Terminate(at=at("10:00"), intervention="i9", reason=TERMINATED.reason)
    given(DECIDER, *before).when(terminate).then(TERMINATED)
    given(DECIDER, *before, TERMINATED).when(terminate).then_nothing()


def test_a_session_that_has_not_started_cannot_be_submitted() -> None:
    given(DECIDER, *READY).when(Submit(at=at("9:05"))).refused("is ready cannot be submitted")


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        (Pause(at=at("10:40"), intervention="i1"), "paused"),
        (Resume(at=at("10:40"), intervention="i1"), "resumed"),
        (ExtendTime(at=at("10:40"), seconds=60, intervention="i1"), "extended"),
        (Terminate(at=at("10:40"), intervention="i1", reason=private("?")), "terminated"),
    ],
)
def test_nothing_is_done_to_a_session_that_does_not_run(command: SessionCommand, verb: str) -> None:
    given(DECIDER, *READY).when(command).refused(f"that is ready cannot be {verb}")
    given(DECIDER, *SUBMITTED).when(command).refused(f"that is submitted cannot be {verb}")


@pytest.mark.parametrize("end", [end for end in OVER if end != "submitted"])
def test_a_session_that_ended_otherwise_is_never_submitted(end: str) -> None:
    given(DECIDER, *OVER[end]).when(Submit(at=at("11:00"))).refused(f"that is {end} cannot be submitted")


@pytest.mark.parametrize("end", OVER)
@pytest.mark.parametrize("command", [replace(ACKNOWLEDGE, in_force=(2, NOTICE)), CHECK, START])
def test_a_session_that_is_over_does_not_begin_again(command: SessionCommand, end: str) -> None:
    given(DECIDER, *OVER[end]).when(command).refused("is past its onboarding")
