"""A person's request: who may decide what, in which order, and that erasing takes two people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.event import Private
from domain.request import (
    DECIDER,
    Answer,
    Answered,
    CheckIdentity,
    Execute,
    Executed,
    ExecutionAsked,
    Grant,
    Granted,
    GrantedInPart,
    IdentityChecked,
    Kind,
    Receive,
    Received,
    Refuse,
    RequestRefused,
    a_month_after,
)
from tests.domain.given import given
from tests.domain.hall import at

NINE = at("9:00")
TEXT = Private("ada", "We have erased it.", session="q1", key_class="notes")
CHECKED = IdentityChecked(at=NINE, by="dora", proof="document")
GRANTED = Granted(at=NINE, by="dora")
ASKED = ExecutionAsked(at=NINE, by="dora", officer=True)
EXECUTED = Executed(at=NINE, by=("dora", "adam"), sessions=("s1",))


def received(kind: Kind = "erasure") -> Received:
    return Received(
        at=NINE, by="dora", kind=kind, subject="ada", channel="letter", due_at=a_month_after(NINE), session="s1"
    )


def execute(by: str, *, officer: bool = False) -> Execute:
    return Execute(at=NINE, by=by, officer=officer, sessions=("s1",))


def test_a_request_is_received_once_and_due_in_a_month() -> None:
    receive = Receive(at=NINE, by="dora", kind="erasure", subject="ada", channel="letter", session="s1")
    given(DECIDER).when(receive).then(received())
    given(DECIDER, received()).when(receive).then_nothing()
    given(DECIDER).when(CheckIdentity(at=NINE, by="dora", proof="document")).refused(
        "no such request", field="data_request", kind="not_found"
    )


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-01-31", "2026-02-28"), ("2026-12-31", "2027-01-31"), ("2028-01-30", "2028-02-29"),
    ],
)  # fmt: skip
def test_a_month_is_a_month_of_the_calendar(day: str, due: str) -> None:
    assert a_month_after(datetime.fromisoformat(day).replace(tzinfo=UTC)).date().isoformat() == due


def test_it_is_granted_only_to_whom_it_is_theirs_and_decided_once() -> None:
    grant = Grant(at=NINE, by="dora")
    given(DECIDER, received()).when(grant).refused("check first")
    given(DECIDER, received(), CHECKED).when(grant).then(GRANTED)
    given(DECIDER, received(), CHECKED, GRANTED).when(grant).then_nothing()
    in_part = Grant(at=NINE, by="dora", ground="17(3)(e)")
    given(DECIDER, received(), CHECKED).when(in_part).then(GrantedInPart(at=NINE, by="dora", ground="17(3)(e)"))
    given(DECIDER, received(), CHECKED, GRANTED).when(in_part).refused("decided otherwise")


def test_it_can_be_refused_because_nobody_knows_who_asks() -> None:
    refuse = Refuse(at=NINE, by="dora", ground="12(2)")
    refused = RequestRefused(at=NINE, by="dora", ground="12(2)")
    given(DECIDER, received()).when(refuse).then(refused)
    given(DECIDER, received(), refused).when(refuse).then_nothing()
    given(DECIDER, received(), CHECKED, GRANTED).when(refuse).refused("decided otherwise")
    given(DECIDER, received(), refused).when(execute("dora", officer=True)).refused("only what was granted")


def test_erasing_takes_two_people_one_of_them_the_officer() -> None:
    before = (received(), CHECKED, GRANTED)
    given(DECIDER, *before).when(execute("dora", officer=True)).then(ASKED)
    given(DECIDER, *before, ASKED).when(execute("dora", officer=True)).then_nothing()
    given(DECIDER, *before, ASKED).when(execute("adam")).then(EXECUTED)
    given(DECIDER, *before, ASKED, EXECUTED).when(execute("adam")).then_nothing()
    other = ExecutionAsked(at=NINE, by="bob", officer=False)
    given(DECIDER, *before, other).when(execute("adam")).refused("data-protection officer")
    given(DECIDER, received(), CHECKED).when(execute("dora", officer=True)).refused("only what was granted")


def test_what_else_is_granted_the_officer_executes() -> None:
    before = (received("restriction"), CHECKED, GRANTED)
    given(DECIDER, *before).when(execute("adam")).refused("officer")
    alone = Executed(at=NINE, by=("dora",), sessions=("s1",))
    given(DECIDER, *before).when(execute("dora", officer=True)).then(alone)


def test_an_answer_comes_last_and_once() -> None:
    answer = Answer(at=NINE, by="dora", text=TEXT)
    before = (received(), CHECKED, GRANTED, ASKED, EXECUTED)
    given(DECIDER, *before[:-1]).when(answer).refused("execute or refuse")
    answered = Answered(at=NINE, by="dora", text=TEXT)
    given(DECIDER, *before).when(answer).then(answered)
    given(DECIDER, *before, answered).when(answer).then_nothing()
    other = Private("ada", "Something else.", session="q1", key_class="notes")
    given(DECIDER, *before, answered).when(Answer(at=NINE, by="dora", text=other)).refused("has been answered")
    empty = Private("ada", "  ", session="q1", key_class="notes")
    given(DECIDER, *before).when(Answer(at=NINE, by="dora", text=empty)).refused(
        "says something", field="text", kind="invalid"
    )
