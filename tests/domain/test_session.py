"""A session: from enrolment through onboarding, its clock and its faults, to its end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.policy import Policy
from domain.session import (
    Check,
    CheckName,
    ConnectionLost,
    ConnectionRestored,
    Ended,
    FaultClosed,
    FaultOpened,
    NoticeAcknowledged,
    NoticeDeclined,
    Opened,
    Paused,
    Ready,
    Resumed,
    SessionEvent,
    Started,
    Submitted,
    SystemChecked,
    Terminated,
    TimeExtended,
)
from domain.session_rules import (
    DECIDER,
    AcknowledgeNotice,
    CloseFault,
    DeclineNotice,
    Expire,
    ExtendTime,
    LoseConnection,
    Open,
    OpenFault,
    Pause,
    ReportCheck,
    RestoreConnection,
    Resume,
    SessionCommand,
    Start,
    Submit,
    Terminate,
)
from tests.domain.given import given
from tests.domain.hall import POLICY, TWO_HOURS, WINDOW, at, private

NOTICE = "5f" * 32
NEEDED: frozenset[CheckName] = frozenset({"browser", "network", "camera"})
GOOD = tuple(Check(name=name, passed=True) for name in sorted(NEEDED))
BAD = (*GOOD[:1], Check(name="camera", passed=False, found="no device"), *GOOD[2:])

OPEN = Open(schedule="algebra", subject="ada")
ACKNOWLEDGE = AcknowledgeNotice(policy_version=1, sha256=NOTICE, in_force=(1, NOTICE))
CHECK = ReportCheck(checks=GOOD, needed=NEEDED)
START = Start(
    at=at("9:10"), policy=POLICY, sha256=NOTICE, duration_s=TWO_HOURS,
    opens_at=WINDOW.opens_at, last_entry_at=WINDOW.last_entry_at, end_at=WINDOW.closes_at,
)  # fmt: skip

OPENED = Opened(schedule="algebra", subject="ada")
ACKNOWLEDGED = NoticeAcknowledged(policy_version=1, sha256=NOTICE)
CHECKED = SystemChecked(checks=GOOD, passed=True)
STARTED = Started(at=at("9:10"), policy=POLICY, duration_s=TWO_HOURS, end_at=WINDOW.closes_at)
TERMINATED = Terminated(at=at("10:00"), intervention="i9", reason=private("A phone on the desk, twice."))

EXPECTED: tuple[SessionEvent, ...] = (OPENED,)
CHECKING: tuple[SessionEvent, ...] = (OPENED, ACKNOWLEDGED)
READY: tuple[SessionEvent, ...] = (OPENED, ACKNOWLEDGED, CHECKED, Ready())
RUNNING: tuple[SessionEvent, ...] = (*READY, STARTED)
PAUSED: tuple[SessionEvent, ...] = (*RUNNING, Paused(at=at("10:00"), intervention="i1"))
RESUMED: tuple[SessionEvent, ...] = (*PAUSED, Resumed(at=at("10:20"), intervention="i2", stopped_s=1200.0))
CUT_OFF: tuple[SessionEvent, ...] = (*RUNNING, ConnectionLost(at=at("11:00"), track="camera", why="no packets"))
SUBMITTED: tuple[SessionEvent, ...] = (*RUNNING, Submitted(at=at("10:30"), by="candidate"))
OVER: dict[str, tuple[SessionEvent, ...]] = {
    "submitted": SUBMITTED,
    "terminated": (*RUNNING, TERMINATED),
    "no show": (OPENED, Ended(at=at("9:31"), why="no_show")),
    "declined": (OPENED, NoticeDeclined(policy_version=1)),
    "ended in fault": (*CUT_OFF, Ended(at=at("12:00"), why="fault")),
}


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


# The clock.


def test_the_clock_runs_out_two_hours_after_the_start() -> None:
    assert given(DECIDER, *READY).state.due_at is None
    assert given(DECIDER, *RUNNING).state.due_at == at("11:10")


def test_a_late_starter_is_due_when_the_window_closes() -> None:
    short = (*READY, replace(STARTED, at=at("10:30")))
    assert given(DECIDER, *short).state.due_at == at("12:00")


def test_an_invigilator_pauses_once_and_the_clock_stands() -> None:
    pause = Pause(at=at("10:00"), intervention="i1")
    given(DECIDER, *RUNNING).when(pause).then(Paused(at=at("10:00"), intervention="i1"))
    given(DECIDER, *PAUSED).when(pause).then_nothing()
    assert given(DECIDER, *PAUSED).state.due_at is None


def test_resuming_gives_back_exactly_the_stopped_time() -> None:
    resume = Resume(at=at("10:20"), intervention="i2")
    given(DECIDER, *PAUSED).when(resume).then(RESUMED[-1])
    given(DECIDER, *RESUMED).when(resume).then_nothing()
    assert given(DECIDER, *RESUMED).state.due_at == at("11:30")


def test_a_pause_gives_no_time_past_the_end_of_the_session() -> None:
    long = (*PAUSED, Resumed(at=at("11:55"), intervention="i2", stopped_s=6900.0))
    assert given(DECIDER, *long).state.due_at == at("12:00")


def test_a_clock_that_was_set_back_never_takes_time_away() -> None:
    resume = Resume(at=at("9:59"), intervention="i2")
    given(DECIDER, *PAUSED).when(resume).then(Resumed(at=at("9:59"), intervention="i2", stopped_s=0.0))


def test_extra_time_moves_the_end_of_the_clock() -> None:
    extend = ExtendTime(at=at("10:00"), seconds=600, intervention="i3")
    extended = TimeExtended(seconds=600, intervention="i3")
    given(DECIDER, *RUNNING).when(extend).then(extended)
    given(DECIDER, *RUNNING, extended).when(extend).then_nothing()
    assert given(DECIDER, *RUNNING, extended).state.due_at == at("11:20")
    given(DECIDER, *PAUSED).when(extend).then(extended)


def test_extra_time_that_does_not_fit_is_refused_with_the_minutes_that_would() -> None:
    fits, too_much = (ExtendTime(at=at("10:00"), seconds=s, intervention="i3") for s in (3000, 3030))
    given(DECIDER, *RUNNING).when(fits).then(TimeExtended(seconds=3000, intervention="i3"))
    given(DECIDER, *RUNNING).when(too_much).refused("50.5 minutes do not fit; 50 minutes would", field="minutes")


def test_the_time_that_a_pause_has_used_up_counts_against_extra_time() -> None:
    extend = ExtendTime(at=at("10:20"), seconds=31 * 60, intervention="i3")
    given(DECIDER, *PAUSED).when(extend).refused("31 minutes do not fit; 30 minutes would", field="minutes")
    given(DECIDER, *RESUMED).when(extend).refused("31 minutes do not fit; 30 minutes would", field="minutes")


@pytest.mark.parametrize("seconds", [0, -60])
def test_time_cannot_be_taken_away(seconds: int) -> None:
    shorten = ExtendTime(at=at("10:00"), seconds=seconds, intervention="i3")
    given(DECIDER, *RUNNING).when(shorten).refused("not taken away", field="minutes", kind="invalid")


# Faults.


def test_a_lost_connection_is_noted_once_for_each_track() -> None:
    lose = LoseConnection(at=at("11:00"), track="camera", why="no packets")
    given(DECIDER, *RUNNING).when(lose).then(CUT_OFF[-1])
    given(DECIDER, *CUT_OFF).when(lose).then_nothing()
    screen = replace(lose, track="screen")
    given(DECIDER, *CUT_OFF).when(screen).then(ConnectionLost(at=at("11:00"), track="screen", why="no packets"))


@pytest.mark.parametrize("before", [EXPECTED, READY, SUBMITTED])
def test_a_connection_can_only_be_lost_while_the_exam_runs(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(LoseConnection(at=at("11:00"), track="camera", why="closed")).then_nothing()


def test_a_connection_that_is_back_says_how_long_it_was_away() -> None:
    restore = RestoreConnection(at=at("11:01:30"), track="camera")
    restored = ConnectionRestored(at=at("11:01:30"), track="camera", away_s=90.0)
    given(DECIDER, *CUT_OFF).when(restore).then(restored)
    given(DECIDER, *CUT_OFF, restored).when(restore).then_nothing()
    given(DECIDER, *RUNNING).when(restore).then_nothing()


def test_a_fault_of_ours_is_opened_and_closed_once() -> None:
    opened = FaultOpened(what="recording", why="the object store is away")
    open_it = OpenFault(what="recording", why="the object store is away")
    given(DECIDER, *RUNNING).when(open_it).then(opened)
    given(DECIDER, *RUNNING, opened).when(open_it).then_nothing()
    given(DECIDER, *RUNNING, opened).when(CloseFault(what="recording")).then(FaultClosed(what="recording"))
    given(DECIDER, *RUNNING).when(CloseFault(what="recording")).then_nothing()


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


# What the clock says.


def _expire(clock: str) -> Expire:
    return Expire(at=at(clock), last_entry_at=WINDOW.last_entry_at)


@pytest.mark.parametrize("before", [EXPECTED, CHECKING, READY])
def test_who_has_not_started_by_the_last_entry_did_not_show_up(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(_expire("9:30")).then_nothing()
    given(DECIDER, *before).when(_expire("9:31")).then(Ended(at=at("9:31"), why="no_show"))


def test_a_session_is_submitted_when_its_time_is_up() -> None:
    given(DECIDER, *RUNNING).when(_expire("11:09")).then_nothing()
    given(DECIDER, *RUNNING).when(_expire("11:10")).then(Submitted(at=at("11:10"), by="clock"))


def test_no_session_expires_while_it_is_paused() -> None:
    given(DECIDER, *PAUSED).when(_expire("12:30")).then_nothing()


def test_a_candidate_who_is_cut_off_is_not_submitted_but_ends_in_a_fault_when_the_window_closes() -> None:
    given(DECIDER, *CUT_OFF).when(_expire("11:30")).then_nothing()
    given(DECIDER, *CUT_OFF).when(_expire("12:00")).then(Ended(at=at("12:00"), why="fault"))


@pytest.mark.parametrize("end", OVER)
def test_the_clock_says_nothing_once_a_session_is_over(end: str) -> None:
    given(DECIDER, *OVER[end]).when(_expire("13:00")).then_nothing()
