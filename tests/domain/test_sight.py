"""A camera that shows too little is a fault, with words for the candidate while it lasts."""

from __future__ import annotations

from typing import get_args

import pytest

from domain.fault import CloseFault, FaultClosed, FaultOpened, OpenFault
from domain.session_rules import DECIDER
from domain.sight import FAULT, WHY, Reason, guidance
from tests.domain.given import given
from tests.domain.sitting import RUNNING


def test_there_are_words_for_each_reason_and_none_where_all_is_well() -> None:
    assert set(WHY) == set(get_args(Reason))
    said = {guidance(why) for why in WHY.values()}
    assert len(said) == len(WHY)
    assert all(one.startswith("We cannot see you well: ") and "not held against you" in one for one in said)
    assert guidance("") == ""
    assert guidance("something new") == "We cannot see you well: something new. It is not held against you."


@pytest.mark.parametrize("why", WHY.values())
def test_the_session_knows_why_while_it_lasts(why: str) -> None:
    opened = FaultOpened(what=FAULT, why=why, cause="device")
    given(DECIDER, *RUNNING).when(OpenFault(what=FAULT, why=why, cause="device")).then(opened)
    during = given(DECIDER, *RUNNING, opened, FaultOpened(what="detector faces", why="no room"))
    assert during.state.ill_seen == why
    assert during.state.phase == "in_progress"
    during.when(CloseFault(what=FAULT)).then(FaultClosed(what=FAULT))
    assert given(DECIDER, *RUNNING, opened, FaultClosed(what=FAULT)).state.ill_seen == ""
