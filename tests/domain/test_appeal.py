"""An appeal: by the candidate, in time, once for each decision; answered by somebody who stood apart."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.appeal import (
    AnswerAppeal,
    AppealAnswered,
    AppealAttached,
    Appealed,
    Appeals,
    AppealWithdrawn,
    AttachToAppeal,
    MakeAppeal,
    RecordLinkRenewed,
    RenewRecordLink,
    WithdrawAppeal,
    closes_at,
    evolve,
    read_until,
)
from domain.record import DECIDER
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.test_record import SEALED

DAYS = timedelta(days=28)
NOON = at("12:00")
TEXT = private("It was my brother who came in.")
MAKE = MakeAppeal(appeal="a1", text=TEXT, by="ada", at=at("14:00"), closes_at=NOON + DAYS, decision=1, incident="i1")
MADE = Appealed(appeal="a1", text=TEXT, by="ada", at=at("14:00"), decision=1, incident="i1")
ATTACH = AttachToAppeal(
    appeal="a1", number=1, at=at("14:01"), kind="application/pdf", bytes=9, object_key="k1", sha256="aa"
)
ATTACHED = AppealAttached(
    appeal="a1", number=1, at=at("14:01"), kind="application/pdf", bytes=9, object_key="k1", sha256="aa"
)
WITHDRAW = WithdrawAppeal(appeal="a1", by="ada", at=at("15:00"))
WITHDRAWN = AppealWithdrawn(appeal="a1", by="ada", at=at("15:00"))
WHY = private("The recording shows him leave at once.")
ANSWER = AnswerAppeal(
    appeal="a1", answer="upheld", reason=WHY, by="noether", at=at("16:00"), watched=frozenset({"turing"}),
    raised=frozenset({"bose"}), judged=frozenset({"curie"}), decided=frozenset({"curie", "bohr"}),
)  # fmt: skip
UPHELD = AppealAnswered(appeal="a1", answer="upheld", reason=WHY, by="noether", at=at("16:00"))
REJECTED = replace(UPHELD, answer="rejected")


def test_a_candidate_appeals_and_saying_it_twice_is_once() -> None:
    given(DECIDER, SEALED).when(MAKE).then(MADE)
    given(DECIDER, SEALED, MADE).when(replace(MAKE, at=at("14:05"))).then_nothing()


def test_one_appeal_is_open_at_a_time_and_each_decision_is_appealed_once() -> None:
    another = replace(MAKE, appeal="a2")
    given(DECIDER, SEALED, MADE).when(another).refused("not answered yet")
    given(DECIDER, SEALED, MADE, REJECTED).when(another).refused("against this has been answered")
    given(DECIDER, SEALED, MADE, REJECTED).when(replace(another, decision=2)).then(
        replace(MADE, appeal="a2", decision=2)
    )
    given(DECIDER, SEALED, MADE, WITHDRAWN).when(another).then(replace(MADE, appeal="a2"))


def test_after_the_period_nobody_appeals() -> None:
    given(DECIDER, SEALED).when(replace(MAKE, at=NOON + DAYS)).refused("the time to appeal was over on 2026-06-29")


def test_an_appeal_takes_five_attachments_and_overwrites_none() -> None:
    given(DECIDER, SEALED, MADE).when(ATTACH).then(ATTACHED)
    given(DECIDER, SEALED, MADE, ATTACHED).when(ATTACH).then_nothing()
    given(DECIDER, SEALED, MADE, ATTACHED).when(replace(ATTACH, object_key="k2")).refused("overwritten", field="number")
    given(DECIDER, SEALED, MADE).when(replace(ATTACH, number=6)).refused("at most 5", field="number")
    given(DECIDER, SEALED).when(ATTACH).refused("no such appeal", field="appeal", kind="not_found")
    for over in (UPHELD, WITHDRAWN):
        given(DECIDER, SEALED, MADE, over).when(ATTACH).refused("answered or withdrawn", field="appeal")


def test_an_appeal_is_withdrawn_until_it_is_answered() -> None:
    given(DECIDER, SEALED, MADE).when(WITHDRAW).then(WITHDRAWN)
    given(DECIDER, SEALED, MADE, WITHDRAWN).when(WITHDRAW).then_nothing()
    given(DECIDER, SEALED, MADE, UPHELD).when(WITHDRAW).refused("has been answered", field="appeal")
    given(DECIDER, SEALED, MADE, WITHDRAWN).when(ANSWER).refused("is withdrawn", field="appeal")


def test_an_appeal_is_answered_once() -> None:
    given(DECIDER, SEALED, MADE).when(ANSWER).then(UPHELD)
    given(DECIDER, SEALED, MADE, UPHELD).when(ANSWER).then_nothing()
    given(DECIDER, SEALED, MADE, UPHELD).when(replace(ANSWER, by="gauss")).refused("is upheld", field="appeal")
    given(DECIDER, SEALED, MADE, UPHELD).when(replace(ANSWER, answer="rejected")).refused("is upheld", field="appeal")


@pytest.mark.parametrize(
    ("who", "did"), [("turing", "watched"), ("bose", "raised an incident"), ("curie", "judged"), ("bohr", "decided")]
)
def test_nobody_answers_who_watched_raised_judged_or_decided(who: str, did: str) -> None:
    given(DECIDER, SEALED, MADE).when(replace(ANSWER, by=who)).refused(f"nobody who {did}", field="by")


def test_a_renewed_link_counts_up() -> None:
    renew = RenewRecordLink(number=1, by="planner", at=NOON)
    renewed = RecordLinkRenewed(number=1, by="planner", at=NOON)
    given(DECIDER).when(renew).then(renewed)
    given(DECIDER, renewed).when(renew).then_nothing()


def test_the_period_counts_from_the_last_decision_and_the_record_stays_open_while_an_answer_is_owed() -> None:
    decided = (at("13:00"),)
    assert closes_at(NOON, (), 28) == NOON + DAYS
    assert closes_at(NOON, decided, 28) == at("13:00") + DAYS
    state = Appeals()
    assert read_until(NOON, decided, 28, state) == at("13:00") + DAYS
    state = evolve(state, MADE)
    assert read_until(NOON, decided, 28, state) is None
    assert read_until(NOON, decided, 28, evolve(state, REJECTED)) == at("16:00") + DAYS
    upheld = evolve(state, UPHELD)
    assert read_until(NOON, decided, 28, upheld) is None  # somebody has to decide anew
    assert read_until(NOON, (*decided, at("17:00")), 28, upheld) == at("17:00") + DAYS
    assert read_until(NOON, decided, 28, evolve(state, WITHDRAWN)) == at("13:00") + DAYS
