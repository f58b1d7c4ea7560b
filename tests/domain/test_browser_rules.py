"""What the candidate's page signals, and what the rules make of it: conduct, a fault, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import incidents, session_rules
from domain.browser import BrowserKind, BrowserSetting
from domain.browser_rules import RULES, found, told, unheard
from domain.event import Event
from domain.fault import FaultClosed, FaultOpened, OpenFault
from domain.incidents import Closed, EvidenceAdded, IncidentEvent, Opened
from domain.page import ObservePage, PageObserved
from domain.policy import Policy
from domain.session import Paused, Resumed, SessionEvent, Started
from domain.signals import Batch, Sample, Signal, Value, heard
from tests.domain.hall import TWO_HOURS, WINDOW, at
from tests.domain.sitting import READY

S = timedelta(seconds=1)
KINDS: tuple[BrowserKind, ...] = (
    "focus_lost", "fullscreen_left", "pasted", "second_display", "camera_muted", "screen_share_stopped",
)  # fmt: skip
POLICY = Policy(full_screen=True, browser=tuple(BrowserSetting(kind=kind) for kind in KINDS))
STARTED = Started(at=at("9:10"), policy=POLICY, duration_s=TWO_HOURS, end_at=WINDOW.closes_at, opens_in="frame")
NOON: datetime = at("10:00")
Say = tuple[Signal, Value, float]


EVERYTHING: tuple[Say, ...] = (
    ("focus", "here", -60), ("full_screen", "on", -60), ("clipboard", "watched", -60), ("displays", "one", -60),
    ("camera", "live", -60), ("microphone", "live", -60), ("screen", "live", -60), ("network", "good", -60),
)  # fmt: skip


class Desk:
    """A session with its incidents, as a process sees them, and a page that signals. Times are seconds after ten."""

    def __init__(self, started: Started = STARTED, *, page: str = "p1", listening: bool = True) -> None:
        self.session = session_rules.DECIDER.initial
        self.known = incidents.DECIDER.initial
        self.page, self.happened = page, list[Event]()
        history: list[SessionEvent] = [*READY, started]
        if listening:
            history.append(PageObserved(at=at("9:11"), kinds=tuple(sorted(KINDS))))
        for event in history:
            self.session = session_rules.DECIDER.evolve(self.session, event)

    def happens(self, *events: SessionEvent) -> None:
        for event in events:
            self.session = session_rules.DECIDER.evolve(self.session, event)

    def hears(self, second: float, *says: Say, page: str = "", off_s: float = 0.0, alone: bool = False) -> list[Event]:
        """What one batch leads to. All else is as it should be, unless the page tells of these signals `alone`.

        `off_s` is an error of the page's own correction.
        """
        now, named = NOON + second * S, {say[0] for say in says}
        says = says if alone else (*says, *(say for say in EVERYTHING if say[0] not in named))
        samples = tuple(Sample(signal=signal, value=value, at=NOON + when * S) for signal, value, when in says)
        batch = Batch(page=page or self.page, number=1, sent_at=now, skew_ms=off_s * 1000, samples=samples)
        one, made = heard(batch, now), list[Event]()
        for order in told(one, self.session):
            for event in session_rules.decide(order, self.session):
                self.session = session_rules.DECIDER.evolve(self.session, event)
                made.append(event)
        made += self.judge(found("s1", one, self.session, self.known))
        return made

    def judge(self, orders: Iterable[incidents.IncidentCommand]) -> list[IncidentEvent]:
        made: list[IncidentEvent] = []
        for order in orders:
            for event in incidents.decide(order, self.known):
                self.known = incidents.DECIDER.evolve(self.known, event)
                made.append(event)
        self.happened += made
        return made


def conduct(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Which kinds were opened and closed."""
    opened = {event.incident: event.kind for event in events if isinstance(event, Opened)}
    closed = {event.incident for event in events if isinstance(event, Closed)}
    return [(kind, "over" if name in closed else "going on") for name, kind in opened.items()]


BAD: list[tuple[BrowserKind, Signal, Value]] = [
    ("focus_lost", "focus", "away"), ("fullscreen_left", "full_screen", "off"),
    ("second_display", "displays", "several"), ("camera_muted", "camera", "muted"),
    ("camera_muted", "camera", "stopped"), ("screen_share_stopped", "screen", "stopped"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "signal", "value"), BAD, ids=str)
def test_what_lasts_opens_and_closes_once_it_has_been_clear(kind: BrowserKind, signal: Signal, value: Value) -> None:
    desk, rule = Desk(), RULES[kind]
    assert desk.hears(1 + rule.after_s - 0.5, (signal, value, 1)) == []
    (opened,) = desk.hears(1 + rule.after_s, (signal, value, 1))
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.started_at, opened.severity) == (kind, NOON + S, rule.severity)
    assert opened.provenance.detector == "browser"
    assert opened.provenance.thresholds["after_s"] == rule.after_s
    assert desk.hears(1 + rule.after_s + 1, (signal, value, 1)) == []
    clear: Say = (signal, next(say[1] for say in EVERYTHING if say[0] == signal), 21)
    assert desk.hears(21 + rule.clear_s - 0.5, (signal, value, 1), clear) == []
    (closed,) = desk.hears(21 + rule.clear_s, clear)
    assert isinstance(closed, Closed)
    assert (closed.ended_at, closed.why) == (NOON + 21 * S, "clear")
    assert desk.hears(60, (signal, value, 1), clear) == []


def test_a_short_look_away_is_nothing_and_three_are_something() -> None:
    desk = Desk()
    assert desk.hears(20, ("focus", "away", 1), ("focus", "here", 5)) == []
    brief = [(("focus", "away", n), ("focus", "here", n + 0.5)) for n in range(30, 40, 2)]
    assert desk.hears(55, *(say for pair in brief for say in pair)) == []  # type: ignore[misc]
    three = [(("focus", "away", n), ("focus", "here", n + 1.2)) for n in (60, 65, 70)]
    (opened,) = desk.hears(73, *(say for pair in three for say in pair))  # type: ignore[misc]
    assert isinstance(opened, Opened)
    assert (opened.started_at, opened.seen_at) == (NOON + 60 * S, NOON + 71.2 * S)


def test_each_paste_counts_at_once() -> None:
    desk = Desk()
    (opened,) = desk.hears(1, ("clipboard", "watched", 0), ("clipboard", "pasted", 0.5), ("clipboard", "watched", 0.6))
    assert isinstance(opened, Opened)
    assert (opened.kind, opened.started_at) == ("pasted", NOON + 0.5 * S)
    (closed,) = desk.hears(11, ("clipboard", "watched", 0.6))
    assert isinstance(closed, Closed)


def test_a_policy_says_how_long_and_what_at_all() -> None:
    patient = replace(POLICY, browser=(BrowserSetting(kind="focus_lost", after_s=20.0),))
    desk = Desk(replace(STARTED, policy=patient))
    assert conduct(desk.hears(19, ("focus", "away", 0), ("displays", "several", -60))) == []
    assert conduct(desk.hears(20, ("focus", "away", 0), ("displays", "several", -60))) == [("focus_lost", "going on")]
    beside = Desk(replace(STARTED, opens_in="tab"))
    assert conduct(beside.hears(50, ("focus", "away", 0), ("full_screen", "off", 0), ("clipboard", "pasted", 1))) == []
    assert conduct(beside.hears(50, ("camera", "stopped", 0))) == [("camera_muted", "going on")]
    unseen = Desk(replace(STARTED, policy=replace(POLICY, camera=False)))
    assert conduct(unseen.hears(50, ("camera", "stopped", 0))) == []


def test_it_becomes_graver_and_says_now_and_then_that_it_goes_on() -> None:
    desk = Desk()
    desk.hears(6, ("focus", "away", 0))
    assert desk.hears(29, ("focus", "away", 0)) == []
    (graver,) = desk.hears(31, ("focus", "away", 0))
    assert isinstance(graver, EvidenceAdded)
    assert (graver.severity, graver.seen_at) == ("warn", NOON + 31 * S)
    assert desk.hears(60, ("focus", "away", 0)) == []
    (still,) = desk.hears(61, ("focus", "away", 0))
    assert isinstance(still, EvidenceAdded)
    assert still.seen_at == NOON + 61 * S


# Faults are never conduct.


@pytest.mark.parametrize("signal", ["camera", "microphone", "screen"])
def test_a_device_that_is_unplugged_is_a_fault(signal: Signal) -> None:
    desk = Desk()
    (opened,) = desk.hears(3, (signal, "unplugged", 1))
    assert isinstance(opened, FaultOpened)
    assert (opened.cause, opened.since) == ("device", NOON + S)
    assert desk.hears(50, (signal, "unplugged", 1)) == []
    (closed,) = desk.hears(60, (signal, "live", 55))
    assert closed == FaultClosed(what=opened.what, since=NOON + 55 * S)
    assert desk.hears(61, (signal, "unplugged", 1)) == [], "a batch that was overtaken"
    assert desk.happened == []


def test_a_slow_network_is_a_fault_once_it_lasts() -> None:
    desk = Desk()
    assert desk.hears(9, ("network", "poor", 0)) == []
    (opened,) = desk.hears(10, ("network", "poor", 0))
    assert isinstance(opened, FaultOpened)
    assert (opened.what, opened.cause) == ("network", "network")
    assert desk.hears(30, ("network", "good", 22)) == []
    (closed,) = desk.hears(32, ("network", "good", 22))
    assert isinstance(closed, FaultClosed)


def test_a_local_copy_that_is_full_is_a_fault_of_the_device_at_once() -> None:
    desk = Desk()
    (opened,) = desk.hears(1, ("local_copy", "kept", -60), ("local_copy", "full", 0.5))
    assert isinstance(opened, FaultOpened)
    assert (opened.what, opened.cause, opened.since) == ("local copy", "device", NOON + 0.5 * S)
    assert desk.hears(20, ("local_copy", "full", 0.5)) == []
    assert desk.hears(39, ("local_copy", "kept", 30)) == []
    (closed,) = desk.hears(40, ("local_copy", "kept", 30))
    assert closed == FaultClosed(what="local copy", since=NOON + 30 * S)
    assert desk.happened == []


# What is not observed.


def test_what_the_page_can_tell_of_is_noted_when_it_changes() -> None:
    desk = Desk(listening=False)
    (first,) = desk.hears(1, ("focus", "away", -600), ("displays", "one", -600), alone=True)
    assert first == PageObserved(at=NOON + S, kinds=("focus_lost", "second_display"))
    assert desk.hears(5, ("focus", "away", -600), ("displays", "one", -600), alone=True) == [], (
        "what was before it told"
    )
    (more, opened) = desk.hears(6, ("focus", "away", -600), alone=True)
    assert more == PageObserved(at=NOON + 6 * S, kinds=("focus_lost",))
    assert isinstance(opened, Opened)
    assert opened.started_at == NOON + S


def test_what_can_no_longer_be_told_is_not_observed() -> None:
    desk = Desk()
    desk.hears(6, ("displays", "one", -600), ("camera", "stopped", 0), alone=True)
    (_, closed) = desk.hears(10, ("displays", "one", -600), alone=True)
    assert isinstance(closed, Closed)
    assert (closed.why, closed.ended_at) == ("not_observed", NOON + 10 * S)


def test_a_pause_ends_it_and_what_lasts_is_another_one_afterwards() -> None:
    desk = Desk()
    desk.hears(6, ("focus", "away", 0))
    desk.happens(Paused(at=NOON + 10 * S, intervention="i1"))
    (closed,) = desk.hears(12, ("focus", "away", 0))
    assert isinstance(closed, Closed)
    assert (closed.ended_at, closed.why) == (NOON + 10 * S, "not_observed")
    assert desk.hears(60, ("focus", "away", 0)) == []
    desk.happens(Resumed(at=NOON + 70 * S, intervention="i2", stopped_s=60.0))
    assert desk.hears(74, ("focus", "away", 0)) == []
    (opened,) = desk.hears(76, ("focus", "away", 0))
    assert isinstance(opened, Opened)
    assert opened.started_at == NOON + 70 * S


def test_silence_ends_it_and_a_page_that_comes_back_begins_anew() -> None:
    desk = Desk()
    desk.hears(6, ("focus", "away", 0))
    (closed,) = desk.judge(unheard(desk.known, NOON + 8 * S))
    assert isinstance(closed, Closed)
    assert (closed.ended_at, closed.why) == (NOON + 8 * S, "not_observed")
    for order in (ObservePage(at=NOON + 8 * S, kinds=frozenset()), OpenFault(what="page", why="?", since=NOON + 8 * S)):
        desk.happens(*session_rules.decide(order, desk.session))
    assert "page" in desk.session.faults
    assert desk.hears(7, ("focus", "away", 0)) == [], "sent before"
    back = desk.hears(40, ("focus", "away", 0))
    assert [type(event) for event in back] == [PageObserved, FaultClosed]
    (opened,) = desk.hears(45, ("focus", "away", 0))
    assert isinstance(opened, Opened)
    assert opened.started_at == NOON + 40 * S


def test_a_page_that_is_loaded_again_goes_on_with_what_is_open() -> None:
    desk = Desk()
    desk.hears(6, ("displays", "several", -20))
    assert desk.hears(30, ("displays", "several", 20), page="p2") == []
    (closed,) = desk.hears(50, ("displays", "one", 45), page="p2")
    assert isinstance(closed, Closed)


# Any order, again and again.

LOSSES = st.lists(st.tuples(st.floats(0.2, 20), st.floats(0.2, 30)), min_size=1, max_size=5)


def said_until(second: float, losses: Sequence[tuple[float, float]]) -> tuple[Say, ...]:
    """What a page says then: here at first, then away and here again in turns."""
    says: list[Say] = [("focus", "here", -30.0)]
    moment = 0.0
    for away, here in losses:
        says += [("focus", "away", moment), ("focus", "here", moment + away)]
        moment += away + here
    return tuple(say for say in says if say[2] <= second)


@settings(max_examples=150, deadline=None)
@for_all(LOSSES, st.data())
def test_batches_in_any_order_leave_the_same_incidents_and_none_open(
    losses: list[tuple[float, float]], data: st.DataObject
) -> None:
    end = sum(away + here for away, here in losses) + 15
    moments = [2.0 * n for n in range(int(end // 2) + 1)] + [end]
    inorder = Desk()
    for moment in moments:
        inorder.hears(moment, *said_until(moment, losses))
    window = 4
    shuffled = [
        moment
        for n in range(0, len(moments), window)
        for moment in data.draw(st.permutations(moments[n : n + window] * 2))
    ]
    other = Desk()
    for moment in (*shuffled, end):
        off_s = data.draw(st.floats(-0.5, 0.5))
        other.hears(moment, *said_until(moment, losses), off_s=off_s)
    assert set(conduct(inorder.happened)) <= {("focus_lost", "over")}
    assert conduct(other.happened) == conduct(inorder.happened)
    ended = [event.ended_at for event in other.happened if isinstance(event, Closed)]
    wanted = [event.ended_at for event in inorder.happened if isinstance(event, Closed)]
    assert all(abs(one - two) < 2 * S for one, two in zip(ended, wanted, strict=True))


def test_one_batch_after_a_gap_says_as_much_as_all_that_were_lost() -> None:
    losses = [(6.0, 20.0), (8.0, 40.0)]
    desk = Desk()
    desk.hears(90, *said_until(90, losses))
    assert conduct(desk.happened) == [("focus_lost", "over")] * 2


def test_two_batches_cross_without_harm() -> None:
    batches: list[tuple[float, tuple[Say, ...]]] = [
        (6, said_until(6, [(7, 30)])), (8, said_until(8, [(7, 30)])), (18, said_until(18, [(7, 30)])),
    ]  # fmt: skip
    for order in permutations(batches):
        desk = Desk()
        for second, says in (*order, batches[-1]):
            desk.hears(second, *says)
        assert conduct(desk.happened) == [("focus_lost", "over")]
