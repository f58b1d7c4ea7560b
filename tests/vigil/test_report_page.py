"""The report says where the exam was taken, and what could not be observed there."""

from __future__ import annotations

from msgspec.structs import replace

from domain.browser import BrowserSetting
from domain.page import PageObserved
from domain.policy import Policy
from domain.recorded import Recorded
from tests.domain.hall import at
from tests.projections.hall import BEGUN, SESSION, STARTED, Said, recorded
from vigil.report_page import page

POLICY = Policy(browser=(BrowserSetting(kind="focus_lost"), BrowserSetting(kind="camera_muted")))
BEGINNING = (SESSION, replace(STARTED[1], policy=POLICY))


def events(*happened: Said) -> list[Recorded]:
    return [recorded(said, n) for n, said in enumerate(happened, 1)]


def test_of_an_exam_in_a_tab_it_says_what_could_not_be_observed() -> None:
    told = (SESSION, PageObserved(at=at("9:06"), kinds=("camera_muted",)))
    silent = (SESSION, PageObserved(at=at("9:30"), kinds=()))
    said = page(events(*BEGUN[:3], BEGINNING, told, silent))
    for part in (
        "a tab of its own",
        "focus lost",
        "of which our page knows nothing",
        "09:06:00",
        "camera muted",
        "nothing",
    ):
        assert part in said, part


def test_of_an_exam_in_a_frame_nothing_is_missing() -> None:
    framed = (SESSION, replace(STARTED[1], policy=POLICY, opens_in="frame"))
    said = page(events(*BEGUN[:3], framed))
    assert "a frame of the candidate" in said
    assert "focus lost" not in said
    assert "It told of nothing." in said


def test_of_a_session_that_never_began_it_says_nothing() -> None:
    assert page(events(*BEGUN[:3])) == ""
