"""What a candidate shows to their camera: asked of who sits there and has one, and of whoever is back from a break."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from domain.event import Refused
from domain.looks import due, must_show
from domain.policy import Policy
from domain.session import Paused, Session, SessionEvent, Started
from domain.session_rules import DECIDER, Reinstate, SessionCommand, Terminate
from domain.stop_rules import Pause, Resume
from domain.stops import ComeBack, Lock, StartBreak, Unlock
from domain.waiving import CheckWaived, Instead
from tests.domain.given import given
from tests.domain.hall import POLICY, at, private
from tests.domain.sitting import OVER, PAUSED, READY, RUNNING, STARTED

AWAY = StartBreak(at=at("10:00"), kind="comfort", seconds=300, intervention="i1")
BACK = ComeBack(at=at("10:05"))
PAUSE, RESUME = Pause(at=at("10:05"), intervention="i2"), Resume(at=at("10:10"), intervention="i3")
LOCK, UNLOCK = Lock(at=at("10:06"), intervention="i4"), Unlock(at=at("10:09"), intervention="i5")


def waived(instead: Instead = "in_person") -> CheckWaived:
    return CheckWaived(at=at("9:20"), check="camera", by="turing", reason=private("It is broken."), instead=instead)


def with_policy(policy: Policy) -> tuple[SessionEvent, ...]:
    started: Started = replace(STARTED, policy=policy)
    return (*READY, started)


def asked(history: tuple[SessionEvent, ...], *commands: SessionCommand) -> list[bool]:
    """After each of these commands, whether a look is due."""
    state: Session = given(DECIDER, *history).state
    found = []
    for command in commands:
        before = state
        for event in DECIDER.decide(command, state):
            state = DECIDER.evolve(state, event)
        found.append(due(before, state))
    return found


@pytest.mark.parametrize(
    "way",
    [(BACK,), (RESUME,), (PAUSE, RESUME), (LOCK, UNLOCK), (PAUSE, LOCK, UNLOCK, RESUME)],
    ids=["back", "called back", "over a pause", "over a lock", "over a pause and a lock"],
)
def test_every_way_back_from_a_break_asks_for_one_look(way: tuple[SessionCommand, ...]) -> None:
    expected = [False] * len(way) + [True]
    assert asked(RUNNING, AWAY, *way) == expected
    assert asked(RUNNING, AWAY, *way, BACK, RESUME, PAUSE, RESUME) == [*expected, *[False] * 4]
    assert asked((*RUNNING, waived()), AWAY, *way) == [False] * len(expected)
    assert asked(with_policy(replace(POLICY, camera=False)), AWAY, *way) == [False] * len(expected)


def test_who_has_been_on_no_break_is_asked_for_no_look() -> None:
    assert asked(RUNNING, PAUSE, RESUME, LOCK, UNLOCK) == [False] * 4


def test_whose_exam_was_ended_on_a_break_and_goes_on_is_asked_for_a_look() -> None:
    end = Terminate(at=at("10:05"), intervention="i8", reason=private("A phone on the desk."))
    again = Reinstate(at=at("10:06"), by="lead", reason=private("It was a mistake."))
    assert asked(RUNNING, AWAY, end, again, RESUME) == [False, False, False, True]


Kind = Literal["identity_check", "room_scan"]
KINDS: tuple[Kind, ...] = ("identity_check", "room_scan")


def refusal(history: tuple[SessionEvent, ...], kind: Kind) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        must_show(given(DECIDER, *history).state, kind)
    return caught.value.rule, caught.value.field


@pytest.mark.parametrize("kind", KINDS)
def test_a_look_is_asked_of_who_sits_there(kind: Kind) -> None:
    scanned = with_policy(replace(POLICY, room_scan=True))
    must_show(given(DECIDER, *scanned).state, kind)
    must_show(given(DECIDER, *scanned, Paused(at=at("10:00"), intervention="i1")).state, kind)
    away = (*scanned, *DECIDER.decide(AWAY, given(DECIDER, *scanned).state))
    assert "when they are back" in refusal(away, kind)[0]
    for history in (READY, *OVER.values()):
        assert "has nobody for a" in refusal(history, kind)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_asked_to_show_what_no_camera_shows(kind: Kind) -> None:
    blind = with_policy(replace(POLICY, camera=False, room_scan=True))
    assert refusal(blind, kind) == ("the policy of this exam records no camera", "kind")
    done_without = (*with_policy(replace(POLICY, room_scan=True)), waived())
    assert refusal(done_without, kind) == ("the camera was waived for this session (in person instead)", "kind")


def test_a_room_is_scanned_where_the_policy_allows_it() -> None:
    assert refusal(PAUSED, "room_scan") == ("the policy of this exam allows no room scan", "kind")
