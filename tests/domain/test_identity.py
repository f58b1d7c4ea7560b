"""The identity check: two pictures, the first decision holds, and what was left open is for a reviewer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain import session_rules
from domain.accommodation import Accommodated, Accommodation
from domain.device import DeviceAdmitted
from domain.identity import (
    HELD,
    IdentityApproved,
    IdentityCaptured,
    IdentityDeferred,
    IdentityDisputed,
    IdentityRejected,
    IdentitySettled,
    IdentityTaken,
    ReferenceSet,
    owed,
)
from domain.identity_rules import (
    ApproveIdentity,
    Capture,
    DecideIdentity,
    DeferIdentity,
    DisputeIdentity,
    RejectIdentity,
    SetReference,
    SettleIdentity,
    TakeIdentity,
)
from domain.notice import notice
from domain.policy import Policy
from domain.session import Ended, SessionEvent, Submitted
from domain.session_rules import Expire
from tests.domain.given import given
from tests.domain.hall import WINDOW, at, private
from tests.domain.sitting import CHECKING, EXPECTED, READY, RUNNING, START, STARTED, SUBMITTED

DECIDER = session_rules.DECIDER
ASKS = Policy(identity=True)
GO = replace(START, policy=ASKS)
WHY = private("The document is too dark.")


def captured(picture: str, when: str = "9:02", take: int = 1) -> IdentityCaptured:
    return IdentityCaptured(at=at(when), picture=picture, object_key=f"{picture}-{take}", sha256="5f" * 32)  # type: ignore[arg-type]


def capture(picture: str, when: str = "9:02", take: int = 1) -> Capture:
    return Capture(at=at(when), picture=picture, object_key=f"{picture}-{take}", sha256="5f" * 32, asked=True)  # type: ignore[arg-type]


PICTURES = (captured("photo"), captured("document"))
AGAIN = (captured("photo", "9:07", 2), captured("document", "9:07", 2))
SHOWN: tuple[SessionEvent, ...] = (*READY, *PICTURES)
APPROVED = IdentityApproved(at=at("9:05"), by="turing", route="pictures")
REJECTED = IdentityRejected(at=at("9:05"), by="turing", reason=WHY)
DEFERRED = IdentityDeferred(at=at("9:05"), by="turing")
DISPUTED = IdentityDisputed(at=at("9:40"), by="turing", reason=WHY)
SAT = (*SHOWN, APPROVED, replace(STARTED, policy=ASKS))
SAT_DEFERRED = (*SHOWN, DEFERRED, replace(STARTED, policy=ASKS))
DECISIONS: dict[str, DecideIdentity] = {
    "approved": ApproveIdentity(at=at("9:05"), by="turing"),
    "rejected": RejectIdentity(at=at("9:05"), by="turing", reason=WHY),
    "deferred": DeferIdentity(at=at("9:05"), by="turing"),
}


def test_pictures_are_taken_after_the_notice_and_only_where_the_policy_asks() -> None:
    given(DECIDER, *EXPECTED).when(capture("photo")).refused("acknowledge the notice", field="notice")
    given(DECIDER, *CHECKING).when(replace(capture("photo"), asked=False)).refused("no identity", field="identity")
    given(DECIDER, *CHECKING).when(capture("photo")).then(captured("photo"))
    given(DECIDER, *CHECKING, captured("photo")).when(capture("photo")).then_nothing()
    given(DECIDER, *SHOWN).when(capture("photo", take=2)).then(captured("photo", take=2))
    given(DECIDER, *SHOWN, APPROVED).when(capture("photo", take=2)).refused("approved already", field="identity")


def test_nobody_starts_before_somebody_has_looked() -> None:
    given(DECIDER, *READY).when(START).then(STARTED)
    given(DECIDER, *READY).when(GO).refused("take the pictures", field="identity")
    given(DECIDER, *READY, captured("photo")).when(GO).refused("take the pictures", field="identity")
    given(DECIDER, *SHOWN).when(GO).refused("looking at your pictures", field="identity")
    given(DECIDER, *SHOWN, REJECTED).when(GO).refused("take new ones", field="identity")
    given(DECIDER, *SHOWN, REJECTED, *AGAIN).when(GO).refused("looking at your pictures", field="identity")
    begun = replace(STARTED, policy=ASKS)
    for lets_in in (APPROVED, DEFERRED):
        given(DECIDER, *SHOWN, lets_in).when(GO).then(begun)
    given(DECIDER, *SHOWN, REJECTED, *AGAIN, APPROVED).when(GO).then(begun)


@pytest.mark.parametrize(("first", "then"), [("approved", APPROVED), ("rejected", REJECTED), ("deferred", DEFERRED)])
def test_the_first_decision_holds_and_who_comes_second_is_told(first: str, then: SessionEvent) -> None:
    given(DECIDER, *SHOWN).when(DECISIONS[first]).then(then)
    for second, decision in DECISIONS.items():
        late = given(DECIDER, *SHOWN, then).when(replace(decision, by="lovelace"))
        if second == first:
            late.then_nothing()
        elif (first, second) == ("deferred", "approved"):
            late.then(replace(APPROVED, by="lovelace"))
        elif (first, second) == ("deferred", "rejected"):
            late.then(replace(REJECTED, by="lovelace"))
        elif (first, second) == ("rejected", "deferred"):
            late.then(replace(DEFERRED, by="lovelace"))
        else:
            late.refused(f"turing has {first} it already", field="decision")


def test_without_pictures_a_person_says_how_they_know() -> None:
    given(DECIDER, *READY).when(DECISIONS["approved"]).refused("which other route", field="route")
    given(DECIDER, *READY).when(DECISIONS["rejected"]).refused("no pictures", field="identity")
    in_person = ApproveIdentity(at=at("9:05"), by="turing", route="in_person")
    given(DECIDER, *READY).when(in_person).then(replace(APPROVED, route="in_person"))
    other = replace(in_person, route="other")
    given(DECIDER, *READY).when(other).refused("say how", field="reason", kind="invalid")
    given(DECIDER, *READY).when(replace(other, reason=WHY)).then(replace(APPROVED, route="other", reason=WHY))


def test_whom_an_accommodation_spares_the_pictures_is_seen_by_a_person() -> None:
    spared = Accommodated(at=at("8:50"), accommodation=Accommodation(identity_route="video_call"))
    given(DECIDER, *READY, spared).when(GO).refused("you need no pictures", field="identity")
    take = TakeIdentity(at=at("9:04"), by="turing")
    given(DECIDER, *READY, spared).when(take).then(IdentityTaken(at=at("9:04"), by="turing"))
    seen = ApproveIdentity(at=at("9:05"), by="turing", route="video_call")
    given(DECIDER, *READY, spared).when(seen).then(replace(APPROVED, route="video_call"))
    answer = given(DECIDER, *READY, spared, replace(APPROVED, route="video_call")).when(GO)
    assert answer.events[0] == replace(STARTED, policy=ASKS)


def test_what_somebody_looks_at_nobody_else_is_given_for_a_minute() -> None:
    take, taken = TakeIdentity(at=at("9:04"), by="turing"), IdentityTaken(at=at("9:04"), by="turing")
    given(DECIDER, *READY).when(take).refused("nothing to look at", field="identity")
    given(DECIDER, *SHOWN).when(take).then(taken)
    held = given(DECIDER, *SHOWN, taken)
    held.when(take).then_nothing()
    held.when(replace(take, by="lovelace")).refused("turing is looking at it", field="taken_by")
    later = at("9:04") + HELD
    held.when(replace(take, by="lovelace", at=later)).then(IdentityTaken(at=later, by="lovelace"))
    half = at("9:04") + HELD / 2
    held.when(replace(take, at=half)).then(IdentityTaken(at=half, by="turing"))
    given(DECIDER, *SHOWN, taken, APPROVED).when(take).refused("turing has approved", field="decision")
    given(DECIDER, *SHOWN, taken, *AGAIN).when(replace(take, by="lovelace")).then(replace(taken, by="lovelace"))


def test_a_doubt_stops_nobody_and_is_settled_by_a_reviewer() -> None:
    doubt = DisputeIdentity(at=at("9:40"), by="turing", reason=WHY)
    given(DECIDER, *SHOWN).when(doubt).refused("reject the pictures", field="decision")
    given(DECIDER, *SAT).when(doubt).then(DISPUTED)
    disputed = given(DECIDER, *SAT, DISPUTED)
    assert disputed.state.phase == "in_progress"
    disputed.when(DECISIONS["approved"]).refused("turing has disputed it already", field="decision")
    settle = SettleIdentity(at=at("10:00"), by="hopper", finding="same_person", reason=WHY)
    settled = IdentitySettled(at=at("10:00"), by="hopper", finding="same_person", reason=WHY)
    disputed.when(settle).then(settled)
    given(DECIDER, *SAT, DISPUTED, settled).when(settle).then_nothing()
    other = replace(settle, finding="cannot_tell")
    given(DECIDER, *SAT, DISPUTED, settled).when(other).then(replace(settled, finding="cannot_tell"))
    given(DECIDER, *SAT).when(settle).refused("left open", field="identity")


def test_what_nobody_decided_by_the_end_is_owed_and_no_invigilator_decides_it_then() -> None:
    over = Submitted(at=at("10:30"), by="candidate")
    left_open = given(DECIDER, *SAT_DEFERRED, over)
    assert owed(left_open.state.identity, "submitted", started=True)
    assert not owed(given(DECIDER, *SAT_DEFERRED).state.identity, "in_progress", started=True)
    assert not owed(given(DECIDER, *SAT, over).state.identity, "submitted", started=True)
    left_open.when(DECISIONS["approved"]).refused("a reviewer decides now")
    settle = SettleIdentity(at=at("11:00"), by="hopper", finding="same_person", reason=WHY)
    left_open.when(settle).then(IdentitySettled(at=at("11:00"), by="hopper", finding="same_person", reason=WHY))
    given(DECIDER, *SUBMITTED).when(settle).refused("left open", field="identity")


def test_on_another_device_the_identity_is_checked_again_while_the_exam_goes_on() -> None:
    again = IdentityDeferred(at=at("9:30"), by="turing", retake=True)
    moved = (*SAT, DeviceAdmitted(at=at("9:30"), device="b", by="turing"), again)
    state = given(DECIDER, *moved).state
    assert state.phase == "in_progress"
    assert (state.identity.standing, state.identity.pictures) == ("deferred", {})
    assert not state.identity.undecided
    assert given(DECIDER, *moved, *AGAIN).state.identity.undecided


def test_a_reference_photo_can_be_replaced_until_the_end() -> None:
    order, stored = SetReference(object_key="r1", sha256="5f"), ReferenceSet(object_key="r1", sha256="5f")
    given(DECIDER, *EXPECTED).when(order).then(stored)
    given(DECIDER, *EXPECTED, stored).when(order).then_nothing()
    given(DECIDER, *RUNNING, stored).when(replace(order, object_key="r2")).then(replace(stored, object_key="r2"))
    given(DECIDER, *SUBMITTED).when(order).refused("past its identity check")


def test_who_came_for_the_check_before_the_last_entry_is_in_time_however_long_the_queue() -> None:
    late = replace(GO, at=WINDOW.last_entry_at + timedelta(minutes=10))
    begun = replace(STARTED, at=late.at, policy=ASKS)
    given(DECIDER, *SHOWN, APPROVED).when(late).then(begun)
    after = tuple(replace(event, at=at("9:31")) for event in PICTURES)
    given(DECIDER, *READY, *after, APPROVED).when(late).refused("last entry", field="window.last_entry_at")
    speak = Expire(at=late.at, last_entry_at=WINDOW.last_entry_at, closes_at=WINDOW.closes_at)
    given(DECIDER, *SHOWN).when(speak).then_nothing()
    given(DECIDER, *READY).when(speak).then(Ended(at=late.at, why="no_show"))
    closed = WINDOW.closes_at + timedelta(minutes=1)
    given(DECIDER, *SHOWN).when(replace(speak, at=closed)).then(Ended(at=closed, why="no_show"))


def test_the_notice_says_what_happens_to_the_pictures_where_they_are_asked_for() -> None:
    assert "no program compares them" in notice(ASKS)
    assert "identity" not in notice(Policy())
