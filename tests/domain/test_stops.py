"""Pauses, locks and breaks: what stops a session when, what the clock makes of it, and what two who act at once get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.accommodation import Accommodated, Accommodation
from domain.bringing_back import Reinstated
from domain.event import Command
from domain.fault import ConnectionLost
from domain.phase import RUNNING as RUNNING_PHASES
from domain.session import Ended, EndMoved, Paused, Resumed, SessionEvent, Submitted, Terminated
from domain.session_rules import DECIDER, Expire, ExtendTime, Reinstate, Submit, Terminate
from domain.stop_rules import Pause, Resume
from domain.stops import (
    AskForBreak,
    BreakEnded,
    BreakRequestClosed,
    BreakRequested,
    BreakStarted,
    CloseBreakRequest,
    ComeBack,
    Lock,
    Locked,
    StartBreak,
    Unlock,
    Unlocked,
    ran,
)
from tests.domain.given import given
from tests.domain.hall import WINDOW, at, private
from tests.domain.sitting import EXPECTED, OVER, PAUSED, READY, RUNNING, START, STARTED, TERMINATED

LOCKED: tuple[SessionEvent, ...] = (*RUNNING, Locked(at=at("10:00"), intervention="i1"))
LOCKED_OVER_PAUSE: tuple[SessionEvent, ...] = (*PAUSED, Locked(at=at("10:10"), intervention="i2"))
COMFORT: tuple[SessionEvent, ...] = (
    *RUNNING, BreakStarted(at=at("10:00"), kind="comfort", until=at("10:05"), intervention="i1")
)  # fmt: skip
REST: tuple[SessionEvent, ...] = (
    *RUNNING, BreakStarted(at=at("10:00"), kind="rest", until=at("10:15"), intervention="i1")
)  # fmt: skip
STOPPED = {"in_progress": RUNNING, "paused": PAUSED, "locked": LOCKED, "on_break": COMFORT}

LATER = at("10:20")
PAUSE, RESUME = Pause(at=LATER, intervention="i7"), Resume(at=LATER, intervention="i7")
LOCK, UNLOCK = Lock(at=LATER, intervention="i7"), Unlock(at=LATER, intervention="i7")
BREAK = StartBreak(at=LATER, kind="rest", seconds=600, intervention="i7")
ASK, BACK = AskForBreak(at=LATER, kind="comfort"), ComeBack(at=LATER)

# The whole table: where each command leads from each phase; a text is in the rule that refuses it.
TABLE: dict[tuple[Command, str], str] = {
    (PAUSE, "in_progress"): "paused", (PAUSE, "paused"): "paused",
    (PAUSE, "locked"): "unlock it", (PAUSE, "on_break"): "paused",
    (RESUME, "in_progress"): "in_progress", (RESUME, "paused"): "in_progress",
    (RESUME, "locked"): "unlock it", (RESUME, "on_break"): "in_progress",
    (LOCK, "in_progress"): "locked", (LOCK, "paused"): "locked", (LOCK, "locked"): "locked",
    (LOCK, "on_break"): "locked",
    (UNLOCK, "in_progress"): "in_progress", (UNLOCK, "paused"): "resume it",
    (UNLOCK, "locked"): "in_progress", (UNLOCK, "on_break"): "on a break",
    (BREAK, "in_progress"): "on_break", (BREAK, "paused"): "resume it",
    (BREAK, "locked"): "unlock it", (BREAK, "on_break"): "on a break",
    (ASK, "in_progress"): "in_progress", (ASK, "paused"): "is paused",
    (ASK, "locked"): "is locked", (ASK, "on_break"): "on_break",
    (BACK, "in_progress"): "in_progress", (BACK, "paused"): "paused",
    (BACK, "locked"): "locked", (BACK, "on_break"): "in_progress",
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "phase"), TABLE, ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_each_command_leads_from_each_phase_where_the_table_says(command: Command, phase: str) -> None:
    assert STOPPED.keys() == RUNNING_PHASES
    leads = TABLE[command, phase]
    before = given(DECIDER, *STOPPED[phase])
    answer = before.when(command)  # type: ignore[arg-type]
    if leads in STOPPED:
        answer.then(*answer.events)
        after = given(DECIDER, *STOPPED[phase], *answer.events)  # type: ignore[arg-type]
        assert after.state.phase == leads
        after.when(command).then_nothing()  # type: ignore[arg-type]
    else:
        answer.refused(leads)


@pytest.mark.parametrize("command", [PAUSE, RESUME, LOCK, UNLOCK, BREAK, ASK], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("before", [EXPECTED, READY, *OVER.values()])
def test_only_a_session_under_way_is_stopped(command: Command, before: tuple[SessionEvent, ...]) -> None:
    phase = given(DECIDER, *before).state.phase.replace("_", " ")
    given(DECIDER, *before).when(command).refused(f"a session that is {phase} cannot be")  # type: ignore[arg-type]


# A lock.


def test_the_clock_stands_while_a_session_is_locked_and_takes_nothing_away() -> None:
    off = Unlocked(at=at("10:20"), intervention="i7", stopped_s=1200.0, to="in_progress")
    given(DECIDER, *LOCKED).when(UNLOCK).then(off)
    assert given(DECIDER, *LOCKED).state.due_at is None
    assert given(DECIDER, *LOCKED, off).state.due_at == at("11:30")


def test_unlocking_moves_the_end_where_the_time_would_not_fit() -> None:
    off = Unlocked(at=at("11:55"), intervention="i7", stopped_s=6900.0, to="in_progress")
    moved = EndMoved(end_at=at("13:05"), intervention="i7")
    given(DECIDER, *LOCKED).when(Unlock(at=at("11:55"), intervention="i7")).then(off, moved)
    assert given(DECIDER, *LOCKED, off, moved).state.due_at == at("13:05")


def test_a_lock_lies_over_a_pause_which_stays_when_it_is_unlocked() -> None:
    given(DECIDER, *PAUSED).when(LOCK).then(Locked(at=LATER, intervention="i7"))
    given(DECIDER, *LOCKED_OVER_PAUSE).when(RESUME).refused("unlock it")
    off = Unlocked(at=LATER, intervention="i7", stopped_s=0.0, to="paused")
    given(DECIDER, *LOCKED_OVER_PAUSE).when(UNLOCK).then(off)
    state = given(DECIDER, *LOCKED_OVER_PAUSE, off).state
    assert (state.phase, state.stopped_since) == ("paused", at("10:00"))
    given(DECIDER, *LOCKED_OVER_PAUSE, off).when(Resume(at=at("10:30"), intervention="i8")).then(
        Resumed(at=at("10:30"), intervention="i8", stopped_s=1800.0)
    )


def test_a_second_lock_after_that_knows_nothing_of_the_pause_before() -> None:
    off = Unlocked(at=LATER, intervention="i3", stopped_s=0.0, to="paused")
    on = Resumed(at=at("10:30"), intervention="i4", stopped_s=1800.0)
    again = Locked(at=at("10:40"), intervention="i5")
    history = (*LOCKED_OVER_PAUSE, off, on, again)
    given(DECIDER, *history).when(Unlock(at=at("10:45"), intervention="i6")).then(
        Unlocked(at=at("10:45"), intervention="i6", stopped_s=300.0, to="in_progress")
    )


# Breaks.


def test_on_a_comfort_break_the_clock_runs() -> None:
    assert given(DECIDER, *COMFORT).state.due_at == at("11:10")
    back = BreakEnded(at=at("10:04"), why="back", stopped_s=0.0, over_s=0.0)
    given(DECIDER, *COMFORT).when(ComeBack(at=at("10:04"))).then(back)
    assert given(DECIDER, *COMFORT, back).state.due_at == at("11:10")


def test_on_a_rest_break_the_clock_stands_and_what_is_due_moves() -> None:
    assert given(DECIDER, *REST).state.due_at == at("11:25")
    back = BreakEnded(at=at("10:10"), why="back", stopped_s=600.0, over_s=0.0)
    given(DECIDER, *REST).when(ComeBack(at=at("10:10"))).then(back)
    assert given(DECIDER, *REST, back).state.due_at == at("11:20")


def test_a_rest_break_that_takes_longer_stops_the_clock_only_for_what_was_allowed() -> None:
    back = BreakEnded(at=at("10:40"), why="back", stopped_s=900.0, over_s=1500.0)
    given(DECIDER, *REST).when(ComeBack(at=at("10:40"))).then(back)
    assert given(DECIDER, *REST, back).state.due_at == at("11:25")


def test_a_rest_break_gives_a_late_starter_no_more_and_no_less_than_it_took() -> None:
    late = (*READY, replace(STARTED, at=at("10:30")))
    taken = BreakStarted(at=at("11:00"), kind="rest", until=at("11:15"), intervention="i1")
    assert given(DECIDER, *late, taken).state.due_at == at("12:15")
    back = BreakEnded(at=at("11:02"), why="back", stopped_s=120.0, over_s=0.0)
    moved = EndMoved(end_at=at("12:02"), intervention="")
    given(DECIDER, *late, taken).when(ComeBack(at=at("11:02"))).then(back, moved)
    assert given(DECIDER, *late, taken, back, moved).state.due_at == at("12:02")


def test_a_lock_and_a_pause_end_a_break_and_give_back_what_the_clock_stood() -> None:
    ended = BreakEnded(at=at("10:10"), why="locked", stopped_s=600.0, over_s=0.0, intervention="i7")
    lock = Lock(at=at("10:10"), intervention="i7")
    given(DECIDER, *REST).when(lock).then(ended, Locked(at=at("10:10"), intervention="i7"))
    pause = Pause(at=at("10:10"), intervention="i7")
    given(DECIDER, *REST).when(pause).then(replace(ended, why="paused"), Paused(at=at("10:10"), intervention="i7"))
    paused = (*REST, replace(ended, why="paused"), Paused(at=at("10:10"), intervention="i7"))
    resumed = Resumed(at=at("10:20"), intervention="i8", stopped_s=600.0)
    given(DECIDER, *paused).when(Resume(at=at("10:20"), intervention="i8")).then(resumed)
    assert given(DECIDER, *paused, resumed).state.due_at == at("11:30")


def test_extra_time_fits_during_a_rest_break_as_it_does_after_it() -> None:
    fits, too_much = (ExtendTime(at=at("10:10"), seconds=60 * m, intervention="i3") for m in (40, 41))
    assert len(given(DECIDER, *REST).when(fits).events) == 1
    given(DECIDER, *REST).when(too_much).refused("41 minutes do not fit; 40 minutes would", field="minutes")
    overrun = replace(too_much, at=at("10:50"), seconds=60 * 36)
    given(DECIDER, *REST).when(overrun).refused("36 minutes do not fit; 35 minutes would", field="minutes")


def test_an_invigilator_calls_somebody_back() -> None:
    back = BreakEnded(at=LATER, why="called_back", stopped_s=900.0, over_s=300.0, intervention="i7")
    given(DECIDER, *REST).when(RESUME).then(back)


def test_the_same_break_twice_is_one_and_another_is_refused() -> None:
    again = StartBreak(at=at("10:01"), kind="rest", seconds=900, intervention="i8")
    given(DECIDER, *REST).when(again).then_nothing()
    given(DECIDER, *REST).when(replace(again, seconds=1800)).refused("on a break")
    given(DECIDER, *REST).when(replace(again, kind="comfort")).refused("on a break")


def test_a_break_says_how_long_it_may_take_and_is_not_for_who_has_no_time_left() -> None:
    given(DECIDER, *RUNNING).when(replace(BREAK, seconds=0)).refused("how many", field="minutes", kind="invalid")
    given(DECIDER, *RUNNING).when(replace(BREAK, at=at("11:10"))).refused("the time is up")


def test_a_candidate_asks_for_a_break_and_an_invigilator_gives_it() -> None:
    asked = BreakRequested(at=LATER, kind="comfort")
    given(DECIDER, *RUNNING).when(ASK).then(asked)
    given(DECIDER, *RUNNING, asked).when(ASK).then_nothing()
    given(DECIDER, *RUNNING, asked).when(replace(ASK, kind="rest")).then(BreakRequested(at=LATER, kind="rest"))
    started = BreakStarted(at=LATER, kind="rest", until=at("10:30"), intervention="i7")
    given(DECIDER, *RUNNING, asked).when(BREAK).then(started)
    assert given(DECIDER, *RUNNING, asked, started).state.break_asked is None


def test_a_request_for_a_break_is_taken_back_or_turned_down() -> None:
    asked = BreakRequested(at=LATER, kind="comfort")
    close = CloseBreakRequest(at=at("10:21"), by="kim", why="turned_down")
    closed = BreakRequestClosed(at=at("10:21"), by="kim", why="turned_down")
    given(DECIDER, *RUNNING, asked).when(close).then(closed)
    given(DECIDER, *RUNNING, asked, closed).when(close).then_nothing()
    handed_in = Submitted(at=at("10:20"), by="candidate")
    given(DECIDER, *RUNNING, asked, handed_in).when(close).then_nothing()  # it has no object any more


def test_a_rest_break_that_was_granted_beforehand_begins_without_asking_until_it_is_used_up() -> None:
    allowed = Accommodated(at=at("8:00"), accommodation=Accommodation(rest_break_minutes=20))
    running = (*READY, allowed, STARTED)
    rest = AskForBreak(at=at("10:00"), kind="rest")
    started = BreakStarted(at=at("10:00"), kind="rest", until=at("10:20"))
    given(DECIDER, *running).when(rest).then(started)
    given(DECIDER, *running).when(replace(rest, kind="comfort")).then(BreakRequested(at=at("10:00"), kind="comfort"))
    back = BreakEnded(at=at("10:12"), why="back", stopped_s=720.0, over_s=0.0)
    second = BreakStarted(at=at("10:30"), kind="rest", until=at("10:38"))
    given(DECIDER, *running, started, back).when(replace(rest, at=at("10:30"))).then(second)
    overrun = BreakEnded(at=at("10:45"), why="back", stopped_s=480.0, over_s=420.0)
    used_up = (*running, started, back, second, overrun)
    given(DECIDER, *used_up).when(replace(rest, at=at("10:50"))).then(BreakRequested(at=at("10:50"), kind="rest"))


def test_who_starts_late_has_rest_breaks_to_rest_and_no_longer_to_write() -> None:
    allowed = Accommodated(at=at("8:00"), accommodation=Accommodation(rest_break_minutes=20))
    start = replace(START, at=at("10:30"), last_entry_at=at("11:00"))
    started = given(DECIDER, *READY, allowed).when(start).events
    assert given(DECIDER, *READY, allowed, *started).state.due_at == at("12:00")  # type: ignore[arg-type]
    taken = BreakStarted(at=at("11:00"), kind="rest", until=at("11:20"))
    history = (*READY, allowed, *started, taken)
    back = given(DECIDER, *history).when(ComeBack(at=at("11:30"))).events  # type: ignore[arg-type]
    assert given(DECIDER, *history, *back).state.due_at == at("12:20")  # type: ignore[arg-type]


def test_a_rest_break_that_an_invigilator_gives_takes_nothing_of_what_was_granted() -> None:
    allowed = Accommodated(at=at("8:00"), accommodation=Accommodation(rest_break_minutes=20))
    given_ = BreakStarted(at=at("9:30"), kind="rest", until=at("9:40"), intervention="i1")
    back = BreakEnded(at=at("9:40"), why="back", stopped_s=600.0, over_s=0.0)
    rest = AskForBreak(at=at("10:00"), kind="rest")
    given(DECIDER, *READY, allowed, STARTED, given_, back).when(rest).then(
        BreakStarted(at=at("10:00"), kind="rest", until=at("10:20"))
    )


# No session expires silently.


def _expire(clock: str) -> Expire:
    return Expire(at=at(clock), last_entry_at=WINDOW.last_entry_at, closes_at=WINDOW.closes_at)


@pytest.mark.parametrize("before", [PAUSED, LOCKED, LOCKED_OVER_PAUSE])
def test_no_session_expires_while_it_is_paused_or_locked(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(_expire("15:00")).then_nothing()


def test_nobody_is_handed_in_on_a_rest_break_before_all_of_it_has_been_given_back() -> None:
    long = (*RUNNING, BreakStarted(at=at("11:00"), kind="rest", until=at("13:00"), intervention="i1"))
    given(DECIDER, *long).when(_expire("13:09")).then_nothing()
    ended = BreakEnded(at=at("13:10"), why="session_over", stopped_s=7200.0, over_s=600.0)
    moved = EndMoved(end_at=at("13:10"), intervention="")
    given(DECIDER, *long).when(_expire("13:10")).then(ended, moved, Submitted(at=at("13:10"), by="clock"))


def test_who_is_cut_off_on_a_rest_break_is_waited_for_as_long() -> None:
    long = BreakStarted(at=at("11:00"), kind="rest", until=at("13:00"), intervention="i1")
    lost = (*RUNNING, long, ConnectionLost(at=at("11:30"), track="camera", why="no packets"))
    given(DECIDER, *lost).when(_expire("13:09")).then_nothing()
    assert given(DECIDER, *lost).when(_expire("13:10")).events[-1] == Ended(at=at("13:10"), why="fault")


def test_on_a_comfort_break_the_time_runs_out_as_it_does_without_one() -> None:
    given(DECIDER, *COMFORT).when(_expire("11:09")).then_nothing()
    ended = BreakEnded(at=at("11:10"), why="session_over", stopped_s=0.0, over_s=3900.0)
    given(DECIDER, *COMFORT).when(_expire("11:10")).then(ended, Submitted(at=at("11:10"), by="clock"))


@pytest.mark.parametrize("before", [LOCKED, REST])
def test_a_schedule_that_is_called_off_ends_also_who_is_locked_or_on_a_break(before: tuple[SessionEvent, ...]) -> None:
    called_off = replace(_expire("10:05"), called_off=True)
    state = given(DECIDER, *before, *given(DECIDER, *before).when(called_off).events).state  # type: ignore[arg-type]
    assert (state.phase, state.on_break, state.ended_at) == ("ended_in_fault", None, at("10:05"))


@pytest.mark.parametrize("before", STOPPED.values())
def test_whoever_wants_to_hand_in_may(before: tuple[SessionEvent, ...]) -> None:
    assert given(DECIDER, *before).when(Submit(at=LATER)).events[-1] == Submitted(at=LATER, by="candidate")


# A termination, and taking it back.


@pytest.mark.parametrize("before", STOPPED.values())
def test_a_session_is_terminated_from_wherever_it_is(before: tuple[SessionEvent, ...]) -> None:
    order = Terminate(at=LATER, intervention="i9", reason=private("?"))
    end = given(DECIDER, *before).when(order).events[-1]
    assert end == Terminated(at=LATER, intervention="i9", reason=private("?"))


def test_a_termination_is_taken_back_with_the_time_that_was_left() -> None:
    terminated = (*RUNNING, TERMINATED)
    order = Reinstate(at=at("10:30"), by="lee", reason=private("It was a calculator."))
    back = Reinstated(at=at("10:30"), by="lee", reason=order.reason, since=at("10:00"))
    given(DECIDER, *terminated).when(order).then(back)
    given(DECIDER, *terminated, back).when(order).then_nothing()
    state = given(DECIDER, *terminated, back).state
    assert (state.phase, state.ended_at, state.reopened) == ("paused", None, 1)
    resumed = Resumed(at=at("10:40"), intervention="i2", stopped_s=2400.0)
    given(DECIDER, *terminated, back).when(Resume(at=at("10:40"), intervention="i2")).then(resumed)
    assert given(DECIDER, *terminated, back, resumed).state.due_at == at("11:50")


def test_who_was_locked_when_they_were_terminated_gets_that_time_back_too() -> None:
    end = Terminated(at=at("10:30"), intervention="i9", reason=private("?"))
    order = Reinstate(at=at("11:00"), by="lee", reason=private("!"))
    given(DECIDER, *LOCKED, end).when(order).then(
        Reinstated(at=at("11:00"), by="lee", reason=private("!"), since=at("10:00"))
    )


@pytest.mark.parametrize("end", [end for end in OVER if end != "terminated"])
def test_only_a_termination_is_taken_back(end: str) -> None:
    order = Reinstate(at=at("13:00"), by="lee", reason=private("!"))
    given(DECIDER, *OVER[end]).when(order).refused("cannot be reinstated")
    given(DECIDER, *EXPECTED).when(order).refused("cannot be reinstated")


# What is observed.


@pytest.mark.parametrize("stop", [LOCKED, COMFORT, REST, PAUSED])
def test_nothing_that_is_seen_during_a_stop_counts_not_even_when_it_is_told_afterwards(
    stop: tuple[SessionEvent, ...],
) -> None:
    goes_on: dict[str, Callable[[], Command]] = {
        "locked": lambda: UNLOCK, "on_break": lambda: BACK, "paused": lambda: RESUME,
    }  # fmt: skip
    state = given(DECIDER, *stop).state
    after = given(DECIDER, *stop, *given(DECIDER, *stop).when(goes_on[state.phase]()).events).state  # type: ignore[arg-type]
    for one in (state, after):
        assert ran(one, at("9:59"))
        assert not ran(one, at("10:00"))
        assert not ran(one, at("10:19:59"))
    assert not ran(state, at("10:20"))
    assert ran(after, LATER)
    assert not ran(after, STARTED.at - timedelta(seconds=1))
