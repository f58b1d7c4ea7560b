"""Detectors that stay silent: for everyone from a moment on, or for who is accommodated."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.accommodation import Accommodated, Accommodation
from domain.muting import (
    DetectorMuted,
    DetectorSwitchedOff,
    DetectorSwitchedOn,
    Mute,
    MuteDetector,
    SwitchDetector,
    listens,
    mutes,
)
from domain.policy import DetectorSetting, Policy
from domain.schedule import DECIDER as SCHEDULE
from domain.schedule import PolicySet
from domain.session import SessionEvent
from domain.session_rules import DECIDER
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.sitting import EXPECTED, PAUSED, READY, RUNNING, START, STARTED, SUBMITTED
from tests.domain.test_schedule import CREATED

OFF = SwitchDetector(at=at("10:00"), kind="several_people", on=False, reason="Posters on the wall.")
ON = replace(OFF, on=True)
IS_OFF = DetectorSwitchedOff(at=at("10:00"), kind="several_people", reason="Posters on the wall.")
MUTE = MuteDetector(at=at("10:00"), kind="several_people")
MUTED = DetectorMuted(at=at("10:00"), kind="several_people")


def test_a_planner_switches_a_detector_off_once_and_on_again_for_later_starters() -> None:
    given(SCHEDULE, CREATED).when(OFF).then(IS_OFF)
    given(SCHEDULE, CREATED, IS_OFF).when(OFF).then_nothing()
    given(SCHEDULE, CREATED).when(ON).then_nothing()
    given(SCHEDULE, CREATED, IS_OFF).when(ON).then(DetectorSwitchedOn(kind="several_people"))
    given(SCHEDULE, CREATED, IS_OFF, DetectorSwitchedOn(kind="several_people")).when(OFF).then(IS_OFF)


def test_it_is_a_detector_of_the_policy_and_has_a_reason() -> None:
    given(SCHEDULE, CREATED).when(replace(OFF, reason=" ")).refused("reason", field="reason", kind="invalid")
    without = PolicySet(policy=Policy(version=2, detectors=(DetectorSetting(kind="out_of_view"),)))
    given(SCHEDULE, CREATED, without).when(OFF).refused("does not have this detector", field="kind")


@pytest.mark.parametrize("so_far", [RUNNING, PAUSED])
def test_it_reaches_who_sits_the_exam_at_once_and_for_good(so_far: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *so_far).when(MUTE).then(MUTED)
    given(DECIDER, *so_far, MUTED).when(MUTE).then_nothing()


@pytest.mark.parametrize("so_far", [EXPECTED, READY, SUBMITTED])
def test_it_is_nothing_to_who_does_not_sit_it(so_far: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *so_far).when(MUTE).then_nothing()


def test_who_starts_later_starts_without_it() -> None:
    muted = replace(MUTED, at=START.at)
    given(DECIDER, *READY).when(replace(START, switched_off=("several_people",))).then(STARTED, muted)


def test_what_was_found_before_it_was_muted_counts_and_nothing_later() -> None:
    state = given(DECIDER, *RUNNING, MUTED).state
    assert listens(state, "several_people", at("9:59:59"))
    assert not listens(state, "several_people", at("10:00"))
    assert listens(state, "out_of_view", at("10:00"))


def test_somebody_who_may_be_there_mutes_what_says_that_there_is_somebody_else() -> None:
    with_reader = Accommodated(at=at("8:00"), accommodation=Accommodation(people=("reader",), muted=("out_of_view",)))
    state = given(DECIDER, *READY, with_reader).state
    mute = Mute(since=at("8:00"), why="accommodation")
    assert mutes(state) == {"out_of_view": mute, "several_people": mute, "voice": mute}
    changed = Accommodated(at=at("8:30"), accommodation=Accommodation(people=("reader",)))
    assert mutes(DECIDER.evolve(state, changed)) == {"several_people": mute, "voice": mute}  # since when it has been so


def test_it_says_since_when_and_why() -> None:
    assert mutes(given(DECIDER, *RUNNING, MUTED).state) == {
        "several_people": Mute(since=at("10:00"), why="switched_off")
    }
