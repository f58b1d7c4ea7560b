"""An outage: declared once, marked in each session that ran then, and given back once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain import duty, session_rules
from domain.bringing_back import Reopened
from domain.event import Event, Private
from domain.outage import DeclareOutage, MarkOutage, OutageDeclared, OutageMarked
from domain.session import Ended, EndMoved, SessionEvent, Submitted, TimeExtended
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.sitting import CUT_OFF, OVER, PAUSED, READY, RESUMED, RUNNING

DECIDER = session_rules.DECIDER


def declare(
    began: str = "10:00", ended: str = "10:20", cause: str = "a cable", text: str = "You get it back."
) -> DeclareOutage:
    return DeclareOutage(
        outage="o1", began_at=at(began), ended_at=at(ended), whose="network", cause=cause,
        text=Private("algebra", text, key_class="notes"), by="lead", at=at("10:30"),
    )  # fmt: skip


DECLARED = OutageDeclared(
    outage="o1", began_at=at("10:00"), ended_at=at("10:20"), whose="network", cause="a cable",
    text=declare().text, by="lead", at=at("10:30"),
)  # fmt: skip


def mark(began: str = "10:00", ended: str = "10:20", now: str = "10:30", name: str = "o1") -> MarkOutage:
    return MarkOutage(outage=name, at=at(now), began_at=at(began), ended_at=at(ended), whose="network", cause="a cable")


def marked(began: str = "10:00", ended: str = "10:20", now: str = "10:30", name: str = "o1") -> OutageMarked:
    return OutageMarked(
        outage=name, at=at(now), began_at=at(began), ended_at=at(ended), whose="network", cause="a cable"
    )


def given_back(minutes: float, name: str = "o1") -> TimeExtended:
    return TimeExtended(seconds=round(minutes * 60), intervention=name)


def test_an_outage_is_declared_once() -> None:
    given(duty.DECIDER).when(declare()).then(DECLARED)
    given(duty.DECIDER, DECLARED).when(declare()).then_nothing()
    given(duty.DECIDER, DECLARED).when(replace(declare(), outage="o2", cause="the same, said again")).then_nothing()
    another = replace(declare(), outage="o2", whose="power")
    assert given(duty.DECIDER, DECLARED).when(another).events


@pytest.mark.parametrize(
    ("command", "rule", "field"),
    [
        (declare("10:20", "10:20"), "after it began", "to"),
        (declare("10:00", "10:31"), "up to now", "to"),
        (replace(declare(), began_at=at("10:00") - timedelta(hours=13)), "12 hours", "from"),
        (declare(cause=" "), "a few words", "cause"),
        (declare(text=" "), "a few words", "text"),
    ],
)
def test_an_outage_that_cannot_be_is_refused(command: DeclareOutage, rule: str, field: str) -> None:
    given(duty.DECIDER).when(command).refused(rule, field=field, kind="invalid")


def test_a_session_that_ran_gets_the_note_and_the_time() -> None:
    given(DECIDER, *RUNNING).when(mark()).then(marked(), given_back(20))


def test_what_does_not_fit_moves_the_end() -> None:
    """Started at 9:10 for two hours, the window closes at noon: 50 minutes fit."""
    moved = EndMoved(end_at=at("12:10"), intervention="o1")
    long = mark("9:20", "10:20", "10:30")
    given(DECIDER, *RUNNING).when(long).then(marked("9:20", "10:20", "10:30"), moved, given_back(60))


def test_the_same_outage_is_given_back_once() -> None:
    given(DECIDER, *RUNNING, marked(), given_back(20)).when(mark()).then_nothing()
    given(DECIDER, *RUNNING, marked(), given_back(20)).when(mark(now="10:45")).then_nothing()


def test_of_two_that_overlap_the_second_gives_the_difference() -> None:
    second = mark("10:10", "10:30", "10:40", "o2")
    before = (*RUNNING, marked(), given_back(20))
    given(DECIDER, *before).when(second).then(marked("10:10", "10:30", "10:40", "o2"), given_back(10, "o2"))
    within = mark("10:05", "10:15", "10:40", "o2")
    given(DECIDER, *before).when(within).then(marked("10:05", "10:15", "10:40", "o2"))


def test_who_started_in_the_middle_of_it_gets_the_rest() -> None:
    given(DECIDER, *RUNNING).when(mark("9:00", "9:20")).then(marked("9:00", "9:20"), given_back(10))
    given(DECIDER, *RUNNING).when(mark("9:00", "9:10")).then_nothing()
    given(DECIDER, *READY).when(mark()).then_nothing()


def test_a_pause_that_is_over_or_lasts_is_not_given_back_again() -> None:
    """Paused from 10:00 to 10:20."""
    given(DECIDER, *RESUMED).when(mark("9:50", "10:30", "10:40")).then(marked("9:50", "10:30", "10:40"), given_back(20))
    given(DECIDER, *RESUMED).when(mark("10:05", "10:15")).then(marked("10:05", "10:15"))
    given(DECIDER, *PAUSED).when(mark("9:50", "10:30", "10:40")).then(marked("9:50", "10:30", "10:40"), given_back(10))


def test_who_was_cut_off_gets_what_ran_out_and_the_outage_before_that_once() -> None:
    """The clock ran out at 11:10 while the candidate was away; at 11:30 the outage of 11:00 to 11:20 is declared."""
    answer = given(DECIDER, *CUT_OFF).when(mark("11:00", "11:20", "11:30"))
    back = TimeExtended(seconds=600, intervention="o1", made_up_s=1200.0)
    answer.then(marked("11:00", "11:20", "11:30"), back)


def test_what_was_over_before_or_has_ended_since_gets_no_time() -> None:
    handed_in = (*RUNNING, Submitted(at=at("10:10"), by="candidate"))
    given(DECIDER, *handed_in).when(mark()).then(marked())
    given(DECIDER, *handed_in).when(mark("10:10", "10:20")).then_nothing()
    given(DECIDER, *handed_in, marked()).when(mark()).then_nothing()
    given(DECIDER, *OVER["no show"]).when(mark()).then_nothing()


def test_a_session_that_ended_in_it_gets_the_time_once_it_is_reopened() -> None:
    """Nobody is cut off by the books here, so the clock stands from the end at 10:15 on; the rest is given back."""
    ended = (*RUNNING, Ended(at=at("10:15"), why="fault"), marked())
    given(DECIDER, *ended).when(mark()).then_nothing()
    reopened = Reopened(at=at("10:40"), by="lead", reason=private("outage"), since=at("10:15"))
    given(DECIDER, *ended, reopened).when(mark(now="10:40")).then(given_back(15))


@pytest.mark.parametrize("before", [RUNNING, PAUSED, RESUMED, CUT_OFF])
@pytest.mark.parametrize("stretch", [("9:00", "9:30"), ("9:50", "10:10"), ("10:10", "10:25"), ("9:00", "10:59")])
def test_nothing_is_given_back_twice_whatever_is_declared_in_pieces(
    before: tuple[SessionEvent, ...], stretch: tuple[str, str]
) -> None:
    """Two halves and the whole give what the whole gives."""
    began, ended = map(at, stretch)
    half = began + (ended - began) / 2
    whole = replace(mark(now="11:00"), began_at=began, ended_at=ended)
    pieces = (
        replace(whole, outage="a", ended_at=half),
        replace(whole, outage="b", began_at=half),
        replace(whole, outage="c"),
    )
    history: list[SessionEvent] = [*before]
    for piece in pieces:
        history += _made(given(DECIDER, *history).when(piece).events)
    alone = [*before, *_made(given(DECIDER, *before).when(whole).events)]
    assert given(DECIDER, *history).state.extra_s == given(DECIDER, *alone).state.extra_s


def _made(events: tuple[Event, ...]) -> list[SessionEvent]:
    return [event for event in events if isinstance(event, SessionEvent)]
