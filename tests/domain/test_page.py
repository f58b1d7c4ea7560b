"""What a page can tell of is noted when it changes; faults of which it tells keep their order."""

from __future__ import annotations

from domain.fault import CloseFault, FaultClosed, FaultOpened, OpenFault
from domain.page import ObservePage, PageObserved
from domain.session_rules import DECIDER
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.sitting import OVER, PAUSED, READY, RUNNING

TOLD = PageObserved(at=at("9:20"), kinds=("camera_muted", "focus_lost"))


def test_it_is_noted_when_it_changes_and_only_while_the_session_runs() -> None:
    tells = ObservePage(at=at("9:20"), kinds=frozenset({"focus_lost", "camera_muted"}))
    given(DECIDER, *RUNNING).when(tells).then(TOLD)
    given(DECIDER, *RUNNING, TOLD).when(tells).then_nothing()
    given(DECIDER, *READY).when(tells).then_nothing()
    for history in OVER.values():
        given(DECIDER, *history).when(tells).then_nothing()
    later = ObservePage(at=at("10:05"), kinds=frozenset())
    given(DECIDER, *PAUSED).when(later).then_nothing()
    given(DECIDER, *PAUSED, TOLD).when(later).then(PageObserved(at=at("10:05"), kinds=()))


def test_what_was_told_earlier_says_nothing_against_what_is_known() -> None:
    before = ObservePage(at=at("9:19"), kinds=frozenset())
    given(DECIDER, *RUNNING, TOLD).when(before).then_nothing()


def test_it_has_been_observed_since_it_began_to_tell_of_something() -> None:
    fewer = PageObserved(at=at("9:30"), kinds=("focus_lost",))
    assert given(DECIDER, *RUNNING, TOLD, fewer).state.page.since == at("9:20")
    silent, again = PageObserved(at=at("9:40"), kinds=()), PageObserved(at=at("9:50"), kinds=("focus_lost",))
    assert given(DECIDER, *RUNNING, TOLD, silent, again).state.page.since == at("9:50")


def test_news_of_a_fault_that_was_overtaken_changes_nothing() -> None:
    opens = OpenFault(what="network", why="slow", cause="network", since=at("9:20"))
    opened = FaultOpened(what="network", why="slow", cause="network", since=at("9:20"))
    closed = FaultClosed(what="network", since=at("9:25"))
    given(DECIDER, *RUNNING).when(opens).then(opened)
    given(DECIDER, *RUNNING, opened).when(CloseFault(what="network", since=at("9:19"))).then_nothing()
    given(DECIDER, *RUNNING, opened).when(CloseFault(what="network", since=at("9:25"))).then(closed)
    given(DECIDER, *RUNNING, opened, closed).when(opens).then_nothing()
    again = OpenFault(what="network", why="slow", cause="network", since=at("9:30"))
    given(DECIDER, *RUNNING, opened, closed).when(again).then(
        FaultOpened(what="network", why="slow", cause="network", since=at("9:30"))
    )
