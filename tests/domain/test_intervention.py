"""An intervention: asked for, delivered, acknowledged, applied, or failed with the reason."""

from __future__ import annotations

import re
from typing import Literal, get_args

import pytest
from msgspec.structs import replace

from domain.intervention import (
    DECIDER,
    Acknowledged,
    Advance,
    Applied,
    Asked,
    Delivered,
    Fail,
    Failed,
    InterventionEvent,
    Mark,
    Marked,
    Request,
    Requested,
)
from domain.reasons import REASONS, default, worded
from tests.domain.given import given
from tests.domain.hall import at, private

LOOK = private("Please turn your camera back to your desk.")
REQUEST = Request(
    session="s1", kind="warn", reason_code="camera_moved", text=LOOK, minutes=None, by="turing", at=at("10:00")
)
REQUESTED = Requested(
    session="s1", kind="warn", reason_code="camera_moved", text=LOOK, minutes=None, by="turing", at=at("10:00")
)
DELIVERED, ACKNOWLEDGED = Delivered(at=at("10:01")), Acknowledged(at=at("10:01"))
APPLIED = Applied(at=at("10:01"), where="page")
FAIL = Fail(at=at("10:01"), why="the page did not answer")
FAILED = Failed(at=at("10:01"), why="the page did not answer")


def _to(stage: Literal["delivered", "acknowledged", "applied"]) -> Advance:
    return Advance(session="s1", stage=stage, at=at("10:01"))


def test_an_invigilator_warns_a_candidate_once() -> None:
    given(DECIDER).when(REQUEST).then(REQUESTED)
    given(DECIDER, REQUESTED).when(REQUEST).then_nothing()


def test_a_pause_needs_no_words() -> None:
    pause = replace(REQUEST, kind="pause", text=None)
    given(DECIDER).when(pause).then(replace(REQUESTED, kind="pause", text=None))


@pytest.mark.parametrize(("kind", "rule"), [("warn", "what was seen and what to do"), ("terminate", "needs a reason")])
@pytest.mark.parametrize("text", [None, private(""), private("  "), private(None)])
def test_a_warning_and_an_end_are_said_in_words(kind: str, rule: str, text: None) -> None:
    silent = replace(REQUEST, kind=kind, text=text)
    given(DECIDER).when(silent).refused(rule, field="text", kind="invalid")


def test_extra_time_says_how_much() -> None:
    for minutes in (None, 0.0):
        vague = replace(REQUEST, kind="extra_time", minutes=minutes)
        given(DECIDER).when(vague).refused("how many minutes", field="minutes", kind="invalid")
    ten = replace(REQUEST, kind="extra_time", minutes=10.0)
    given(DECIDER).when(ten).then(replace(REQUESTED, kind="extra_time", minutes=10.0))


@pytest.mark.parametrize("minutes", [-1.0, 601.0, float("nan"), float("inf")])
def test_extra_time_is_more_than_nothing_and_at_most_ten_hours(minutes: float) -> None:
    for kind in ("extra_time", "resume"):
        wrong = replace(REQUEST, kind=kind, minutes=minutes)
        given(DECIDER).when(wrong).refused("between 0 and 600", field="minutes", kind="invalid")


def test_a_page_tells_how_far_it_came() -> None:
    given(DECIDER, REQUESTED).when(_to("delivered")).then(DELIVERED)
    given(DECIDER, REQUESTED, DELIVERED).when(_to("acknowledged")).then(ACKNOWLEDGED)
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED).when(_to("applied")).then(APPLIED)


def test_a_later_stage_includes_the_ones_before_it() -> None:
    given(DECIDER, REQUESTED).when(_to("applied")).then(DELIVERED, ACKNOWLEDGED, APPLIED)
    given(DECIDER, REQUESTED, DELIVERED).when(_to("applied")).then(ACKNOWLEDGED, APPLIED)


@pytest.mark.parametrize("stage", ["delivered", "acknowledged", "applied"])
def test_no_stage_is_gone_through_twice(stage: str) -> None:
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED, APPLIED).when(_to(stage)).then_nothing()


def test_a_page_that_comes_back_tells_of_it_after_all() -> None:
    given(DECIDER, REQUESTED, FAILED).when(_to("acknowledged")).then(DELIVERED, ACKNOWLEDGED)
    given(DECIDER, REQUESTED, DELIVERED, FAILED).when(_to("acknowledged")).then(ACKNOWLEDGED)
    given(DECIDER, REQUESTED, DELIVERED, FAILED).when(_to("delivered")).then_nothing()


def test_only_the_page_of_that_session_can_tell() -> None:
    given(DECIDER).when(_to("delivered")).refused("no such intervention", kind="not_found")
    other = replace(_to("delivered"), session="s2")
    given(DECIDER, REQUESTED).when(other).refused("no such intervention", kind="not_found")


@pytest.mark.parametrize("minutes", [None, 0.0])
def test_a_break_says_how_long_it_may_take(minutes: float | None) -> None:
    rest = replace(REQUEST, kind="break", break_kind="rest", minutes=minutes)
    given(DECIDER).when(rest).refused("how many minutes", field="minutes", kind="invalid")
    given(DECIDER).when(replace(rest, minutes=121.0)).refused("at most 120", field="minutes", kind="invalid")
    ten = replace(rest, minutes=10.0)
    given(DECIDER).when(ten).then(replace(REQUESTED, kind="break", break_kind="rest", minutes=10.0))


LOOKED = replace(REQUESTED, kind="identity_check")
MARK = Mark(session="s1", at=at("10:02"), by="kim", result="passed", note=private("It is her."))
MARKED = Marked(at=at("10:02"), by="kim", result="passed", note=private("It is her."))


@pytest.mark.parametrize("kind", ["identity_check", "room_scan"])
def test_what_is_shown_is_answered_by_the_candidate_and_marked_by_an_invigilator(kind: str) -> None:
    asked = replace(REQUESTED, kind=kind)
    given(DECIDER, asked).when(_to("acknowledged")).then(DELIVERED, ACKNOWLEDGED)
    given(DECIDER, asked).when(_to("applied")).refused("an invigilator marks it", field="stage")
    given(DECIDER, asked, DELIVERED, ACKNOWLEDGED).when(MARK).then(MARKED)
    given(DECIDER, asked).when(MARK).then(MARKED)


def test_two_who_ask_for_the_same_look_get_one_and_only_what_is_said_with_the_first_is_shown() -> None:
    again = replace(REQUEST, kind="identity_check", by="kim", text=None)
    given(DECIDER, LOOKED).when(again).then_nothing()
    given(DECIDER, LOOKED, DELIVERED).when(again).then_nothing()
    words = replace(again, text=private("Show your card, please."))
    given(DECIDER, LOOKED).when(words).refused("asked for this identity check already", field="kind")


@pytest.mark.parametrize(
    ("told", "waits"), [((), True), ((DELIVERED,), True), ((DELIVERED, ACKNOWLEDGED), False), ((MARKED,), False)]
)
def test_a_look_is_waited_for_until_it_is_answered_or_marked(
    told: tuple[InterventionEvent, ...], *, waits: bool
) -> None:
    assert given(DECIDER, LOOKED, *told).state.unanswered == waits
    assert not given(DECIDER, LOOKED, FAILED).state.unanswered


def test_the_first_mark_counts_and_the_second_is_told() -> None:
    given(DECIDER, LOOKED, MARKED).when(MARK).then_nothing()
    given(DECIDER, LOOKED, MARKED).when(replace(MARK, by="lee")).then_nothing()
    other = replace(MARK, result="not_passed")
    given(DECIDER, LOOKED, MARKED).when(other).refused("marked it as passed already", field="result")


def test_only_a_look_is_marked_and_only_of_that_session() -> None:
    given(DECIDER, REQUESTED).when(MARK).refused("asked to show", field="result")
    given(DECIDER, LOOKED).when(replace(MARK, session="s2")).refused("no such intervention", kind="not_found")
    given(DECIDER).when(MARK).refused("no such intervention", kind="not_found")


def test_who_is_back_from_a_break_has_looked_when_their_page_says_so() -> None:
    look = replace(REQUESTED, kind="return_look")
    given(DECIDER, look).when(_to("applied")).then(DELIVERED, ACKNOWLEDGED, APPLIED)


def test_a_look_fails_unless_it_was_answered() -> None:
    given(DECIDER, LOOKED, DELIVERED).when(FAIL).then(FAILED)
    given(DECIDER, LOOKED, DELIVERED, ACKNOWLEDGED).when(FAIL).then_nothing()
    given(DECIDER, LOOKED, MARKED).when(FAIL).then_nothing()


def test_a_connected_exam_platform_confirms_once_and_the_page_takes_nothing_back() -> None:
    pause, platform = replace(REQUESTED, kind="pause"), replace(_to("applied"), where="platform")
    there = Applied(at=at("10:01"), where="platform")
    given(DECIDER, pause).when(platform).then(there)
    given(DECIDER, pause, there).when(platform).then_nothing()
    given(DECIDER, pause, there).when(_to("applied")).then(DELIVERED, ACKNOWLEDGED, APPLIED)
    given(DECIDER, pause, DELIVERED, ACKNOWLEDGED, APPLIED).when(platform).then(there)
    assert given(DECIDER, pause, there, DELIVERED).state.stage == "applied"


def test_an_exam_platform_confirms_only_what_it_has_a_part_in_and_has_applied() -> None:
    platform = replace(_to("applied"), where="platform")
    given(DECIDER, REQUESTED).when(platform).refused("no part in a warn", field="where")
    early = replace(platform, stage="delivered")
    given(DECIDER, replace(REQUESTED, kind="pause")).when(early).refused("applied", field="stage", kind="invalid")


def test_every_kind_has_reasons_in_words_and_one_that_is_meant_where_nobody_says() -> None:
    for kind in (*get_args(Asked), "return_look"):
        assert default(kind) in REASONS[kind]
        assert all(re.fullmatch("[a-z_]{1,64}", code) for code in REASONS[kind])
    assert worded("pause", "unwell") == "the candidate is unwell"
    assert worded("pause", "fire_drill") == "fire drill"
    assert set(REASONS) == set(get_args(Asked)) | {"return_look"}


def test_an_intervention_fails_with_the_reason_unless_it_arrived() -> None:
    given(DECIDER, REQUESTED).when(FAIL).then(FAILED)
    given(DECIDER, REQUESTED, DELIVERED).when(FAIL).then(FAILED)
    given(DECIDER, REQUESTED, FAILED).when(FAIL).then_nothing()
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED).when(FAIL).then_nothing()
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED, APPLIED).when(FAIL).then_nothing()
    given(DECIDER).when(FAIL).then_nothing()
