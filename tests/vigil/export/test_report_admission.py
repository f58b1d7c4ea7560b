"""What the report says of identity and devices."""

from __future__ import annotations

from domain import consent, device, identity
from domain.event import Event
from domain.waiving import CheckWaived
from tests.domain.hall import at
from tests.projections.hall import SESSION, about_ada, recorded
from vigil.report_admission import admission


def told(*events: Event) -> str:
    return admission([recorded((SESSION, event), n) for n, event in enumerate(events, 1)])


def test_it_says_who_let_whom_in_and_how() -> None:
    page = told(
        identity.ReferenceSet(object_key="r", sha256="5f"),
        identity.IdentityCaptured(at=at("9:00"), picture="document", object_key="d", sha256="5f"),
        identity.IdentityRejected(at=at("9:01"), by="kim", reason=about_ada("<b>dark</b>")),
        identity.IdentityApproved(at=at("9:02"), by="kim", route="other", reason=about_ada("knows her")),
        identity.IdentityDeferred(at=at("9:30"), by="kim", retake=True),
        identity.IdentityDisputed(at=at("9:40"), by="kim", reason=about_ada("somebody else")),
        identity.IdentitySettled(at=at("11:00"), by="jo", finding="same_person", reason=about_ada(None)),
    )
    for part in (
        "reference photo set", "document taken", "pictures rejected: &lt;b&gt;dark&lt;/b&gt;",
        "approved in another way: knows her", "new pictures asked for while the exam goes on",
        "disputed: somebody else", "found: same person: (erased)", "2026-06-01 11:00:00", "not part of this export",
    ):  # fmt: skip
        assert part in page, part
    assert "the check began anew" in told(identity.IdentityLapsed(at=at("8:57")))
    assert told(identity.IdentityApproved(at=at("9:02"), by="kim", route="pictures")).count("approved by the pic") == 1
    assert "decision deferred: late" in told(
        identity.IdentityDeferred(at=at("9:02"), by="kim", reason=about_ada("late"))
    )


def test_it_says_where_the_exam_was_taken() -> None:
    page = told(
        device.DeviceAdmitted(at=at("8:55"), device="a1"),
        device.DeviceAsked(at=at("9:30"), device="b2"),
        device.DeviceRefused(at=at("9:31"), device="b2", by="kim"),
        device.DeviceAdmitted(at=at("9:40"), device="b2", by="kim"),
    )
    for part in ("taken on device a1", "device b2 asked", "device b2 refused", "taken on device b2"):
        assert part in page, part
    assert "None." in told()


def test_it_says_which_check_was_waived_and_what_was_done_instead() -> None:
    why = about_ada("The camera broke.")
    page = told(CheckWaived(at=at("8:55"), check="camera", by="kim", reason=why, instead="in_person"))
    assert "check of the camera waived, instead: in person: The camera broke." in page


def test_it_says_what_they_agreed_to_and_what_they_objected_to() -> None:
    page = told(
        consent.ConsentGiven(at=at("8:50"), purpose="ai_flags"),
        consent.ConsentWithdrawn(at=at("9:50"), purpose="ai_flags"),
        consent.ConsentRefused(at=at("8:51"), purpose="face_geometry"),
        consent.ObjectionRaised(at=at("9:55"), text=about_ada("<i>no</i>")),
    )
    for part in (
        "agreed: ai flags", "withdrew their consent: ai flags", "did not agree: face geometry",
        "objected: &lt;i&gt;no&lt;/i&gt;",
    ):  # fmt: skip
        assert part in page, part
