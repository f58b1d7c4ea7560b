"""Appeals against the ledger: what holds a record and for how long, and who may answer, whatever they did before."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from psycopg import AsyncConnection

from commands import appealing, keeping, recordings, reviewing
from commands.handler import Handler
from domain import session_rules
from domain.appeal import Answer
from domain.event import Refused
from domain.hold import Hold
from domain.retention import ALL
from tests.commands.hall import NINE, do, note, order, refused, running, tags
from tests.commands.test_reviewing import decide, judge, over, record_of

DAY = 24 * 60


def make(session: str, text: str = "It was my interpreter.") -> partial[object]:
    return partial(appealing.make, session=session, text=text)


def answer(session: str, name: str, said: Answer = "rejected") -> partial[object]:
    return partial(appealing.answer, session=session, name=name, said=said, reason="It shows two people.")


async def holds(one: Handler, session: str) -> list[Hold]:
    return [hold for hold in (await record_of(one, session)).keeping.holds.values() if hold.why == "appeal"]


async def test_an_appeal_holds_what_is_due_until_the_answer_could_be_read(one: Handler, app: AsyncConnection) -> None:
    session, _ = await over(one)
    name = (await do(one, make(session), actor="ada"))["appeal"]
    assert [(set(hold.classes), hold.until) for hold in await holds(one, session)] == [(ALL, None)]
    long_ago = NINE - timedelta(days=1000)
    await do(one, partial(keeping.reach_retention, session=session, what="record", over_at=long_ago), minute=20)
    kept = (await record_of(one, session)).keeping
    assert (kept.restricted, kept.erased) == (True, frozenset())  # it waits
    await do(one, answer(session, name), actor="noether", minute=30)
    ends = NINE + timedelta(days=28, minutes=30)
    assert [hold.until for hold in await holds(one, session)] == [ends]
    assert (await record_of(one, session)).keeping.erased == frozenset()  # nothing was free in between
    await do(one, partial(keeping.expire_holds, session=session), minute=28 * DAY + 31)
    assert (await record_of(one, session)).keeping.erased == ALL
    assert "record.erased" in await tags(app, f"tu/record/{session}")
    await refused(one, make(session), "has been erased", minute=28 * DAY + 32)


async def test_an_appeal_that_is_upheld_holds_until_somebody_has_decided_anew(one: Handler) -> None:
    session, incident = await over(one)
    await do(one, judge(session, incident), actor="curie")
    await do(one, decide(session), actor="curie")
    name = (await do(one, make(session), actor="ada"))["appeal"]
    await do(one, answer(session, name, "upheld"), actor="noether", minute=20)
    assert [hold.until for hold in await holds(one, session)] == [None]
    await refused(one, make(session), "has been answered", minute=25)
    clear = partial(reviewing.decide, session=session, outcome="clear", ground=None, reason="The interpreter.")
    await do(one, clear, actor="gauss", minute=30)
    assert [hold.until for hold in await holds(one, session)] == [NINE + timedelta(days=28, minutes=30)]
    assert [one.outcome for one in (await record_of(one, session)).review.decisions] == ["referred", "clear"]
    assert (await do(one, make(session), actor="ada", minute=40))["appeal"] != name  # against the new one


async def test_an_appeal_that_is_taken_back_in_time_holds_as_long_as_another_can_be_made(one: Handler) -> None:
    session, _ = await over(one)
    name = (await do(one, make(session), actor="ada"))["appeal"]
    await do(one, partial(appealing.withdraw, session=session, name=name), actor="ada", minute=20)
    assert [hold.until for hold in await holds(one, session)] == [NINE + timedelta(days=28, minutes=10)]
    name = (await do(one, make(session), actor="ada", minute=30))["appeal"]
    late = 28 * DAY + 60
    await do(one, partial(appealing.withdraw, session=session, name=name), actor="ada", minute=late)
    await do(one, partial(keeping.expire_holds, session=session), minute=late)
    assert await holds(one, session) == []
    await refused(one, make(session), "the time to appeal was over on 2026-06-29", minute=late)


@pytest.mark.parametrize("did", ["watched", "raised an incident", "judged", "decided"])
async def test_who_watched_raised_judged_or_decided_is_told_why_they_cannot_answer(one: Handler, did: str) -> None:
    session, incident = await over(one)
    await do(one, note(session), actor="raised an incident")
    await do(one, partial(recordings.view, session=session, what="live camera"), actor="watched")
    await do(one, judge(session, incident), actor="judged")
    await do(one, decide(session), actor="decided")
    name = (await do(one, make(session), actor="ada"))["appeal"]
    with pytest.raises(Refused, match=f"answered by nobody who {did}, and you did"):
        await one.run(order(did, at=NINE + timedelta(minutes=20)), answer(session, name))  # type: ignore[arg-type]
    await do(one, partial(recordings.view, session=session, what="recording camera"), actor="apart")
    await do(one, answer(session, name), actor="apart", minute=20)  # who only looked afterwards may


async def test_nothing_is_appealed_or_renewed_while_the_session_goes_on(one: Handler) -> None:
    session = await running(one)
    await refused(one, make(session), "not over yet")
    await refused(one, make("nosuch"), "no such session", field="session")
    plan = (await one.load(session_rules.DECIDER, f"tu/session/{session}"))[1].schedule
    await refused(one, partial(appealing.renew_record_link, name=plan, session=session), "not over yet")
    elsewhere = partial(appealing.renew_record_link, name="elsewhere", session=session)
    await refused(one, elsewhere, "no such session", field="session")
