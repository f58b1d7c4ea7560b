"""What was waived, agreed to and objected to, as the wall, the gradebook and whoever acts on time see it."""

from __future__ import annotations

from domain.consent import Answered, ConsentGiven, ConsentWithdrawn, ObjectionRaised
from domain.fault import ConnectionLost
from domain.muting import DetectorMuted, Mute
from domain.onboarding import NoticeAcknowledged
from domain.waiving import CheckWaived, Waived
from projections.deadlines import DEADLINES
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from tests.domain.hall import at
from tests.projections.hall import BEGUN, CREATED, ENROLLED, OPENED, SESSION, STARTED, about_ada, row_of

WAIVED = CheckWaived(at=at("9:20"), check="camera", by="kim", reason=about_ada("It broke."), instead="in_person")
MUTED = DetectorMuted(at=at("9:20"), kind="out_of_view", why="waived")
LOST = (SESSION, ConnectionLost(at=at("9:15"), track="camera", why="no packets"))
SAID = (*BEGUN, LOST, (SESSION, WAIVED), (SESSION, MUTED))


def test_the_wall_shows_what_was_waived_and_what_is_not_looked_for() -> None:
    row = row_of(LIVE, *SAID)
    assert row.waived == {"camera": "in_person"}
    assert row.muted == {"out_of_view": Mute(since=at("9:20"), why="waived")}


def test_the_record_says_by_whom_and_its_fault_is_over() -> None:
    row = row_of(GRADEBOOK, *SAID)
    assert row.waived == {"camera": Waived(at=at("9:20"), by="kim", instead="in_person")}
    assert [(fault.what, fault.ended_at) for fault in row.faults] == [("camera", at("9:20"))]


def test_nobody_waits_for_its_track() -> None:
    row = row_of(DEADLINES, *SAID)
    assert (row.tracks, row.lost, row.returned_at) == (("screen",), {}, at("9:20"))
    before = row_of(DEADLINES, CREATED, ENROLLED, OPENED, (SESSION, WAIVED), STARTED)
    assert before.tracks == ("screen",)


AGREED = ConsentGiven(at=at("8:50"), purpose="ai_flags")
GONE = ConsentWithdrawn(at=at("9:20"), purpose="ai_flags")
ANSWER = {"ai_flags": Answered(at=at("9:20"), answer="withdrawn")}
OBJECTED = tuple((SESSION, ObjectionRaised(at=at("9:30"), text=about_ada(text))) for text in ("No.", "Not this."))


def test_wall_and_record_show_what_was_agreed_to_and_what_they_objected_to() -> None:
    said = (*BEGUN, (SESSION, AGREED), (SESSION, GONE), *OBJECTED)
    wall, record = row_of(LIVE, *said), row_of(GRADEBOOK, *said)
    assert (wall.consents, wall.objection) == (ANSWER, "Not this.")
    assert record.consents == ANSWER
    assert [one.text for one in record.objections] == ["No.", "Not this."]


def test_another_notice_asks_again() -> None:
    another = (SESSION, NoticeAcknowledged(policy_version=2, sha256="5f"))
    for model in (LIVE, GRADEBOOK):
        row = row_of(model, CREATED, ENROLLED, OPENED, (SESSION, AGREED), another)
        assert (row.consents, row.phase) == ({}, "checking")
