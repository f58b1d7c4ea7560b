"""The start PIN: made, taken away, typed rightly and wrongly."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain import schedule, session_rules
from domain.event import Private
from domain.session import PinRefused, SessionEvent
from domain.start_pin import FREE, LONGEST_S, PinGenerated, PinRemoved, SetPin, TryPin, waits_until
from tests.domain.given import given
from tests.domain.hall import NINE, at
from tests.domain.sitting import EXPECTED, READY, RUNNING, SUBMITTED
from tests.domain.test_schedule import CREATED

DECIDER = session_rules.DECIDER
RIGHT, WRONG, NONE = (TryPin(at=at("9:10"), right=right) for right in (True, False, None))
FIVE = (PinRefused(at=at("9:10")),) * FREE


def pin(text: str | None) -> Private:
    return Private("algebra", text, key_class="notes")


def test_a_schedule_gets_a_pin_and_another_one_and_none() -> None:
    first, second = PinGenerated(pin=pin("012345")), PinGenerated(pin=pin("999999"))
    given(schedule.DECIDER, CREATED).when(SetPin(pin=pin("012345"))).then(first)
    given(schedule.DECIDER, CREATED, first).when(SetPin(pin=pin("012345"))).then_nothing()
    given(schedule.DECIDER, CREATED, first).when(SetPin(pin=pin("999999"))).then(second)
    given(schedule.DECIDER, CREATED, first, second).when(SetPin(pin=None)).then(PinRemoved())
    given(schedule.DECIDER, CREATED).when(SetPin(pin=None)).then_nothing()


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "１２３４５６", None])
def test_a_pin_has_six_digits(text: str | None) -> None:
    given(schedule.DECIDER, CREATED).when(SetPin(pin=pin(text))).refused("6 digits", field="pin", kind="invalid")


def test_a_schedule_that_is_over_gets_no_pin() -> None:
    over = (CREATED, schedule.Cancelled(reason="flood"))
    given(schedule.DECIDER, *over).when(SetPin(pin=pin("012345"))).refused("can no longer change")


def test_the_right_pin_leaves_no_trace_and_a_wrong_one_is_noted_without_its_digits() -> None:
    given(DECIDER, *READY).when(RIGHT).then_nothing()
    given(DECIDER, *READY).when(WRONG).then(PinRefused(at=at("9:10")))
    assert PinRefused.__struct_fields__ == ("at",)


def test_who_types_no_pin_is_asked_for_it_and_nothing_is_noted() -> None:
    given(DECIDER, *READY).when(NONE).refused("6-digit PIN", field="pin", kind="invalid")


@pytest.mark.parametrize("command", [RIGHT, WRONG, NONE])
@pytest.mark.parametrize("before", [RUNNING, SUBMITTED])
def test_who_has_started_is_asked_no_more(before: tuple[SessionEvent, ...], command: TryPin) -> None:
    given(DECIDER, *before).when(command).then_nothing()


@pytest.mark.parametrize("command", [RIGHT, WRONG, NONE])
def test_after_five_wrong_ones_even_the_right_pin_waits(command: TryPin) -> None:
    given(DECIDER, *READY, *FIVE).when(command).refused("wrong too often", field="pin")
    given(DECIDER, *READY, *FIVE[1:]).when(RIGHT).then_nothing()
    given(DECIDER, *READY, *FIVE).when(TryPin(at=at("9:10:30"), right=True)).then_nothing()


def test_the_wait_grows_and_is_never_longer_than_five_minutes() -> None:
    waits = []
    for wrong in range(FREE - 1, 60):
        state = DECIDER.initial
        for event in (*EXPECTED, *[PinRefused(at=NINE)] * wrong):
            state = DECIDER.evolve(state, event)
        waits.append((waits_until(state) or NINE) - NINE)
    assert [wait.total_seconds() for wait in waits[:6]] == [0, 30, 60, 120, 240, 300]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(seconds=LONGEST_S)
