"""Who answers for whom: on duty, off duty, split, and handed over to somebody who accepts."""

from __future__ import annotations

import pytest

from domain.duty import DECIDER, CandidatesSplit, ComeOn, DutyEvent, GoOff, OffDuty, OnDuty, SplitCandidates
from domain.hand_over import (
    AcceptHandOver,
    HandedOver,
    HandOverOffered,
    HandOverWithdrawn,
    OfferHandOver,
    Standing,
    WithdrawHandOver,
)
from tests.domain.given import given
from tests.domain.hall import at

ASSIGNED = frozenset({"grace", "alan", "mary"})
SESSIONS = frozenset({"s1", "s2", "s3", "s4"})
STANDING = Standing(incidents=2, help=0, pauses=1, breaks=0, accommodations=0, sha256="ab")
GRACE = OnDuty(user="grace", at=at("9:00"), by="grace")
ALAN = OnDuty(user="alan", at=at("9:05"), by="mary")
OFFERED = HandOverOffered(hand_over="h1", user="grace", to="alan", at=at("10:00"), by="grace", standing=STANDING)
HANDED = HandedOver(hand_over="h1", user="grace", to="alan", at=at("10:01"), standing=STANDING)
WITHDRAWN = HandOverWithdrawn(hand_over="h1", at=at("10:01"), by="alan")


def come(user: str, by: str, *, lead: bool = False) -> ComeOn:
    return ComeOn(at=at("9:05"), user=user, by=by, assigned=ASSIGNED, lead=lead)


def go(user: str, by: str, *, lead: bool = False) -> GoOff:
    return GoOff(at=at("11:00"), user=user, by=by, lead=lead)


def split(**shares: tuple[str, ...]) -> SplitCandidates:
    return SplitCandidates(at=at("9:10"), by="mary", shares=shares, sessions=SESSIONS)


def offer(user: str = "grace", to: str = "alan", by: str = "grace", *, lead: bool = False) -> OfferHandOver:
    return OfferHandOver(
        at=at("10:00"), hand_over="h1", user=user, to=to, by=by, standing=STANDING, assigned=ASSIGNED, lead=lead
    )


def accept(by: str, assigned: frozenset[str] = ASSIGNED) -> AcceptHandOver:
    return AcceptHandOver(at=at("10:01"), hand_over="h1", by=by, standing=STANDING, assigned=assigned)


def withdraw(by: str, *, lead: bool = False) -> WithdrawHandOver:
    return WithdrawHandOver(at=at("10:01"), hand_over="h1", by=by, lead=lead)


def answering(session: str, *events: DutyEvent) -> tuple[str, ...]:
    return given(DECIDER, *events).state.answering(session)


def test_an_invigilator_comes_on_and_goes_off_and_saying_it_twice_changes_nothing() -> None:
    given(DECIDER).when(come("grace", "grace")).then(OnDuty(user="grace", at=at("9:05"), by="grace"))
    given(DECIDER, GRACE).when(come("grace", "grace")).then_nothing()
    left = OffDuty(user="grace", at=at("11:00"), by="grace", why="left")
    given(DECIDER, GRACE).when(go("grace", "grace")).then(left)
    given(DECIDER, GRACE, left).when(go("grace", "grace")).then_nothing()


def test_a_lead_puts_others_on_and_off_and_nobody_else_does() -> None:
    given(DECIDER).when(come("alan", "mary", lead=True)).then(ALAN)
    given(DECIDER, ALAN).when(go("alan", "mary", lead=True)).then(
        OffDuty(user="alan", at=at("11:00"), by="mary", why="left")
    )
    given(DECIDER).when(come("alan", "grace")).refused("only a lead", field="user")
    given(DECIDER, ALAN).when(go("alan", "grace")).refused("only a lead", field="user")


def test_only_invigilators_of_the_schedule_are_on_duty() -> None:
    given(DECIDER).when(come("kurt", "kurt")).refused("invigilator of this schedule", field="user")
    given(DECIDER).when(come("kurt", "mary", lead=True)).refused("invigilator of this schedule", field="user")


def test_without_a_split_everybody_on_duty_answers_for_everybody() -> None:
    assert answering("s1") == ()
    assert answering("s1", GRACE) == ("grace",)
    assert answering("s1", GRACE, ALAN) == ("alan", "grace")


def test_who_has_a_list_answers_for_it_and_the_others_for_all_others() -> None:
    shared = CandidatesSplit(at=at("9:10"), by="mary", shares={"grace": ("s1", "s2")})
    given(DECIDER, GRACE, ALAN).when(split(grace=("s1", "s2"))).then(shared)
    given(DECIDER, GRACE, ALAN, shared).when(split(grace=("s1", "s2"))).then_nothing()
    assert answering("s1", GRACE, ALAN, shared) == ("grace",)
    assert answering("s3", GRACE, ALAN, shared) == ("alan",)
    gone = OffDuty(user="grace", at=at("11:00"), by="grace", why="left")
    assert answering("s1", GRACE, ALAN, shared, gone) == ("alan",)
    assert answering("s1", GRACE, ALAN, shared, gone, GRACE) == ("alan", "grace")


def test_whoever_is_on_no_list_is_still_answered_for() -> None:
    shared = CandidatesSplit(at=at("9:10"), by="mary", shares={"grace": ("s1",), "alan": ("s2",)})
    assert answering("s3", GRACE, ALAN, shared) == ("alan", "grace")


def test_a_split_is_between_people_on_duty_and_sessions_of_the_schedule_each_once() -> None:
    given(DECIDER, GRACE).when(split(alan=("s1",))).refused("on duty", field="shares.alan")
    given(DECIDER, GRACE).when(split(grace=("s1", "s9"))).refused("no such", field="shares.grace.1", kind="invalid")
    twice = split(grace=("s1",), alan=("s2", "s1"))
    given(DECIDER, GRACE, ALAN).when(twice).refused("one person", field="shares.alan.1", kind="invalid")


def test_a_hand_over_is_offered_and_holds_once_the_next_person_has_accepted() -> None:
    given(DECIDER, GRACE).when(offer()).then(OFFERED)
    given(DECIDER, GRACE, OFFERED).when(offer()).then_nothing()
    assert answering("s1", GRACE, OFFERED) == ("grace",)
    given(DECIDER, GRACE, OFFERED).when(accept("alan")).then(HANDED)
    given(DECIDER, GRACE, OFFERED, HANDED).when(accept("alan")).then_nothing()
    assert answering("s1", GRACE, OFFERED, HANDED) == ("alan",)


def test_only_the_one_it_is_offered_to_accepts_and_only_while_assigned() -> None:
    given(DECIDER, GRACE, OFFERED).when(accept("mary")).refused("somebody else")
    given(DECIDER, GRACE, OFFERED).when(accept("alan", frozenset({"grace"}))).refused("invigilator of this schedule")
    given(DECIDER, GRACE).when(accept("alan")).refused("no such", field="hand_over", kind="not_found")


def test_an_offer_is_taken_back_or_declined() -> None:
    for by, lead in (("grace", False), ("alan", False), ("mary", True)):
        expected = HandOverWithdrawn(hand_over="h1", at=at("10:01"), by=by)
        given(DECIDER, GRACE, OFFERED).when(withdraw(by, lead=lead)).then(expected)
    given(DECIDER, GRACE, OFFERED).when(withdraw("mary")).refused("can take an offer back")
    given(DECIDER, GRACE, OFFERED, WITHDRAWN).when(withdraw("alan")).then_nothing()
    given(DECIDER, GRACE, OFFERED, WITHDRAWN).when(accept("alan")).refused("has been withdrawn")
    given(DECIDER, GRACE, OFFERED, HANDED).when(withdraw("grace")).refused("has been accepted")


def test_duty_is_handed_over_by_who_has_it_to_another_invigilator_of_the_schedule() -> None:
    given(DECIDER).when(offer()).refused("on duty can hand over", field="user")
    given(DECIDER, GRACE).when(offer(to="grace")).refused("another person", field="to", kind="invalid")
    given(DECIDER, GRACE).when(offer(to="kurt")).refused("invigilator of this schedule", field="to")
    given(DECIDER, GRACE).when(offer(by="alan")).refused("only a lead", field="user")
    ordered = HandOverOffered(hand_over="h1", user="grace", to="alan", at=at("10:00"), by="mary", standing=STANDING)
    given(DECIDER, GRACE).when(offer(by="mary", lead=True)).then(ordered)


def test_an_offer_to_another_person_replaces_the_one_before() -> None:
    second = HandOverOffered(hand_over="h2", user="grace", to="mary", at=at("10:01"), by="grace", standing=STANDING)
    given(DECIDER, GRACE, OFFERED, second).when(accept("alan")).refused("has been withdrawn")
    assert list(given(DECIDER, GRACE, OFFERED, second).state.offers) == ["h2"]


@pytest.mark.parametrize(
    ("before", "lists"),
    [
        ((), {"alan": ("s1",)}),
        ((ALAN, CandidatesSplit(at=at("9:10"), by="mary", shares={"grace": ("s1",), "alan": ("s2",)})),
         {"alan": ("s2", "s1")}),
        ((ALAN, CandidatesSplit(at=at("9:10"), by="mary", shares={"grace": ("s1",)})), {}),
        ((ALAN, CandidatesSplit(at=at("9:10"), by="mary", shares={"alan": ("s1",)})), {}),
    ],
    ids=["new person takes the list", "two lists become one", "to somebody without a list", "from somebody without"],
)  # fmt: skip
def test_who_takes_over_answers_for_what_the_other_answered_for(
    before: tuple[DutyEvent, ...], lists: dict[str, tuple[str, ...]]
) -> None:
    first = before or (CandidatesSplit(at=at("9:10"), by="mary", shares={"grace": ("s1",)}),)
    state = given(DECIDER, GRACE, *first, OFFERED, HANDED).state
    assert set(state.on) == {"alan"}
    assert state.shares == lists
    assert all(state.answering(session) == ("alan",) for session in SESSIONS)


def test_who_is_removed_from_the_schedule_is_off_duty_and_takes_nothing_over() -> None:
    def removed(user: str) -> GoOff:
        return GoOff(at=at("10:01"), user=user, by="planner", why="removed")

    gone = OffDuty(user="grace", at=at("10:01"), by="planner", why="removed")
    given(DECIDER, GRACE, OFFERED).when(removed("grace")).then(gone)
    given(DECIDER, GRACE, OFFERED, gone).when(accept("alan")).refused("has been withdrawn")
    given(DECIDER, GRACE, OFFERED).when(removed("alan")).then(
        HandOverWithdrawn(hand_over="h1", at=at("10:01"), by="planner")
    )
    given(DECIDER, GRACE).when(removed("kurt")).then_nothing()
