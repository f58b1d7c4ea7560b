"""Identity and devices, as the wall and the gradebook show them."""

from __future__ import annotations

from domain import device, identity
from projections.deadlines import DEADLINES
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from tests.domain.hall import at
from tests.projections.hall import BEGUN, CREATED, ENROLLED, OPENED, SESSION, SUBMITTED, Said, about_ada, row_of

TAKEN: tuple[Said, ...] = tuple(
    (SESSION, identity.IdentityCaptured(at=at(when), picture=picture, object_key=picture, sha256="5f"))  # type: ignore[arg-type]
    for picture, when in (("photo", "8:56"), ("document", "8:57"))
)
DEFERRED = (SESSION, identity.IdentityDeferred(at=at("8:58"), by="kim"))
WAITING = (CREATED, ENROLLED, OPENED, *TAKEN)


def test_the_wall_shows_who_waits_and_who_looks_at_them() -> None:
    assert not row_of(LIVE, CREATED, ENROLLED, OPENED).identity.undecided
    row = row_of(LIVE, *WAITING)
    assert (row.identity.standing, row.identity.undecided, row.identity.since) == ("waiting", True, at("8:57"))
    looked = row_of(LIVE, *WAITING, (SESSION, identity.IdentityTaken(at=at("8:58"), by="kim")))
    assert looked.identity.held_by(at("8:58:30")) == "kim"
    assert looked.identity.held_by(at("8:59")) == ""
    approved = (SESSION, identity.IdentityApproved(at=at("8:59"), by="kim", route="pictures"))
    assert not row_of(LIVE, *WAITING, approved).identity.undecided


def test_the_wall_shows_a_device_that_asks() -> None:
    first = (SESSION, device.DeviceAdmitted(at=at("8:55"), device="a"))
    asked = (SESSION, device.DeviceAsked(at=at("9:30"), device="b"))
    row = row_of(LIVE, *BEGUN, first, asked)
    assert (row.devices.live, row.devices.asking) == ("a", {"b": at("9:30")})
    admitted = (SESSION, device.DeviceAdmitted(at=at("9:31"), device="b", by="kim"))
    assert row_of(LIVE, *BEGUN, first, asked, admitted).devices == device.Devices(live="b")
    assert row_of(GRADEBOOK, *BEGUN, first, asked, admitted).devices == 2


def test_the_record_says_what_is_owed_until_a_reviewer_has_decided() -> None:
    sat = (*BEGUN, *TAKEN, DEFERRED)
    assert not row_of(GRADEBOOK, *sat).identity_owed
    assert row_of(GRADEBOOK, *sat, SUBMITTED).identity_owed
    found = identity.IdentitySettled(at=at("11:00"), by="jo", finding="same_person", reason=about_ada("shown later"))
    settled = row_of(GRADEBOOK, *sat, SUBMITTED, (SESSION, found))
    assert (settled.identity_owed, settled.identity.finding) == (False, "same_person")
    assert not row_of(GRADEBOOK, *BEGUN, SUBMITTED).identity_owed


def test_who_came_for_the_check_is_known_to_whoever_acts_on_time() -> None:
    assert row_of(DEADLINES, OPENED).came_at is None
    assert row_of(DEADLINES, OPENED, *TAKEN).came_at == at("8:56")
