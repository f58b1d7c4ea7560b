"""An intervention: asked for, delivered, acknowledged, applied, or failed with the reason."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from domain.intervention import (
    DECIDER,
    Acknowledged,
    Advance,
    Applied,
    Delivered,
    Fail,
    Failed,
    Request,
    Requested,
)
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


def test_an_intervention_fails_with_the_reason_unless_it_arrived() -> None:
    given(DECIDER, REQUESTED).when(FAIL).then(FAILED)
    given(DECIDER, REQUESTED, DELIVERED).when(FAIL).then(FAILED)
    given(DECIDER, REQUESTED, FAILED).when(FAIL).then_nothing()
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED).when(FAIL).then_nothing()
    given(DECIDER, REQUESTED, DELIVERED, ACKNOWLEDGED, APPLIED).when(FAIL).then_nothing()
    given(DECIDER).when(FAIL).then_nothing()
