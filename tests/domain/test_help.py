"""Help: asked for, taken, released, answered and withdrawn."""

from __future__ import annotations

import pytest

from domain import session_rules
from domain.event import Private
from domain.fault import ConnectionLost
from domain.help import (
    LONGEST,
    AnswerHelp,
    HelpAnswered,
    HelpReleased,
    HelpRequested,
    HelpTaken,
    HelpWithdrawn,
    ReleaseHelp,
    RequestHelp,
    TakeHelp,
    WithdrawHelp,
)
from domain.session import SessionEvent
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.sitting import CHECKING, CUT_OFF, EXPECTED, OVER, PAUSED, READY, RUNNING

DECIDER = session_rules.DECIDER


def words(text: str) -> Private:
    return Private("ada", text, session="s1", key_class="chat")


ASK = RequestHelp(help="h1", at=at("10:00"), topic="technical", text=words("My screen is black."))
ASKED = HelpRequested(help="h1", at=at("10:00"), topic="technical", text=words("My screen is black."))
TAKEN = HelpTaken(help="h1", at=at("10:01"), by="kim")
RELEASED = HelpReleased(help="h1", at=at("10:02"), by="kim")
ANSWERED = HelpAnswered(help="h1", at=at("10:03"), by="kim", text=words("Try again."))
WITHDRAWN = HelpWithdrawn(help="h1", at=at("10:03"))


def take(by: str = "kim", name: str = "h1") -> TakeHelp:
    return TakeHelp(help=name, at=at("10:01"), by=by)


def release(by: str = "kim", *, lead: bool = False) -> ReleaseHelp:
    return ReleaseHelp(help="h1", at=at("10:02"), by=by, lead=lead)


def answer(by: str = "kim", text: Private | None = ANSWERED.text) -> AnswerHelp:
    return AnswerHelp(help="h1", at=at("10:03"), by=by, text=text)


@pytest.mark.parametrize(
    "before", [EXPECTED, CHECKING, READY, RUNNING, PAUSED, CUT_OFF, OVER["no show"], OVER["ended in fault"]]
)
def test_who_may_still_sit_the_exam_can_ask_at_any_time(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *before).when(ASK).then(ASKED)


@pytest.mark.parametrize("how", ["submitted", "terminated", "declined"])
def test_whose_exam_is_over_is_sent_to_the_chat(how: str) -> None:
    given(DECIDER, *OVER[how]).when(ASK).refused("write in the chat")


def test_one_request_is_open_at_a_time() -> None:
    other = RequestHelp(help="h2", at=at("10:05"), topic="question")
    given(DECIDER, *RUNNING, ASKED).when(other).then_nothing()
    given(DECIDER, *RUNNING, ASKED, ANSWERED).when(other).then(
        HelpRequested(help="h2", at=at("10:05"), topic="question")
    )
    given(DECIDER, *RUNNING, ASKED, ANSWERED).when(ASK).then_nothing()


def test_of_two_who_take_it_at_once_the_first_has_it() -> None:
    given(DECIDER, *RUNNING, ASKED).when(take()).then(TAKEN)
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(take()).then_nothing()
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(take("lou")).refused("somebody else", field="taken_by")
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(answer("lou")).refused("somebody else", field="taken_by")


def test_who_took_it_or_a_lead_gives_it_back_to_the_queue() -> None:
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(release()).then(RELEASED)
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(release("lou")).refused("somebody else", field="taken_by")
    by_lead = HelpReleased(help="h1", at=at("10:02"), by="lou")
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(release("lou", lead=True)).then(by_lead)
    given(DECIDER, *RUNNING, ASKED).when(release()).then_nothing()
    given(DECIDER, *RUNNING, ASKED, TAKEN, RELEASED).when(take("lou")).then(
        HelpTaken(help="h1", at=at("10:01"), by="lou")
    )


@pytest.mark.parametrize("before", [(ASKED,), (ASKED, TAKEN)])
def test_an_answer_closes_it_also_when_nobody_took_it_before(before: tuple[SessionEvent, ...]) -> None:
    given(DECIDER, *RUNNING, *before).when(answer()).then(ANSWERED)


def test_it_is_answered_once() -> None:
    given(DECIDER, *RUNNING, ASKED, ANSWERED).when(answer()).then_nothing()
    given(DECIDER, *RUNNING, ASKED, ANSWERED).when(answer("lou")).refused("answered already", field="help")
    given(DECIDER, *RUNNING, ASKED, WITHDRAWN).when(answer()).refused("withdrawn already", field="help")
    given(DECIDER, *RUNNING, ASKED).when(take(name="h9")).refused("no such", field="help", kind="not_found")


def test_a_candidate_withdraws_also_what_somebody_has_taken() -> None:
    given(DECIDER, *RUNNING, ASKED, TAKEN).when(WithdrawHelp(at=at("10:03"))).then(WITHDRAWN)
    given(DECIDER, *RUNNING, ASKED, WITHDRAWN).when(WithdrawHelp(at=at("10:03"))).then_nothing()


def test_a_lost_connection_leaves_the_request_where_it_is() -> None:
    lost = ConnectionLost(at=at("10:02"), track="camera", why="no packets")
    assert given(DECIDER, *RUNNING, ASKED, lost).state.help.open is not None


def test_what_is_said_has_a_length() -> None:
    long = words("a" * (LONGEST + 1))
    asking = RequestHelp(help="h1", at=at("10:00"), topic="other", text=long)
    given(DECIDER, *RUNNING).when(asking).refused(f"at most {LONGEST}", field="text", kind="invalid")
    given(DECIDER, *RUNNING, ASKED).when(answer(text=long)).refused("at most", field="text", kind="invalid")
