"""A camera or a screen that shows too little is a fault, with words for the candidate while it lasts."""

from __future__ import annotations

from typing import get_args

import pytest

from domain.fault import CloseFault, FaultClosed, FaultOpened, OpenFault
from domain.session_rules import DECIDER
from domain.sight import BLANK, FAULT, SILENT, WHY, Blank, Reason, Silent, guidance
from tests.domain.given import given
from tests.domain.sitting import RUNNING


@pytest.mark.parametrize(
    ("fault", "reasons", "matter"),
    [
        (FAULT, Reason, "We cannot see you well: "),
        (BLANK, Blank, "Your shared screen shows nothing: "),
        (SILENT, Silent, "Your microphone is silent: "),
    ],
)
def test_there_are_words_for_each_reason_and_none_where_all_is_well(fault: str, reasons: object, matter: str) -> None:
    said = {guidance({fault: WHY[reason]}) for reason in get_args(reasons)}
    assert len(said) == len(get_args(reasons))
    assert all(one.startswith(matter) and one.endswith(". It is not held against you.") for one in said)
    assert guidance({}) == ""
    assert guidance({fault: "something new"}) == f"{matter}something new. It is not held against you."


def test_no_reason_is_without_words() -> None:
    assert set(WHY) == {*get_args(Reason), *get_args(Blank), *get_args(Silent)}
    assert len(set(WHY.values())) == len(WHY)


def test_who_shows_too_little_twice_is_told_both() -> None:
    both = guidance({BLANK: WHY["black"], FAULT: WHY["too_dark"]})
    assert both == f"{guidance({FAULT: WHY['too_dark']})} {guidance({BLANK: WHY['black']})}"


@pytest.mark.parametrize("what", [FAULT, BLANK, SILENT])
@pytest.mark.parametrize("why", WHY.values())
def test_the_session_knows_why_while_it_lasts(what: str, why: str) -> None:
    opened = FaultOpened(what=what, why=why, cause="device")
    given(DECIDER, *RUNNING).when(OpenFault(what=what, why=why, cause="device")).then(opened)
    during = given(DECIDER, *RUNNING, opened, FaultOpened(what="detector faces", why="no room"))
    assert during.state.ill_seen == {what: why}
    assert during.state.phase == "in_progress"
    during.when(CloseFault(what=what)).then(FaultClosed(what=what))
    assert given(DECIDER, *RUNNING, opened, FaultClosed(what=what)).state.ill_seen == {}
