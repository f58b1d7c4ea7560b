"""What a session is allowed and what is muted in it, as rows show it; and what a schedule says of staffing."""

from __future__ import annotations

import pytest

from domain.accommodation import Accommodated, Accommodation
from domain.contact import EmergencyContactSet
from domain.event import Event
from domain.muting import DetectorMuted, Mute
from domain.staffing import StaffingSet
from projections.allowed import Allowance
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from projections.model import Model
from projections.schedules import SCHEDULES
from tests.domain.hall import at
from tests.projections.hall import BEGUN, CREATED, SCHEDULE, SESSION, about_ada, row_of

READER = Accommodation(people=("reader",), muted=("out_of_view",))
GRANTED = Accommodated(at=at("9:10"), accommodation=READER, objects=about_ada("a cushion"))
WITHDRAWN = Accommodated(at=at("9:40"), accommodation=Accommodation())
OFF = DetectorMuted(at=at("9:20"), kind="out_of_view")
ALLOWED, SWITCHED = Mute(since=at("9:10"), why="accommodation"), Mute(since=at("9:20"), why="switched_off")


@pytest.mark.parametrize("model", [LIVE, GRADEBOOK])
@pytest.mark.parametrize(
    ("events", "allowed", "muted"),
    [
        ((), None, {}),
        ((GRANTED,), Allowance(accommodation=READER, objects="a cushion"),
         {"out_of_view": ALLOWED, "several_people": ALLOWED, "voice": ALLOWED}),
        ((GRANTED, OFF), Allowance(accommodation=READER, objects="a cushion"),
         {"out_of_view": SWITCHED, "several_people": ALLOWED, "voice": ALLOWED}),
        ((GRANTED, OFF, WITHDRAWN), None, {"out_of_view": SWITCHED}),
        ((OFF, WITHDRAWN), None, {"out_of_view": SWITCHED}),
    ],
)  # fmt: skip
def test_rows_show_what_is_allowed_now_and_what_is_muted_since_when(
    model: Model,
    events: tuple[Event, ...],
    allowed: Allowance | None,
    muted: dict[str, Mute],  # type: ignore[type-arg]
) -> None:
    row = row_of(model, *BEGUN, *((SESSION, event) for event in events))
    assert (row.allowed, row.muted) == (allowed, muted)
    assert row.phase == "in_progress"


def test_forgotten_objects_are_null() -> None:
    erased = Accommodated(at=at("9:10"), accommodation=READER, objects=about_ada(None))
    assert row_of(LIVE, *BEGUN, (SESSION, erased)).allowed == Allowance(accommodation=READER, objects=None)


def test_a_schedule_shows_its_staffing_and_whom_to_call() -> None:
    assert row_of(SCHEDULES, CREATED).candidates_per_invigilator == 30
    contact = EmergencyContactSet(phone="+43 1 58801", email="exams@example.org")
    row = row_of(
        SCHEDULES, CREATED, (SCHEDULE, StaffingSet(candidates_per_invigilator=12)), (SCHEDULE, contact),
    )  # fmt: skip
    assert (row.candidates_per_invigilator, row.contact.phone) == (12, "+43 1 58801")
    assert row.contact.email == "exams@example.org"
