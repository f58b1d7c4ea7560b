"""A schedule is closed when all is over, and a join link is renewed when it got into the wrong hands."""

from __future__ import annotations

import pytest

from domain.enrolment import CandidateWithdrawn, LinkRenewed, RenewLink
from domain.schedule import DECIDER, Activated, Cancel, Cancelled, Close, Closed, Rename
from tests.domain.given import given
from tests.domain.test_schedule import CREATED, ENROL, ENROLLED, RESCHEDULE

OPEN = (CREATED, ENROLLED, Activated())


def test_a_schedule_closes_once_when_nobody_sits_it_and_nobody_may_come() -> None:
    given(DECIDER, *OPEN).when(Close()).then(Closed())
    given(DECIDER, *OPEN, Closed()).when(Close()).then_nothing()


def test_it_does_not_close_over_somebody_who_sits_it_or_may_still_come() -> None:
    given(DECIDER, *OPEN).when(Close(running=2)).refused("still run: 2")
    given(DECIDER, *OPEN).when(Close(may_come=1)).refused("may still come: 1")


def test_what_was_never_opened_is_cancelled_instead() -> None:
    given(DECIDER, CREATED, ENROLLED).when(Close()).refused("cancelled, not closed")
    given(DECIDER, *OPEN, Cancelled(reason="Flood.")).when(Close()).refused("cancelled and can no longer change")


@pytest.mark.parametrize(
    "command", [Rename(title="New"), RESCHEDULE, ENROL, Cancel(reason="No."), RenewLink(session="s1", number=1)]
)
def test_nothing_changes_once_it_is_closed(command: object) -> None:
    given(DECIDER, *OPEN, Closed()).when(command).refused("closed and can no longer change")  # type: ignore[arg-type]


def test_each_renewal_makes_a_link_of_its_own() -> None:
    first, second = LinkRenewed(session="s1", number=1), LinkRenewed(session="s1", number=2)
    given(DECIDER, *OPEN).when(RenewLink(session="s1", number=1)).then(first)
    given(DECIDER, *OPEN, first).when(RenewLink(session="s1", number=1)).then_nothing()
    given(DECIDER, *OPEN, first).when(RenewLink(session="s1", number=2)).then(second)
    given(DECIDER, *OPEN).when(RenewLink(session="s2", number=1)).refused(
        "not enrolled", field="session", kind="not_found"
    )


def test_who_is_withdrawn_and_enrolled_again_gets_another_link() -> None:
    withdrawn = CandidateWithdrawn(subject="ada", session="s1")
    assert given(DECIDER, *OPEN).state.links == {}
    assert given(DECIDER, *OPEN, withdrawn, ENROLLED).state.links == {"s1": 1}
