"""A check is waived: who has failed just that one goes on, nobody waits for its track, and what it shows is muted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.fault import ConnectionLost, LoseConnection
from domain.muting import DetectorMuted
from domain.observation import observed
from domain.onboarding import Ready, ReportCheck, SystemChecked
from domain.policy import DetectorSetting, Policy
from domain.session import Session
from domain.session_rules import DECIDER
from domain.waiving import CheckWaived, WaiveCheck, needed, owed, silent
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.sitting import BAD, CHECKING, CUT_OFF, EXPECTED, GOOD, OVER, READY, RUNNING, START, STARTED

SEEN = Policy(screen=False, microphone=False)
WHY = private("The camera broke this morning.")
WAIVE = WaiveCheck(at=at("9:05"), check="camera", by="kim", reason=WHY, instead="in_person", policy=SEEN)
WAIVED = CheckWaived(at=at("9:05"), check="camera", by="kim", reason=WHY, instead="in_person")
LATER = replace(WAIVE, at=at("11:05"), policy=Policy())
WAIVED_LATER = replace(WAIVED, at=at("11:05"))
MUTED = tuple(
    DetectorMuted(at=at("11:05"), kind=kind, why="waived") for kind in ("out_of_view", "several_people")
)  # fmt: skip


def test_what_is_waived_is_not_needed_and_its_track_not_owed() -> None:
    assert needed(Policy()) == {"browser", "network", "camera", "microphone", "screen"}
    assert needed(Policy(), {"screen"}) == {"browser", "network", "camera", "microphone"}
    assert needed(Policy(), {"camera"}) == {"browser", "network", "screen"}  # sound comes with the camera
    assert needed(Policy(camera=False, screen=False)) == {"browser", "network"}
    assert owed(Policy(), {"camera"}) == ("screen",)
    assert owed(Policy(), {"microphone"}) == ("camera", "screen")


def test_what_cannot_be_seen_without_it_is_muted() -> None:
    assert silent(Policy(), {"camera"}) == {"out_of_view": "waived", "several_people": "waived"}
    assert silent(Policy(), {"screen"}) == {}
    hears = Policy(detectors=(*Policy().detectors, DetectorSetting(kind="voice")))
    assert silent(hears, {"microphone"}) == {"voice": "waived"}
    assert set(silent(hears, {"camera"})) == {"out_of_view", "several_people", "voice"}


def test_who_failed_just_this_check_is_ready_by_it() -> None:
    failed = SystemChecked(checks=BAD, passed=False)
    given(DECIDER, *CHECKING, failed).when(WAIVE).then(WAIVED, SystemChecked(checks=BAD, passed=True), Ready())


def test_who_has_not_been_checked_yet_is_checked_without_it() -> None:
    given(DECIDER, *EXPECTED).when(WAIVE).then(WAIVED)
    report = ReportCheck(checks=GOOD[:1] + GOOD[2:], needed=needed(SEEN, {"camera"}))
    given(DECIDER, *CHECKING, WAIVED).when(report).then(SystemChecked(checks=report.checks, passed=True), Ready())


def test_at_the_start_what_only_the_camera_shows_is_muted() -> None:
    muted = tuple(replace(one, at=at("9:10")) for one in MUTED)
    given(DECIDER, *READY, WAIVED).when(START).then(STARTED, *muted)


def test_while_the_exam_runs_it_is_muted_at_once_and_nobody_waits_for_the_camera() -> None:
    cut_off = given(DECIDER, *CUT_OFF)
    cut_off.when(LATER).then(WAIVED_LATER, *MUTED)
    after = given(DECIDER, *CUT_OFF, WAIVED_LATER, *MUTED)
    assert (after.state.lost, after.state.returned_at) == ({}, at("11:05"))
    assert observed(after.state) == frozenset()
    assert observed(after.state, at("11:00")) == {"out_of_view", "several_people"}
    after.when(LoseConnection(at=at("11:06"), track="camera", why="no packets")).then_nothing()
    lost = ConnectionLost(at=at("11:06"), track="screen", why="no packets")
    after.when(LoseConnection(at=at("11:06"), track="screen", why="no packets")).then(lost)


def test_another_lost_track_is_still_waited_for() -> None:
    both = (*CUT_OFF, ConnectionLost(at=at("11:01"), track="screen", why="no packets"), WAIVED_LATER)
    state: Session = given(DECIDER, *both).state
    assert (state.lost, state.returned_at) == ({"screen": at("11:01")}, None)


def test_the_first_who_waives_it_decides() -> None:
    waived = given(DECIDER, *CHECKING, WAIVED)
    waived.when(replace(WAIVE, by="lee")).then_nothing()
    waived.when(replace(WAIVE, by="lee", instead="nothing")).refused("with in person instead", field="check")


def test_only_what_the_exam_asks_for_is_waived_and_only_before_its_end() -> None:
    given(DECIDER, *RUNNING).when(replace(WAIVE, check="screen")).refused("does not ask for this check", field="check")
    given(DECIDER, *CHECKING).when(replace(WAIVE, check="displays")).refused("does not ask", field="check")


@pytest.mark.parametrize("history", OVER.values(), ids=OVER)
def test_a_session_that_is_over_needs_no_check(history: tuple[object, ...]) -> None:
    given(DECIDER, *history).when(LATER).refused("needs no check any more")  # type: ignore[arg-type]
