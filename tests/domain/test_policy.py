"""A policy: what a candidate is told before anything starts."""

from __future__ import annotations

import pytest

from domain.policy import DetectorSetting, LegalBasis, Policy, notice

DETECTORS = "A program points out to an invigilator when nobody can be seen or more than one person can be seen."


def test_the_notice_says_everything_that_is_captured_and_who_decides() -> None:
    assert notice(Policy(decided_by="the dean of studies")).splitlines() == [
        "While you sit this exam we record your camera, your microphone and your whole screen.",
        f"{DETECTORS} It decides nothing.",
        "Invigilators of this exam see it live. Reviewers may look at the recording afterwards.",
        "A lost connection or a broken device is noted as a fault and is never held against you.",
        "Recordings are deleted after 180 days.",
        "Your record is deleted after 730 days.",
        "Decisions are taken by people: the dean of studies. You can see your record and appeal.",
        "The legal basis is a task in the public interest (GDPR art. 6(1)(e)).",
    ]


@pytest.mark.parametrize(
    ("policy", "first"),
    [
        (Policy(microphone=False, screen=False), "While you sit this exam we record your camera."),
        (Policy(microphone=False), "While you sit this exam we record your camera and your whole screen."),
        (Policy(camera=False), "While you sit this exam we record your whole screen."),
        (Policy(camera=False, screen=False), "Nothing is recorded in this exam."),
    ],
)
def test_the_notice_names_nothing_that_is_not_captured(policy: Policy, first: str) -> None:
    assert notice(policy).splitlines()[0] == first


def test_the_notice_names_just_the_detectors_that_are_on() -> None:
    one = Policy(detectors=(DetectorSetting(kind="several_people"),))
    assert "points out to an invigilator when more than one person can be seen." in notice(one)
    assert "A program points out" not in notice(Policy(detectors=()))


@pytest.mark.parametrize(
    ("basis", "article"),
    [("public_task", "(e)"), ("contract", "(b)"), ("legitimate_interests", "(f)"), ("consent", "(a)")],
)
def test_the_notice_names_the_article_of_the_legal_basis(basis: LegalBasis, article: str) -> None:
    assert f"GDPR art. 6(1){article}" in notice(Policy(legal_basis=basis))


def test_a_session_publishes_the_tracks_that_its_policy_asks_for() -> None:
    assert Policy().tracks == ("camera", "screen")
    assert Policy(camera=False).tracks == ("screen",)
    assert Policy(screen=False).tracks == ("camera",)
    assert Policy(camera=False, screen=False).tracks == ()
