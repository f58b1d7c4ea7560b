"""An accommodation: granted or changed at any time, in force from then; time that was given is never taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.accommodation import Accommodated, Accommodation
from domain.accommodation_rules import NAME, Accommodate
from domain.event import Refused
from domain.granting import AccommodationGranted, AccommodationWithdrawn, Grant, WithdrawAccommodation, listed
from domain.schedule import DECIDER as SCHEDULE
from domain.session import EndMoved, Started, TimeExtended
from domain.session_rules import DECIDER
from tests.domain.given import given
from tests.domain.hall import TWO_HOURS, WINDOW, at, private
from tests.domain.sitting import EXPECTED, OVER, PAUSED, READY, RUNNING, START, STARTED, SUBMITTED
from tests.domain.test_schedule import CREATED

QUARTER = Accommodation(extra_time_percent=25, rest_break_minutes=10)
GRANT = Grant(session="s1", accommodation=QUARTER, objects=private("a glucose meter"))
GRANTED = AccommodationGranted(session="s1", accommodation=QUARTER, objects=private("a glucose meter"))
ALLOW = Accommodate(at=at("8:00"), accommodation=QUARTER)
ALLOWED = Accommodated(at=at("8:00"), accommodation=QUARTER)
HALF_HOUR = 1800


def test_a_planner_grants_changes_and_withdraws() -> None:
    given(SCHEDULE, CREATED).when(GRANT).then(GRANTED)
    given(SCHEDULE, CREATED, GRANTED).when(GRANT).then_nothing()
    more = Accommodation(extra_time_percent=50)
    given(SCHEDULE, CREATED, GRANTED).when(Grant(session="s1", accommodation=more)).then(
        AccommodationGranted(session="s1", accommodation=more)
    )
    withdrawn = AccommodationWithdrawn(session="s1")
    given(SCHEDULE, CREATED, GRANTED).when(WithdrawAccommodation(session="s1")).then(withdrawn)
    given(SCHEDULE, CREATED, GRANTED, withdrawn).when(WithdrawAccommodation(session="s1")).then_nothing()


@pytest.mark.parametrize(
    ("accommodation", "field", "rule"),
    [
        (Accommodation(extra_time_percent=25, extra_time_minutes=30), "extra_time_minutes", "not both"),
        (Accommodation(people=("reader", "reader")), "people", "once"),
        (Accommodation(muted=("out_of_view", "out_of_view")), "muted", "once"),
        (Accommodation(), "accommodation", "withdraw"),
    ],
)
def test_what_contradicts_itself_is_refused(accommodation: Accommodation, field: str, rule: str) -> None:
    grant = Grant(session="s1", accommodation=accommodation)
    given(SCHEDULE, CREATED).when(grant).refused(rule, field=field, kind="invalid")


def test_objects_are_kept_one_a_line() -> None:
    assert listed(()) == ""
    assert listed(("a cushion", "water")) == "a cushion\nwater"
    for wrong, rule in ((("x",) * 11, "at most 10"), (("x" * 101,), "100 char"), ((" ",), "line"), (("a\nb",), "line")):
        with pytest.raises(Refused, match=rule):
            listed(wrong)


def test_extra_time_is_added_at_the_start_and_the_end_lies_as_much_later() -> None:
    end_at = WINDOW.closes_at + timedelta(minutes=30)
    extra = TimeExtended(seconds=HALF_HOUR, intervention=NAME)
    given(DECIDER, *READY, ALLOWED).when(START).then(replace(STARTED, end_at=end_at), extra)
    state = given(DECIDER, *READY, ALLOWED, replace(STARTED, end_at=end_at), extra).state
    assert state.due_at == at("9:10") + timedelta(seconds=TWO_HOURS + HALF_HOUR)
    assert (state.allowed.extra_s, state.allowed.rest_s) == (HALF_HOUR, 600)


def test_who_starts_without_one_starts_as_ever() -> None:
    given(DECIDER, *READY).when(START).then(STARTED)


def test_an_accommodation_asks_for_no_new_notice() -> None:
    answer = given(DECIDER, *READY, ALLOWED).when(START)
    assert isinstance(answer.events[0], Started)


def test_a_running_session_gets_its_time_at_once_and_its_end_moves() -> None:
    told = Accommodated(at=at("10:00"), accommodation=QUARTER)
    given(DECIDER, *RUNNING).when(replace(ALLOW, at=at("10:00"))).then(
        told,
        EndMoved(end_at=at("12:00") + timedelta(minutes=30), intervention=NAME),
        TimeExtended(seconds=HALF_HOUR, intervention=NAME),
    )


def test_rest_breaks_alone_move_nothing_until_they_are_taken() -> None:
    rest = Accommodation(rest_break_minutes=15)
    told = Accommodated(at=at("10:00"), accommodation=rest)
    given(DECIDER, *RUNNING).when(Accommodate(at=at("10:00"), accommodation=rest)).then(told)
    state = given(DECIDER, *RUNNING, told).state
    assert (state.allowed.rest_s, state.end_at) == (900, at("12:00"))


def _after(*commands: Accommodate) -> tuple[object, ...]:
    state = given(DECIDER, *RUNNING).state
    told: list[object] = []
    for command in commands:
        events = DECIDER.decide(command, state)
        told += events
        for event in events:
            state = DECIDER.evolve(state, event)
    return (*told, state)


def test_less_takes_nothing_back_and_more_gives_the_difference() -> None:
    minutes = [Accommodate(at=at(f"10:0{n}"), accommodation=Accommodation(extra_time_minutes=m))
               for n, m in enumerate((30, 10, 20, 45))]  # fmt: skip
    *told, state = _after(*minutes)
    assert [event.seconds for event in told if isinstance(event, TimeExtended)] == [1800, 900]
    assert state.extra_s == state.allowed.extra_s == 2700  # type: ignore[attr-defined]


def test_withdrawn_it_allows_nothing_more_and_leaves_the_time() -> None:
    *told, state = _after(
        Accommodate(at=at("10:00"), accommodation=QUARTER), Accommodate(at=at("10:05"), accommodation=Accommodation())
    )
    assert told[-1] == Accommodated(at=at("10:05"), accommodation=Accommodation())
    assert state.allowed.accommodation == Accommodation()  # type: ignore[attr-defined]
    assert state.extra_s == HALF_HOUR  # type: ignore[attr-defined]


def test_a_session_that_is_paused_gets_it_too() -> None:
    answer = given(DECIDER, *PAUSED).when(replace(ALLOW, at=at("10:10")))
    assert TimeExtended(seconds=HALF_HOUR, intervention=NAME) in answer.events


def test_said_twice_it_happens_once_also_after_the_end() -> None:
    given(DECIDER, *EXPECTED).when(ALLOW).then(ALLOWED)
    given(DECIDER, *EXPECTED, ALLOWED).when(replace(ALLOW, at=at("8:30"))).then_nothing()
    given(DECIDER, *SUBMITTED[:1], ALLOWED, *SUBMITTED[1:]).when(replace(ALLOW, at=at("12:30"))).then_nothing()


@pytest.mark.parametrize("phase", OVER)
def test_nothing_can_be_allowed_in_a_session_that_is_over(phase: str) -> None:
    given(DECIDER, *OVER[phase]).when(ALLOW).refused(phase, field="session")


def test_a_late_starter_gets_by_it_what_they_would_have_started_with() -> None:
    late = replace(STARTED, at=at("10:30"))
    told = Accommodated(at=at("11:00"), accommodation=QUARTER)
    answer = given(DECIDER, *READY, late).when(replace(ALLOW, at=at("11:00")))
    moved = EndMoved(end_at=at("12:00") + timedelta(minutes=30), intervention=NAME)
    answer.then(told, moved, TimeExtended(seconds=HALF_HOUR, intervention=NAME))
    assert given(DECIDER, *READY, late, *answer.events).state.due_at == at("12:30")
