"""The institution's own switch of each detector, and how it reaches sessions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.muting import DetectorMuted, Mute, MuteDetector, MuteEverywhere, listens, mutes
from domain.session import SessionEvent
from domain.session_rules import DECIDER as SESSION
from domain.switches import DECIDER, OffEverywhere, SwitchedOff, SwitchedOn, SwitchOff, SwitchOn
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.sitting import EXPECTED, PAUSED, READY, RUNNING, START, STARTED, SUBMITTED

OFF = SwitchOff(kind="several_people", at=at("10:00"), reason="It takes portraits for people.", by="kim")
IS_OFF = SwitchedOff(kind="several_people", at=at("10:00"), reason="It takes portraits for people.", by="kim")
ON = SwitchOn(kind="several_people", at=at("10:30"), by="lee")
IS_ON = SwitchedOn(kind="several_people", at=at("10:30"), by="lee")
MUTE = MuteEverywhere(at=at("10:00"), kind="several_people")
MUTED = DetectorMuted(at=at("10:00"), kind="several_people", why="switched_off_everywhere")


def test_a_detector_is_off_everywhere_until_it_is_on_again() -> None:
    given(DECIDER).when(OFF).then(IS_OFF)
    given(DECIDER, IS_OFF).when(replace(OFF, reason="Again.", by="lee")).then_nothing()
    given(DECIDER).when(ON).then_nothing()
    given(DECIDER, IS_OFF).when(ON).then(IS_ON)
    given(DECIDER, IS_OFF, IS_ON).when(ON).then_nothing()
    given(DECIDER, IS_OFF, IS_ON).when(OFF).then(IS_OFF)


def test_it_takes_a_reason() -> None:
    given(DECIDER).when(replace(OFF, reason=" ")).refused("reason", field="reason", kind="invalid")


def test_it_is_known_since_when_why_and_by_whom() -> None:
    (off,) = given(DECIDER, IS_OFF).state.off.values()
    assert off == OffEverywhere(since=at("10:00"), reason="It takes portraits for people.", by="kim")
    assert given(DECIDER, IS_OFF, IS_ON).state.off == {}


def test_it_is_silent_in_sessions_that_ran_and_in_those_that_start_while_it_is_off() -> None:
    off, on = given(DECIDER, IS_OFF).state, given(DECIDER, IS_OFF, IS_ON).state
    assert off.silent_since("several_people", at("9:00")) == at("10:00")
    assert off.silent_since("several_people", at("10:10")) == at("10:10")
    assert off.silent_since("out_of_view", at("9:00")) is None
    assert on.silent_since("several_people", at("9:00")) == at("10:00")  # for good there, also where nobody was told
    assert on.silent_since("several_people", at("10:40")) is None
    assert on.silent_since("several_people", at("10:00")) == at("10:00")  # who began at that very moment


@pytest.mark.parametrize("so_far", [RUNNING, PAUSED])
def test_who_sits_an_exam_is_told_once_and_for_good(so_far: tuple[SessionEvent, ...]) -> None:
    given(SESSION, *so_far).when(MUTE).then(MUTED)
    given(SESSION, *so_far, MUTED).when(MUTE).then_nothing()
    assert mutes(given(SESSION, *so_far, MUTED).state) == {
        "several_people": Mute(since=at("10:00"), why="switched_off_everywhere")
    }


@pytest.mark.parametrize("so_far", [EXPECTED, READY])
def test_who_has_not_started_is_told_at_the_start(so_far: tuple[SessionEvent, ...]) -> None:
    given(SESSION, *so_far).when(MUTE).then_nothing()


def test_who_handed_in_meanwhile_is_told_all_the_same_and_nobody_who_had_before() -> None:
    (ended,) = (event for event in SUBMITTED if event not in RUNNING)
    given(SESSION, *SUBMITTED).when(replace(MUTE, at=START.at)).then(replace(MUTED, at=START.at))
    given(SESSION, *SUBMITTED).when(replace(MUTE, at=ended.at)).then_nothing()  # type: ignore[union-attr]


def test_what_is_silent_already_or_no_part_of_the_policy_is_no_news() -> None:
    off = DetectorMuted(at=at("9:30"), kind="several_people")
    given(SESSION, *RUNNING, off).when(MUTE).then_nothing()
    given(SESSION, *RUNNING).when(replace(MUTE, kind="book")).then_nothing()


def test_the_schedules_own_switch_may_come_on_top() -> None:
    given(SESSION, *RUNNING, MUTED).when(MuteDetector(at=at("10:05"), kind="several_people")).then(
        DetectorMuted(at=at("10:05"), kind="several_people")
    )


def test_who_starts_later_starts_without_it() -> None:
    start = replace(START, off_everywhere=("several_people",))
    given(SESSION, *READY).when(start).then(STARTED, replace(MUTED, at=START.at))


def test_what_was_found_before_counts_and_nothing_later() -> None:
    state = given(SESSION, *RUNNING, MUTED).state
    assert listens(state, "several_people", at("9:59:59"))
    assert not listens(state, "several_people", at("10:00"))
