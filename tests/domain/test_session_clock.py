"""A session while it runs: its clock, its faults, and what the clock says when it is time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.bringing_back import AdmittedLate, Reopened
from domain.fault import (
    CloseFault,
    ConnectionLost,
    ConnectionRestored,
    FaultClosed,
    FaultOpened,
    LoseConnection,
    OpenFault,
    RestoreConnection,
)
from domain.session import Ended, EndMoved, Paused, Resumed, SessionEvent, Submitted, TimeExtended
from domain.session_rules import DECIDER, AdmitLate, Expire, ExtendTime, Reopen
from domain.stop_rules import Pause, Resume
from tests.domain.given import given
from tests.domain.hall import WINDOW, at, private
from tests.domain.sitting import (
    CHECKING,
    CUT_OFF,
    EXPECTED,
    OVER,
    PAUSED,
    READY,
    RESUMED,
    RUNNING,
    START,
    STARTED,
    SUBMITTED,
)

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


def test_a_pause_takes_no_time_even_where_the_end_has_to_move() -> None:
    resumed = Resumed(at=at("11:55"), intervention="i2", stopped_s=6900.0)
    moved = EndMoved(end_at=at("13:05"), intervention="i2")
    given(DECIDER, *PAUSED).when(Resume(at=at("11:55"), intervention="i2")).then(resumed, moved)
    assert given(DECIDER, *PAUSED, resumed, moved).state.due_at == at("13:05")


def test_a_pause_gives_a_late_starter_no_more_than_they_had() -> None:
    late = (*READY, replace(STARTED, at=at("10:30")), Paused(at=at("11:00"), intervention="i1"))
    resumed = Resumed(at=at("11:10"), intervention="i2", stopped_s=600.0)
    moved = EndMoved(end_at=at("12:10"), intervention="i2")
    given(DECIDER, *late).when(Resume(at=at("11:10"), intervention="i2")).then(resumed, moved)
    assert given(DECIDER, *late, resumed, moved).state.due_at == at("12:10")


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


def test_a_person_may_move_the_end_so_that_extra_time_fits() -> None:
    extend = ExtendTime(at=at("10:00"), seconds=3600, intervention="i3", move_end=True)
    moved = EndMoved(end_at=at("12:10"), intervention="i3")
    given(DECIDER, *RUNNING).when(extend).then(moved, TimeExtended(seconds=3600, intervention="i3"))
    assert given(DECIDER, *RUNNING, moved, TimeExtended(seconds=3600, intervention="i3")).state.due_at == at("12:10")
    fits = replace(extend, seconds=600)
    given(DECIDER, *RUNNING).when(fits).then(TimeExtended(seconds=600, intervention="i3"))


def test_who_ran_out_of_time_while_cut_off_can_use_every_minute_that_they_are_given() -> None:
    extend = ExtendTime(at=at("11:16"), seconds=300, intervention="i3")
    given_back = TimeExtended(seconds=300, intervention="i3", made_up_s=360.0)
    given(DECIDER, *CUT_OFF).when(extend).then(given_back)
    assert given(DECIDER, *CUT_OFF, given_back).state.due_at == at("11:21")


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


# What the clock says.


def _expire(clock: str) -> Expire:
    return Expire(at=at(clock), last_entry_at=WINDOW.last_entry_at, closes_at=WINDOW.closes_at)


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


def test_who_comes_back_after_their_time_ran_out_has_two_minutes_to_hand_in() -> None:
    back = (*CUT_OFF, ConnectionRestored(at=at("11:20"), track="camera", away_s=1200.0))
    given(DECIDER, *back).when(_expire("11:21:59")).then_nothing()
    given(DECIDER, *back).when(_expire("11:22")).then(Submitted(at=at("11:22"), by="clock"))


def test_who_came_back_in_time_is_submitted_when_it_is_up() -> None:
    back = (*CUT_OFF, ConnectionRestored(at=at("11:05"), track="camera", away_s=300.0))
    given(DECIDER, *back).when(_expire("11:10")).then(Submitted(at=at("11:10"), by="clock"))


def test_while_another_track_is_away_somebody_is_still_cut_off() -> None:
    lost = ConnectionLost(at=at("11:00"), track="screen", why="no packets")
    back = (*CUT_OFF, lost, ConnectionRestored(at=at("11:20"), track="camera", away_s=1200.0))
    given(DECIDER, *back).when(_expire("11:30")).then_nothing()


@pytest.mark.parametrize("before", [RUNNING, PAUSED, CUT_OFF])
def test_a_session_ends_with_a_schedule_that_is_called_off(before: tuple[SessionEvent, ...]) -> None:
    called_off = replace(_expire("11:02"), called_off=True)
    given(DECIDER, *before).when(called_off).then(Ended(at=at("11:02"), why="called_off"))
    given(DECIDER, *EXPECTED).when(replace(called_off, at=at("9:20"))).then_nothing()


@pytest.mark.parametrize("end", OVER)
def test_the_clock_says_nothing_once_a_session_is_over(end: str) -> None:
    given(DECIDER, *OVER[end]).when(_expire("13:00")).then_nothing()


# What people put right.


@pytest.mark.parametrize("before", [EXPECTED, CHECKING, READY])
def test_a_person_lets_in_who_comes_late(before: tuple[SessionEvent, ...]) -> None:
    admit = AdmitLate(at=at("9:40"), by="kim", reason=private("The tram stood still."), closes_at=WINDOW.closes_at)
    came = given(DECIDER, *before).state.phase
    admitted = AdmittedLate(at=at("9:40"), by="kim", reason=admit.reason, phase=came)  # type: ignore[arg-type]
    missed = (*before, Ended(at=at("9:31"), why="no_show"))
    given(DECIDER, *before).when(admit).then(admitted)
    given(DECIDER, *missed).when(admit).then(admitted)
    given(DECIDER, *missed, admitted).when(admit).then_nothing()
    state = given(DECIDER, *missed, admitted).state
    assert (state.phase, state.ended_at) == (came, None)


def test_who_was_admitted_late_starts_until_the_window_closes() -> None:
    admitted = AdmittedLate(at=at("9:40"), by="kim", reason=private("late"), phase="ready")
    start = replace(START, at=at("9:45"))
    given(DECIDER, *READY).when(start).refused("last entry has passed", field="window.last_entry_at")
    given(DECIDER, *READY, admitted).when(start).then(replace(STARTED, at=at("9:45")))
    given(DECIDER, *READY, admitted).when(replace(start, at=at("12:00"))).refused("closed", field="window.closes_at")
    given(DECIDER, *READY, admitted).when(_expire("11:59")).then_nothing()
    given(DECIDER, *READY, admitted).when(_expire("12:01")).then(Ended(at=at("12:01"), why="no_show"))


def test_nobody_is_admitted_who_has_started_or_when_the_window_has_closed() -> None:
    admit = AdmitLate(at=at("10:00"), by="kim", reason=private("late"), closes_at=WINDOW.closes_at)
    given(DECIDER, *RUNNING).when(admit).refused("in progress cannot be admitted")
    given(DECIDER, *OVER["declined"]).when(admit).refused("declined cannot be admitted")
    given(DECIDER, *READY).when(replace(admit, at=at("12:00"))).refused("has closed", field="window.closes_at")


def test_a_session_that_ended_in_a_fault_is_reopened_with_the_time_that_was_left() -> None:
    called_off = (*RUNNING, Ended(at=at("10:00"), why="called_off"))
    reopen = Reopen(at=at("10:30"), by="kim", reason=private("A false alarm."))
    reopened = Reopened(at=at("10:30"), by="kim", reason=reopen.reason, since=at("10:00"), fault_since=at("10:00"))
    given(DECIDER, *called_off).when(reopen).then(reopened)
    given(DECIDER, *called_off, reopened).when(reopen).then_nothing()
    assert given(DECIDER, *called_off, reopened).state.phase == "paused"
    resume = Resume(at=at("11:00"), intervention="i2")
    resumed = Resumed(at=at("11:00"), intervention="i2", stopped_s=3600.0)
    moved = EndMoved(end_at=at("12:10"), intervention="i2")
    given(DECIDER, *called_off, reopened).when(resume).then(resumed, moved)
    given(DECIDER, *SUBMITTED).when(reopen).refused("submitted cannot be reopened")


def test_who_was_cut_off_until_the_end_goes_on_with_what_was_left_when_they_were_lost() -> None:
    reopen = Reopen(at=at("12:10"), by="kim", reason=private("The power was cut."))
    reopened = Reopened(at=at("12:10"), by="kim", reason=reopen.reason, since=at("11:00"), fault_since=at("11:00"))
    given(DECIDER, *OVER["ended in fault"]).when(reopen).then(reopened)
    back = ConnectionRestored(at=at("12:15"), track="camera", away_s=4500.0)
    resumed = Resumed(at=at("12:20"), intervention="i2", stopped_s=4800.0)
    moved = EndMoved(end_at=at("12:30"), intervention="i2")
    history = (*OVER["ended in fault"], reopened, back)
    given(DECIDER, *history).when(Resume(at=at("12:20"), intervention="i2")).then(resumed, moved)
    given(DECIDER, *history, resumed, moved).when(_expire("12:29")).then_nothing()


def test_what_was_given_back_within_a_fault_is_not_given_back_again_when_the_session_is_reopened() -> None:
    """Cut off at 10:00 with 70 minutes left; twenty of them stood, and the time ran out at 11:30."""
    history = (
        *RUNNING,
        ConnectionLost(at=at("10:00"), track="camera", why="no packets"),
        Paused(at=at("10:10"), intervention="i1"),
    )
    resumed = Resumed(at=at("10:30"), intervention="i2", stopped_s=1200.0)
    history = (*history, resumed, Ended(at=at("12:00"), why="fault"))
    reopen = Reopen(at=at("12:10"), by="kim", reason=private("The power was cut."))
    reopened = Reopened(at=at("12:10"), by="kim", reason=reopen.reason, since=at("10:20"), fault_since=at("10:00"))
    given(DECIDER, *history).when(reopen).then(reopened)
    back = ConnectionRestored(at=at("12:15"), track="camera", away_s=8100.0)
    on = given(DECIDER, *history, reopened, back, Resumed(at=at("12:20"), intervention="i3", stopped_s=7200.0)).state
    assert on.started_at
    assert on.started_at + timedelta(seconds=on.duration_s + on.stopped_s) == at("13:30")


def test_what_was_made_up_to_who_was_cut_off_is_not_given_back_again() -> None:
    """Cut off at 11:00 with ten minutes left, and given ten more at 11:20, ten after the time had run out."""
    extended = TimeExtended(seconds=600, intervention="i1", made_up_s=600.0)
    history = (*RUNNING, ConnectionLost(at=at("11:00"), track="camera", why="no packets"), extended)
    assert given(DECIDER, *history).state.due_at == at("11:30")
    history = (*history, Ended(at=at("12:00"), why="fault"))
    reopen = Reopen(at=at("12:10"), by="kim", reason=private("The power was cut."))
    reopened = Reopened(at=at("12:10"), by="kim", reason=reopen.reason, since=at("11:10"), fault_since=at("11:00"))
    given(DECIDER, *history).when(reopen).then(reopened)


@pytest.mark.parametrize("what", ["front_door", "page", "database"])
def test_nobody_is_handed_in_while_their_page_does_not_reach_us(what: str) -> None:
    opened = FaultOpened(what=what, why="nobody answers", since=at("11:00"))
    cut_off = (*RUNNING, opened)
    given(DECIDER, *cut_off).when(_expire("11:10")).then_nothing()
    given(DECIDER, *cut_off).when(_expire("12:00")).then(Ended(at=at("12:00"), why="fault"))
    back = (*cut_off, FaultClosed(what=what, since=at("11:20")))
    given(DECIDER, *back).when(_expire("11:21")).then_nothing()
    given(DECIDER, *back).when(_expire("11:22")).then(Submitted(at=at("11:22"), by="clock"))


def test_a_fault_in_which_the_page_reaches_us_holds_up_no_clock() -> None:
    opened = FaultOpened(what="detectors", why="nobody looks", since=at("11:00"))
    given(DECIDER, *RUNNING, opened).when(_expire("11:10")).then(Submitted(at=at("11:10"), by="clock"))
