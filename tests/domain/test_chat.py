"""The chat: what is said arrives once, is seen once, and nobody floods the other side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.chat import (
    AT_MOST,
    DECIDER,
    LONGEST,
    MarkDelivered,
    MarkRead,
    MessageDelivered,
    MessageRead,
    MessageSent,
    Send,
)
from tests.domain.given import given
from tests.domain.hall import at, private

HELP = private("My screen went black.", "chat")
SEND = Send(message="m1", side="candidate", by="ada", at=at("10:00"), text=HELP)
SENT = MessageSent(message="m1", side="candidate", by="ada", at=at("10:00"), text=HELP)
DELIVERED = MessageDelivered(message="m1")
READ = MessageRead(message="m1", by="turing")


def test_a_candidate_asks_for_help() -> None:
    given(DECIDER).when(SEND).then(SENT)
    given(DECIDER, SENT).when(SEND).then_nothing()


@pytest.mark.parametrize("text", ["", "   \n", None])
def test_a_message_says_something(text: str | None) -> None:
    empty = replace(SEND, text=private(text, "chat"))
    given(DECIDER).when(empty).refused("needs some text", field="text", kind="invalid")


def test_a_message_is_not_a_novel() -> None:
    given(DECIDER).when(replace(SEND, text=private("x" * LONGEST, "chat"))).then(
        replace(SENT, text=private("x" * LONGEST, "chat"))
    )
    novel = replace(SEND, text=private("x" * (LONGEST + 1), "chat"))
    given(DECIDER).when(novel).refused("at most 2000 characters", field="text", kind="invalid")


def test_nobody_floods_the_other_side() -> None:
    flood = [replace(SENT, message=f"f{n}", at=at("9:59") + timedelta(seconds=2 * n)) for n in range(AT_MOST)]
    soon = given(DECIDER, *flood).when(replace(SEND, at=at("9:59:50")))
    soon.refused("wait 10 seconds and send this again: it was not sent", kind="wait")
    assert soon.refusal
    assert soon.refusal.after_s == 10
    given(DECIDER, *flood).when(SEND).then(SENT)  # the first of them is a minute old by now
    answer = replace(SEND, side="invigilator", by="turing", at=at("9:59:50"))
    given(DECIDER, *flood).when(answer).then(replace(SENT, side="invigilator", by="turing", at=at("9:59:50")))


def test_the_limit_of_one_side_holds_however_much_the_other_writes() -> None:
    talk = [
        replace(SENT, message=f"{side}{n}", side=side, at=at("9:59") + timedelta(seconds=n))
        for n in range(AT_MOST)
        for side in ("candidate", "invigilator")
    ]
    given(DECIDER, *talk).when(replace(SEND, at=at("9:59:30"))).refused("wait 30 seconds", kind="wait")


def test_what_an_outage_tells_is_held_back_by_no_limit_and_counts_for_none() -> None:
    flood = [replace(SENT, message=f"f{n}", side="invigilator", at=at("9:59:50")) for n in range(AT_MOST)]
    told, tell = (replace(one, message="o1", side="invigilator", outage="o1") for one in (SENT, SEND))
    given(DECIDER, *flood).when(tell).then(told)
    given(DECIDER, *flood, told).when(tell).then_nothing()
    answer, sent = (replace(one, message="m2", side="invigilator") for one in (SEND, SENT))
    given(DECIDER, *flood[1:], told).when(answer).then(sent)
    given(DECIDER, *flood, told).when(answer).refused("wait 50 seconds", kind="wait")


def test_a_message_is_delivered_once() -> None:
    mark = MarkDelivered(message="m1", side="invigilator")
    given(DECIDER, SENT).when(mark).then(DELIVERED)
    given(DECIDER, SENT, DELIVERED).when(mark).then_nothing()


def test_a_message_is_read_once_and_reading_is_having_got_it() -> None:
    mark = MarkRead(message="m1", side="invigilator", by="turing")
    given(DECIDER, SENT, DELIVERED).when(mark).then(READ)
    given(DECIDER, SENT, READ).when(mark).then_nothing()
    given(DECIDER, SENT, READ).when(MarkDelivered(message="m1", side="invigilator")).then_nothing()


def test_only_the_other_side_receives_a_message() -> None:
    own = MarkDelivered(message="m1", side="candidate"), MarkRead(message="m1", side="candidate", by="ada")
    for mark in own:
        given(DECIDER, SENT).when(mark).refused("only the other side", field="message")


def test_a_message_that_was_never_sent_is_not_received() -> None:
    unknown = MarkDelivered(message="m2", side="candidate"), MarkRead(message="m2", side="candidate", by="ada")
    for mark in unknown:
        given(DECIDER, SENT).when(mark).refused("no such message", field="message", kind="not_found")
