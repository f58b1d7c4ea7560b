"""Legal bases and consent: what rests on what, who is asked for what, and what stays silent without a yes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.advice import ADVICE, alternative
from domain.consent import (
    AnswerConsent,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    ObjectionRaised,
    RaiseObjection,
    silent,
)
from domain.contact import Contact
from domain.event import Refused
from domain.muting import DetectorMuted, MuteDetector
from domain.next_step import next_step
from domain.notice import notice
from domain.observation import observed
from domain.onboarding import NoticeAcknowledged
from domain.policy import DetectorSetting, Policy, must_hold
from domain.purpose import asked, basis_of, does
from domain.session_rules import DECIDER
from tests.domain.given import given
from tests.domain.hall import POLICY, at, private
from tests.domain.sitting import (
    CHECKING,
    EXPECTED,
    NOTICE,
    OVER,
    READY,
    RUNNING,
    START,
    STARTED,
    SUBMITTED,
)

ASKS = Policy(bases={"ai_flags": "consent"})
STARTED_SO = replace(STARTED, policy=ASKS)
YES = AnswerConsent(at=at("9:04"), purpose="ai_flags", agreed=True, policy=ASKS)
NO = replace(YES, agreed=False)
GIVEN = ConsentGiven(at=at("9:04"), purpose="ai_flags")
REFUSED = ConsentRefused(at=at("9:04"), purpose="ai_flags")
LATER = replace(NO, at=at("10:00"))
WITHDRAWN = ConsentWithdrawn(at=at("10:00"), purpose="ai_flags")
MEASURES = replace(POLICY, detectors=(DetectorSetting(kind="looking_away"),))


def muted(when: str) -> tuple[DetectorMuted, ...]:
    kinds = ("out_of_view", "several_people")
    return tuple(DetectorMuted(at=at(when), kind=kind, why="consent") for kind in kinds)  # type: ignore[arg-type]


def test_a_purpose_rests_on_its_own_basis_or_on_that_of_the_policy() -> None:
    policy = Policy(legal_basis="contract", bases={"recording": "public_task"})
    assert basis_of(policy, "recording") == "public_task"
    assert basis_of(policy, "live_view") == "contract"
    assert basis_of(policy, "face_geometry") == "consent"
    assert does(Policy(camera=False, screen=False, detectors=())) == ()
    assert does(Policy(identity=True)) == ("live_view", "recording", "ai_flags", "identity")
    assert does(MEASURES) == ("live_view", "recording", "ai_flags", "face_geometry")


def test_the_notice_tells_the_basis_of_each_purpose_where_they_differ() -> None:
    lines = notice(Policy(bases={"recording": "legitimate_interests", "ai_flags": "consent"})).splitlines()[-5:]
    assert lines == [
        "To let invigilators see you live, the legal basis is a task in the public interest (GDPR art. 6(1)(e)).",
        "To record you, the legal basis is our legitimate interest in a fair exam (GDPR art. 6(1)(f)).",
        (
            "To let a program point things out, the legal basis is your consent, which you can withdraw "
            "(GDPR art. 6(1)(a))."
        ),
        "For everything else the legal basis is a task in the public interest (GDPR art. 6(1)(e)).",
        "We ask you for your consent apart from this notice. You sit the exam all the same if you say no.",
    ]


def test_the_notice_of_a_policy_with_one_basis_is_what_it_was() -> None:
    assert notice(Policy()).splitlines()[-1] == "The legal basis is a task in the public interest (GDPR art. 6(1)(e))."


def test_the_notice_tells_the_alternative_that_the_planner_wrote() -> None:
    assert notice(Policy(alternative="An oral exam.")).splitlines()[-1] == "If you do not want this: An oral exam."


@pytest.mark.parametrize("purpose", ["live_view", "recording", "identity"])
def test_what_cannot_be_left_out_does_not_rest_on_consent(purpose: str) -> None:
    with pytest.raises(Refused, match="would not be free") as refusal:
        must_hold(Policy(bases={purpose: "consent"}))  # type: ignore[dict-item]
    assert (refusal.value.field, refusal.value.kind) == (f"bases.{purpose}", "invalid")


def test_measuring_a_face_rests_on_consent_alone() -> None:
    with pytest.raises(Refused, match="rests on consent alone"):
        must_hold(Policy(bases={"face_geometry": "public_task"}))
    assert asked(MEASURES) == ("face_geometry",)
    assert silent(MEASURES, {}) == {"looking_away": "consent"}


def test_consent_is_asked_only_where_a_purpose_rests_on_it() -> None:
    assert asked(Policy()) == asked(Policy(legal_basis="consent")) == asked(replace(ASKS, detectors=())) == ()
    assert asked(ASKS) == ("ai_flags",)
    unasked = replace(YES, policy=Policy())
    given(DECIDER, *CHECKING).when(unasked).refused("does not ask for your consent", field="purpose")


def test_a_yes_and_a_no_are_kept_and_said_twice_they_happen_once() -> None:
    given(DECIDER, *CHECKING).when(YES).then(GIVEN)
    given(DECIDER, *CHECKING, GIVEN).when(YES).then_nothing()
    given(DECIDER, *CHECKING).when(NO).then(REFUSED)
    given(DECIDER, *CHECKING, REFUSED).when(NO).then_nothing()
    given(DECIDER, *CHECKING, REFUSED).when(YES).then(GIVEN)
    given(DECIDER, *CHECKING, GIVEN).when(LATER).then(WITHDRAWN)


def test_the_notice_comes_first_and_another_one_asks_again() -> None:
    given(DECIDER, *EXPECTED).when(YES).refused("acknowledge the notice", field="notice")
    another = NoticeAcknowledged(policy_version=2, sha256="6f" * 32)
    assert given(DECIDER, *CHECKING, GIVEN, another).state.consents == {}


def test_who_has_not_agreed_sits_the_exam_and_what_rests_on_it_is_silent() -> None:
    start = replace(START, policy=ASKS)
    asks = replace(STARTED_SO, at=at("9:10"))
    given(DECIDER, *READY, REFUSED).when(start).then(asks, *muted("9:10"))
    given(DECIDER, *READY).when(start).then(asks, *muted("9:10"))
    given(DECIDER, *READY, GIVEN).when(start).then(asks)


def test_consent_is_withdrawn_in_the_exam_and_what_rests_on_it_falls_silent() -> None:
    running = (*READY, GIVEN, STARTED_SO)
    given(DECIDER, *running).when(LATER).then(WITHDRAWN, *muted("10:00"))
    after = given(DECIDER, *running, WITHDRAWN, *muted("10:00"))
    assert observed(after.state) == frozenset()
    assert observed(after.state, at("9:30")) == {"out_of_view", "several_people"}
    after.when(LATER).then_nothing()
    after.when(replace(YES, at=at("10:05"))).refused("stays off while this exam runs", field="purpose")
    off = MuteDetector(at=at("10:10"), kind="out_of_view")
    after.when(off).then(DetectorMuted(at=at("10:10"), kind="out_of_view"))


@pytest.mark.parametrize("history", OVER.values(), ids=OVER)
def test_a_session_that_is_over_asks_for_nothing(history: tuple[object, ...]) -> None:
    given(DECIDER, *history).when(YES).refused("asks for no consent any more")  # type: ignore[arg-type]


def test_an_objection_is_raised_at_any_time_once() -> None:
    words = RaiseObjection(at=at("10:00"), text=private("My flatmate is in the picture."))
    told = ObjectionRaised(at=at("10:00"), text=words.text)
    for history in (CHECKING, RUNNING, SUBMITTED):
        given(DECIDER, *history).when(words).then(told)
        given(DECIDER, *history, told).when(words).then_nothing()
    long = replace(words, text=private("x" * 2001))
    given(DECIDER, *RUNNING).when(long).refused("at most 2000 characters", field="text", kind="invalid")


def test_onboarding_goes_on_where_it_stopped() -> None:
    def step(*history: object, policy: Policy = POLICY) -> str:
        return next_step(given(DECIDER, *history).state, policy, (1, NOTICE))  # type: ignore[arg-type]

    assert step(*EXPECTED) == "notice"
    assert step(*CHECKING) == "system_check"
    assert step(*CHECKING, policy=ASKS) == "consent"
    assert step(*CHECKING, REFUSED, policy=ASKS) == "system_check"
    assert step(*READY, policy=Policy(identity=True)) == "identity"
    assert step(*READY) == "start"
    assert step(*RUNNING) == "exam"
    assert step(*SUBMITTED) == "over"
    assert next_step(given(DECIDER, *READY).state, POLICY, (2, NOTICE)) == "notice"


def test_every_check_has_its_advice_and_who_declines_an_alternative() -> None:
    assert all(text.endswith(".") for text in ADVICE.values())
    assert alternative(Policy(alternative="An oral exam."), Contact(phone="1")) == "An oral exam."
    told = "Ask your examination office for another way to take this exam"
    assert alternative(Policy(), Contact()) == f"{told}."
    assert alternative(Policy(), Contact(phone="+43 1", email="a@b")) == f"{told}: +43 1 or a@b."
