"""The handler: a command is decided on what is true when it lands, and answered the same for ever after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import pytest
from psycopg import AsyncConnection

from commands import chats, handler, interventions, schedules, sessions
from commands.envelope import read
from commands.handler import Handler, KeyReused, Work
from commands.ids import command_id
from commands.ledger import read_stream
from domain import chat, session_rules
from domain.event import Refused
from tests.commands.hall import NINE, PSEUDONYMS, order, planned, ready, running, say, tags

# Answers.


async def test_a_command_is_answered_with_what_it_made_and_where_it_stands(one: Handler, app: AsyncConnection) -> None:
    name = await running(one)
    receipt = await one.run(order(), say("Hello.", name))
    (row,) = await read_stream(app, f"tu/chat/{name}")
    assert (receipt.position, receipt.recorded_at, receipt.repeated) == (row.position, row.recorded_at, False)
    event = read(row)[1]
    assert isinstance(event, chat.MessageSent)
    assert receipt.ids == {"message": event.message}


async def test_who_must_wait_may_ask_the_same_again_and_is_answered_from_then_on(one: Handler, other: Handler) -> None:
    name = await running(one)
    for n in range(chat.AT_MOST):
        await one.run(order("ada"), say(f"{n}", name))
    soon, later = (order("ada", "the last", at=NINE + timedelta(minutes=10, seconds=s)) for s in (30, 60))
    for process in (one, other, one):
        with pytest.raises(Refused, match="wait 30 seconds") as refusal:
            await process.run(soon, say("Help", name))
        assert (refusal.value.kind, refusal.value.after_s) == ("wait", 30)
    sent = await one.run(later, say("Help", name))
    again = await other.run(later, say("Help", name))
    assert (sent.repeated, again.repeated, sent.ids) == (False, True, again.ids)
    assert sent.position == again.position


async def test_a_command_knows_the_version_that_it_was_decided_on(one: Handler, other: Handler) -> None:
    name = await running(one)
    seen: list[int] = []

    async def note_it(work: Work) -> Mapping[str, str]:
        seen.append(await work.version(chat.DECIDER, name))
        made = await chats.send(work, name, side="candidate", text="Hello")
        assert await work.version(chat.DECIDER, name) == seen[-1], "its own events are not counted"
        return made

    await one.run(order(), note_it)
    await other.run(order(), say("From elsewhere", name))
    await one.run(order(), note_it)  # it knew of one message; the ledger told it of two
    assert seen == [0, 1, 2]


async def test_an_event_says_who_caused_it_through_which_command_and_when_by_their_own_clock(
    one: Handler, app: AsyncConnection
) -> None:
    name = await running(one)
    mine = handler.Order(
        tenant="tu", actor="candidate/ada", key="k1", request=b"r", at=NINE, occurred_at=NINE - timedelta(seconds=2),
        skew_ms=-2000.0, correlation="request 1", causation=3,
    )  # fmt: skip
    receipt = await one.run(mine, say("Hello.", name))
    around = read((await read_stream(app, f"tu/chat/{name}"))[0])[0]
    assert around.actor == "candidate/ada"
    assert around.command == str(receipt.command) == str(command_id("tu", "candidate/ada", "k1"))
    assert (around.occurred_at, around.skew_ms) == (NINE - timedelta(seconds=2), -2000.0)
    assert (around.correlation, around.causation) == ("request 1", 3)


async def test_a_command_said_twice_happens_once_and_gets_the_same_answer(
    one: Handler, other: Handler, app: AsyncConnection
) -> None:
    name = await running(one)
    mine = order("candidate/ada", "k1")
    first = await one.run(mine, say("Hello.", name))
    for again in (await one.run(mine, say("Hello.", name)), await other.run(mine, say("Hello.", name))):
        assert again.repeated
        assert (again.command, again.ids, again.position, again.recorded_at) == (
            first.command, first.ids, first.position, first.recorded_at,
        )  # fmt: skip
    assert len(await tags(app, f"tu/chat/{name}")) == 1


async def test_a_command_that_changes_nothing_says_so_and_is_kept_too(one: Handler) -> None:
    name = await running(one)
    submit = partial(sessions.submit, name=name)
    await one.run(order(), submit)
    second = order()
    assert (await one.run(second, submit)).position is None
    assert (await one.run(second, submit)).repeated


async def test_a_refusal_names_its_rule_and_stays_the_answer_when_the_world_has_changed(
    one: Handler, other: Handler
) -> None:
    _, (name,) = await planned(one)
    mine = order("candidate/ada", "k1")
    start = partial(sessions.start, name=name)
    with pytest.raises(Refused, match="acknowledge the notice") as first:
        await one.run(mine, start)
    assert (first.value.field, first.value.kind) == ("notice", "conflict")
    await ready(one, name)
    for again in (one, other):
        with pytest.raises(Refused, match="acknowledge the notice") as same:
            await again.run(mine, start)
        assert (same.value.field, same.value.kind) == ("notice", "conflict")
    assert not (await one.run(order("candidate/ada", "k2"), start)).repeated


async def test_a_key_used_for_another_request_is_told_apart(one: Handler) -> None:
    name = await running(one)
    done, refused = order("ada", "k1", body="one"), order("ada", "k2", body="one")
    await one.run(done, say("Hello.", name))
    with pytest.raises(Refused):
        await one.run(refused, say("", name))
    for key in ("k1", "k2"):
        with pytest.raises(KeyReused):
            await one.run(order("ada", key, body="another"), say("Hello.", name))


async def test_the_same_key_of_another_person_or_tenant_is_another_command(one: Handler) -> None:
    name = await running(one)
    receipts = [await one.run(order(actor, "k1"), say("Hello.", name)) for actor in ("ada", "bob")]
    assert [receipt.repeated for receipt in receipts] == [False, False]
    assert receipts[0].ids != receipts[1].ids
    with pytest.raises(Refused, match="no such session"):
        await one.run(order("ada", "k1", tenant="mit"), say("Hello.", name))


async def test_a_receipt_keeps_nothing_personal(one: Handler, app: AsyncConnection) -> None:
    name = await running(one)
    await one.run(order(), say("My grandmother died.", name))
    with pytest.raises(Refused):
        await one.run(order(), say("My grandmother died. " * 200, name))
    person = schedules.Candidate(name="Ada Lovelace", number="1815", email="ada@example.org")
    with pytest.raises(Refused):
        await one.run(order(), lambda work: schedules.enrol(work, "nowhere", person, PSEUDONYMS))
    rows = await (await app.execute("SELECT outcome FROM ledger.receipts")).fetchall()
    kept = " ".join(row[0] for row in rows)
    assert not any(word in kept for word in ("grandmother", "Lovelace", "1815", "ada@example.org"))


# Whole or not at all.


async def test_a_command_over_two_streams_is_refused_as_a_whole(one: Handler, app: AsyncConnection) -> None:
    _, (name,) = await planned(one)

    async def both(work: Work) -> None:
        await chats.send(work, name, side="candidate", text="I hand in.")
        await sessions.submit(work, name)

    with pytest.raises(Refused, match="cannot be submitted"):
        await one.run(order(), both)
    assert await tags(app, f"tu/chat/{name}") == []


async def test_an_intervention_and_its_effect_are_one_command(one: Handler, app: AsyncConnection) -> None:
    name = await running(one)
    act = partial(interventions.request, session=name, reason_code="noise", text=None)
    receipt = await one.run(order(), partial(act, kind="pause", minutes=None))
    assert await tags(app, f"tu/intervention/{receipt.ids['intervention']}") == ["intervention.requested"]
    assert (await tags(app, f"tu/session/{name}"))[-1] == "session.paused"
    with pytest.raises(Refused, match="do not fit"):
        await one.run(order(), partial(act, kind="resume", minutes=599.0))
    assert (await tags(app, f"tu/session/{name}"))[-1] == "session.paused"


async def test_a_use_case_that_breaks_leaves_nothing_and_may_be_tried_again(one: Handler, app: AsyncConnection) -> None:
    name = await running(one)
    mine = order()

    async def broken(work: Work) -> None:
        await chats.send(work, name, side="candidate", text="Hello.")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await one.run(mine, broken)
    assert await tags(app, f"tu/chat/{name}") == []
    assert not (await one.run(mine, say("Hello.", name))).repeated


async def test_a_use_case_sees_what_it_has_decided_itself(one: Handler) -> None:
    name = await running(one)

    async def twice(work: Work) -> Mapping[str, str]:
        await sessions.submit(work, name)
        state = await work.state(session_rules.DECIDER, name)
        made = await work.do(session_rules.DECIDER, name, session_rules.Submit(at=work.at))
        return {"phase": state.phase, "more": str(len(made))}

    assert (await one.run(order(), twice)).ids == {"phase": "submitted", "more": "0"}
