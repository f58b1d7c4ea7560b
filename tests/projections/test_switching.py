"""What the read models know of a detector that the institution has switched off."""

from __future__ import annotations

from domain.muting import DetectorMuted, Mute
from projections.deadlines import DEADLINES
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from tests.domain.hall import at
from tests.projections.hall import BEGUN, SESSION, row_of

MUTED = (SESSION, DetectorMuted(at=at("10:00"), kind="several_people", why="switched_off_everywhere"))


def test_wall_and_gradebook_say_since_when_and_why() -> None:
    mute = {"several_people": Mute(since=at("10:00"), why="switched_off_everywhere")}
    assert row_of(LIVE, *BEGUN, MUTED).muted == mute
    assert row_of(GRADEBOOK, *BEGUN, MUTED).muted == mute


def test_who_acts_on_time_knows_which_kinds_may_still_have_to_be_silenced() -> None:
    assert row_of(DEADLINES, *BEGUN).listening == ("out_of_view", "several_people")
    assert row_of(DEADLINES, *BEGUN, MUTED).listening == ("out_of_view",)
