"""A session that runs follows its schedule when that is put off or made longer."""

from __future__ import annotations

import pytest

from domain import session_rules
from domain.accommodation import Accommodated, Accommodation
from domain.following import Follow, Rescheduled
from domain.session import EndMoved, SessionEvent, Started, TimeExtended
from tests.domain.given import given
from tests.domain.hall import POLICY, TWO_HOURS, at
from tests.domain.sitting import OVER, PAUSED, READY, RESUMED, RUNNING

DECIDER = session_rules.DECIDER


def follow(closes: str = "12:30", minutes: int = 120) -> Follow:
    return Follow(at=at("10:30"), closes_at=at(closes), duration_s=minutes * 60)


def moved(closes: str, end: str, minutes: int = 120, own: int = 120) -> Rescheduled:
    return Rescheduled(
        at=at("10:30"), closes_at=at(closes), scheduled_s=minutes * 60, end_at=at(end), duration_s=own * 60
    )


@pytest.mark.parametrize("before", [RUNNING, PAUSED, RESUMED])
def test_a_later_close_moves_the_end_at_once(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(follow()).then(moved("12:30", "12:30"))


def test_who_was_cut_short_by_the_close_gets_the_full_time() -> None:
    late = (*READY, Started(at=at("11:00"), policy=POLICY, duration_s=TWO_HOURS, end_at=at("12:00")))
    assert given(DECIDER, *late).state.due_at == at("12:00")
    assert given(DECIDER, *late, moved("12:30", "12:30")).state.due_at == at("12:30")
    assert given(DECIDER, *late, moved("13:30", "13:30")).state.due_at == at("13:00")


def test_what_was_added_to_the_end_stays_added() -> None:
    longer = (*RUNNING, EndMoved(end_at=at("12:10"), intervention="i1"))
    given(DECIDER, *longer).when(follow()).then(moved("12:30", "12:40"))


def test_the_same_again_is_nothing_and_the_next_change_adds_only_what_is_new() -> None:
    before = (*RUNNING, moved("12:30", "12:30"))
    given(DECIDER, *before).when(follow()).then_nothing()
    given(DECIDER, *before).when(follow("12:15")).then_nothing()
    given(DECIDER, *before).when(follow("12:45")).then(moved("12:45", "12:45"))


def test_nothing_that_was_promised_is_taken_away() -> None:
    given(DECIDER, *RUNNING).when(follow("11:00", 60)).then_nothing()
    given(DECIDER, *RUNNING).when(follow("11:00", 150)).then(moved("12:00", "12:00", 150, 150))


def test_a_longer_exam_is_longer_for_who_sits_it_and_their_share_of_extra_time_too() -> None:
    given(DECIDER, *RUNNING).when(follow("12:00", 150)).then(moved("12:00", "12:00", 150, 150))
    allowed = Accommodated(at=at("9:00"), accommodation=Accommodation(extra_time_percent=50))
    started = (
        *READY, allowed, Started(at=at("9:10"), policy=POLICY, duration_s=TWO_HOURS, end_at=at("13:00")),
        TimeExtended(seconds=3600, intervention="accommodation"),
    )  # fmt: skip
    given(DECIDER, *started).when(follow("12:30", 140)).then(
        moved("12:30", "13:40", 140, 140), TimeExtended(seconds=600, intervention="accommodation")
    )


@pytest.mark.parametrize("before", [READY, *OVER.values()])
def test_who_has_not_started_or_is_over_is_left_alone(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(follow()).then_nothing()
