"""What reaches furthest is on only where a planner has said why."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from domain.event import Refused
from domain.policy import DetectorSetting, Policy, must_hold
from domain.policy_template import DECIDER as TEMPLATE
from domain.policy_template import Create as CreateTemplate
from domain.schedule import DECIDER as SCHEDULE
from domain.schedule import SetPolicy
from domain.sensitive import switched_on
from tests.domain.given import given
from tests.domain.test_schedule import CREATED

BARE = Policy(room_scan=True)
REASONED = Policy(room_scan=True, reasons={"room_scan": "Books are forbidden, and desks are not ours."})
Reaching = Literal["looking_away", "face_not_visible", "voice"]
RULE = "room_scan is off unless a reason is given"


def test_it_is_off_by_default() -> None:
    assert switched_on(Policy()) == ()
    must_hold(Policy())


def test_a_reason_switches_it_on() -> None:
    assert switched_on(REASONED) == ("room_scan",)
    must_hold(REASONED)


@pytest.mark.parametrize("policy", [BARE, Policy(room_scan=True, reasons={"room_scan": "  ", "voice": "Why not?"})])
def test_without_its_own_reason_it_stays_off(policy: Policy) -> None:
    with pytest.raises(Refused, match=RULE) as refusal:
        must_hold(policy)
    assert (refusal.value.field, refusal.value.kind) == ("reasons.room_scan", "invalid")


def test_the_same_holds_for_a_schedule_and_for_a_template() -> None:
    given(SCHEDULE, CREATED).when(SetPolicy(policy=BARE)).refused(RULE, field="reasons.room_scan", kind="invalid")
    create = CreateTemplate(name="High risk", policy=BARE)
    given(TEMPLATE).when(create).refused(RULE, field="policy.reasons.room_scan", kind="invalid")


@pytest.mark.parametrize("kind", ["looking_away", "face_not_visible", "voice"])
def test_what_is_read_from_a_face_or_heard_is_off_until_somebody_says_why_the_exam_needs_it(
    kind: Reaching,
) -> None:
    policy = Policy(detectors=(DetectorSetting(kind=kind),))
    with pytest.raises(Refused, match=f"{kind} is off unless a reason is given"):
        must_hold(policy)
    must_hold(replace(policy, reasons={kind: "An oral exam: the examiner looks at the candidate."}))
