"""Who invigilates, for how many; and whom candidates reach when the page does not work."""

from __future__ import annotations

import pytest

from domain.contact import EmergencyContactSet, SetContact
from domain.schedule import DECIDER
from domain.staffing import PER_INVIGILATOR, SetStaffing, StaffingSet, warnings
from tests.domain.given import given
from tests.domain.test_schedule import CREATED

CONTACT = EmergencyContactSet(phone="+43 1 58801-0", email="exams@example.org")


def test_a_planner_says_how_many_candidates_an_invigilator_may_have() -> None:
    given(DECIDER, CREATED).when(SetStaffing(candidates_per_invigilator=20)).then(
        StaffingSet(candidates_per_invigilator=20)
    )
    given(DECIDER, CREATED).when(SetStaffing(candidates_per_invigilator=PER_INVIGILATOR)).then_nothing()
    for wrong in (0, -1, 501):
        given(DECIDER, CREATED).when(SetStaffing(candidates_per_invigilator=wrong)).refused(
            "1 to 500", field="candidates_per_invigilator", kind="invalid"
        )


@pytest.mark.parametrize(
    ("candidates", "invigilators", "warning"),
    [
        (0, 0, ()),
        (1, 0, ("nobody invigilates this exam yet",)),
        (30, 1, ()),
        (31, 1, ("31 candidates for 1 invigilator are more than 30 for each; 1 more would do",)),
        (150, 3, ("150 candidates for 3 invigilators are more than 30 for each; 2 more would do",)),
    ],
)
def test_they_are_warned_above_it(candidates: int, invigilators: int, warning: tuple[str, ...]) -> None:
    assert warnings(candidates, invigilators, 30) == warning


def test_a_planner_names_the_emergency_contact_and_changes_a_part_of_it() -> None:
    both = SetContact(phone="+43 1 58801-0", email=" exams@example.org ")
    given(DECIDER, CREATED).when(both).then(CONTACT)
    given(DECIDER, CREATED, CONTACT).when(both).then_nothing()
    given(DECIDER, CREATED, CONTACT).when(SetContact()).then_nothing()
    given(DECIDER, CREATED, CONTACT).when(SetContact(phone="")).then(
        EmergencyContactSet(phone="", email="exams@example.org")
    )


@pytest.mark.parametrize("phone", ["call me", "+", "12", "1" * 41, "+43 1 58801\n"])
def test_a_phone_that_nobody_can_dial_is_refused(phone: str) -> None:
    given(DECIDER, CREATED).when(SetContact(phone=phone.replace("\n", "\nx"))).refused(
        "telephone number", field="emergency_phone", kind="invalid"
    )


@pytest.mark.parametrize("email", ["exams", "@", "a b@example.org", "a@b\x07", f"{'a' * 250}@b.org"])
def test_an_address_that_no_mail_reaches_is_refused(email: str) -> None:
    given(DECIDER, CREATED).when(SetContact(email=email)).refused("e-mail", field="emergency_email", kind="invalid")
