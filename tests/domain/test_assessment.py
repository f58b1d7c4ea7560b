"""Where the exam of a schedule is taken: an address that leads somewhere, in a frame or a tab."""

from __future__ import annotations

import pytest

from domain.assessment import LONGEST_URL, Assessment, AssessmentSet, SetAssessment
from domain.schedule import DECIDER, Created, ScheduleEvent
from tests.domain.given import given
from tests.domain.hall import POLICY, TWO_HOURS, WINDOW

CREATED: ScheduleEvent = Created(title="Algebra I", window=WINDOW, duration_s=TWO_HOURS, policy=POLICY)
URL = "https://exams.example.org/algebra?sitting=3#start"
FRAMED = AssessmentSet(url=URL, opens_in="frame")


def test_nothing_is_said_of_it_at_first_and_it_opens_beside_our_page() -> None:
    assert given(DECIDER, CREATED).state.assessment == Assessment(url="", opens_in="tab")
    given(DECIDER, CREATED).when(SetAssessment(url="", opens_in="tab")).then_nothing()


def test_it_is_set_once_and_what_is_left_out_stays() -> None:
    given(DECIDER, CREATED).when(SetAssessment(url=URL, opens_in="frame")).then(FRAMED)
    framed = given(DECIDER, CREATED, FRAMED)
    framed.when(SetAssessment(url=URL, opens_in=None)).then_nothing()
    framed.when(SetAssessment(url=None, opens_in="tab")).then(AssessmentSet(url=URL, opens_in="tab"))
    framed.when(SetAssessment(url="", opens_in="tab")).then(AssessmentSet(url="", opens_in="tab"))


@pytest.mark.parametrize("url", [URL, "http://localhost:8000/", "https://[2001:db8::1]/x", "https://müller.example/é"])
def test_an_address_that_a_browser_opens_is_taken(url: str) -> None:
    given(DECIDER, CREATED).when(SetAssessment(url=url, opens_in="tab")).then(AssessmentSet(url=url, opens_in="tab"))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("javascript:alert(1)", "begins with https"),
        ("data:text/html,x", "begins with https"),
        ("//exams.example.org", "begins with https"),
        ("exams.example.org", "begins with https"),
        ("https:///nowhere", "names a host"),
        ("https://exams.example.org:port/", "not an address"),
        ("https://[::1/", "not an address"),
        ("https://ada:secret@exams.example.org/", "holds no password"),
        ("https://exams.example.org/a b", "no spaces"),
        ("https://exams.example.org/\n", "no spaces"),
        ("https://exams.example.org/" + "x" * LONGEST_URL, "at most 2000 characters"),
    ],
)
def test_any_other_address_is_refused(url: str, rule: str) -> None:
    answer = given(DECIDER, CREATED).when(SetAssessment(url=url, opens_in="tab"))
    answer.refused(rule, field="assessment_url", kind="invalid")


def test_a_frame_needs_an_address() -> None:
    given(DECIDER, CREATED).when(SetAssessment(url=None, opens_in="frame")).refused(
        "needs its address", field="opens_in", kind="invalid"
    )
    given(DECIDER, CREATED, FRAMED).when(SetAssessment(url="", opens_in=None)).refused(
        "needs its address", field="assessment_url", kind="invalid"
    )
