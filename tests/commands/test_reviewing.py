"""After the exam: who may judge and decide, what follows from it, and what no longer happens then."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count

from psycopg import AsyncConnection

from commands import flags, interventions, recordings, reviewing, schedules, sessions, users
from commands.handler import Handler
from domain import incidents, record
from domain.policy import Policy
from domain.record import Record
from tests.commands.hall import NINE, PSEUDONYMS, do, note, order, outcome, planned, ready, refused, running, tags

_roots = count(1)


async def seal(one: Handler, session: str, *owed: str) -> None:
    """As the reactions do it: a seal over all that there is."""
    version, _ = await one.load(sessions.session_rules.DECIDER, f"tu/session/{session}", fresh=True)
    streams = {f"tu/session/{session}": version, f"tu/record/{session}": next(_roots)}
    told = record.Seal(at=NINE, owed=owed, streams=streams, root="aa", checkpoint="c", clock="synchronised")
    await do(one, partial(recordings.seal, session=session, order=told), actor="system/react")


async def over(one: Handler, policy: Policy | None = None) -> tuple[str, str]:
    """A session with one incident that a person raised, handed in and sealed."""
    _, (session,) = await planned(one, policy=policy)
    await ready(one, session, policy)
    await do(one, partial(sessions.start, name=session))
    incident = (await do(one, note(session)))["incident"]
    await do(one, partial(sessions.submit, name=session))
    await seal(one, session)
    return session, incident


def judge(session: str, incident: str, verdict: incidents.Verdict = "confirmed") -> partial[object]:
    return partial(flags.judge, session=session, incident=incident, verdict=verdict, reason="Seen.")


def decide(session: str, number: int | None = None, reason: str = "Two people.") -> partial[object]:
    return partial(
        reviewing.decide, session=session, outcome="referred", ground="incident", reason=reason, number=number
    )


async def record_of(one: Handler, session: str) -> Record:
    return (await one.load(record.DECIDER, f"tu/record/{session}", fresh=True))[1]


async def test_a_decision_rests_on_what_was_judged_and_places_one_hold(one: Handler, app: AsyncConnection) -> None:
    session, incident = await over(one)
    await refused(one, decide(session), "nobody has confirmed", field="ground")
    await do(one, judge(session, incident), actor="curie")
    assert await do(one, decide(session), actor="curie") == {"number": "1"}
    assert await do(one, decide(session), actor="curie") == {"number": "1"}
    assert await do(one, decide(session, reason="Once more."), actor="noether") == {"number": "2"}
    assert await tags(app, f"tu/record/{session}") == [
        "record.sealed", "record.prioritised", "record.decided", "record.hold_placed", "record.decided",
    ]  # fmt: skip
    (first, second) = (await record_of(one, session)).review.decisions
    assert [(d.by, d.seal, d.incidents[0].standing, d.incidents[0].by) for d in (first, second)] == [
        ("curie", 1, "confirmed", ("curie",)), ("noether", 1, "confirmed", ("curie",)),
    ]  # fmt: skip


async def test_of_two_reviewers_who_decide_at_once_one_is_told(one: Handler) -> None:
    session, incident = await over(one)
    await do(one, judge(session, incident))
    both = [
        outcome(one.run(order(who, at=NINE), decide(session, 1, f"As {who} saw it.")))  # type: ignore[arg-type]
        for who in ("curie", "noether")
    ]
    assert sorted(await asyncio.gather(*both)) == ["done", "somebody has decided meanwhile; read the record again"]
    assert len((await record_of(one, session)).review.decisions) == 1


async def test_a_session_that_goes_on_or_is_not_sealed_is_not_decided_on(one: Handler) -> None:
    session = await running(one)
    await refused(one, decide(session), "not over yet")
    await do(one, partial(sessions.submit, name=session))
    await refused(one, decide(session), "not sealed yet")
    await refused(one, decide("nosuch"), "no such session")
    await refused(one, decide(session, reason=" "), "a reason is needed", field="reason")


async def test_a_second_reviewer_is_waited_for_where_the_policy_asks_for_one(one: Handler) -> None:
    session, incident = await over(one, Policy(second_reviewer=True))
    await do(one, judge(session, incident), actor="curie")
    await refused(one, decide(session), "another verdict", field="incidents")
    await do(one, judge(session, incident, "dismissed"), actor="noether")
    await refused(one, decide(session), "another verdict", field="incidents")
    await do(one, judge(session, incident), actor="gauss")
    assert await do(one, decide(session)) == {"number": "1"}


async def test_who_watched_neither_judges_nor_decides_where_the_review_is_independent(one: Handler) -> None:
    schedule, (session,) = await planned(one, policy=(policy := Policy(independent_review=True)))
    account = partial(
        users.register, name="Lee", email=f"lee@{schedule}.org", password_hash="x", roles=("invigilator", "reviewer"),
        pseudonyms=PSEUDONYMS,
    )  # fmt: skip
    lee = (await do(one, account))["user"]
    await do(one, partial(schedules.assign_invigilator, name=schedule, who=lee))
    await ready(one, session, policy)
    await do(one, partial(sessions.start, name=session))
    incident = (await do(one, note(session)))["incident"]
    await do(one, partial(sessions.submit, name=session))
    await do(one, partial(schedules.remove_invigilator, name=schedule, who=lee))
    await seal(one, session)
    for wanted in (judge(session, incident), decide(session)):
        told = await outcome(one.run(order(lee, at=NINE), wanted))  # type: ignore[arg-type]
        assert told == "this exam is judged and decided by people who did not watch it"
    await do(one, judge(session, incident), actor="curie")
    assert await do(one, decide(session), actor="curie") == {"number": "1"}


async def test_an_exam_that_was_decided_on_does_not_go_on(one: Handler) -> None:
    _, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(sessions.start, name=session))
    end = partial(
        interventions.request, session=session, kind="terminate", reason_code="", text="Left.", minutes=None,
        confirm_name="Ada", name="Ada",
    )  # fmt: skip
    await do(one, end)
    await seal(one, session)
    because = partial(reviewing.decide, session=session, outcome="void", ground="termination", reason="Left the room.")
    await do(one, because)
    back = partial(interventions.reinstate, session=session, reason="Was ill.")
    await refused(one, back, "decided on", field="decision")


async def test_the_order_is_made_with_the_complete_seal_and_again_when_a_person_asks(
    one: Handler, app: AsyncConnection
) -> None:
    session = await running(one)
    await do(one, note(session))
    await do(one, partial(sessions.submit, name=session))
    await seal(one, session, "camera: late segments")
    assert (await record_of(one, session)).review.priority is None
    await seal(one, session)
    first = (await record_of(one, session)).review.priority
    assert first
    assert (first.number, first.by, first.seal, first.weights_version) == (1, "system/react", 2, "1")
    assert [(found.kind, found.standing) for found in first.inputs] == [("raised_by_person", "unjudged")]
    again = partial(reviewing.prioritise, session=session, weights={"warn": 9.0}, why="Many warnings in this hall.")
    await do(one, again, actor="curie")
    await do(one, again, actor="curie")
    await refused(one, partial(reviewing.prioritise, session=session, why=" "), "a reason is needed", field="why")
    assert (await tags(app, f"tu/record/{session}")).count("record.prioritised") == 2


async def test_notes_are_kept_before_and_after_the_end(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    await do(one, partial(reviewing.note, session=session, text="The fire alarm rang."))
    await refused(one, partial(reviewing.note, session=session, text=" "), "a note needs a text", field="text")
    assert await tags(app, f"tu/record/{session}") == ["record.note_added"]
