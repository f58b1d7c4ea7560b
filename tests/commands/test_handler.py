"""The handler: a command is decided on what is true when it lands, and answered the same for ever after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from psycopg import AsyncConnection

from commands import chats, flags, handler, interventions, schedules, sessions, users
from commands.envelope import read
from commands.handler import Busy, Handler, KeyReused, Receipt, UseCase, Work
from commands.ids import command_id
from commands.ledger import read_stream
from domain import chat, incidents, session, session_rules, user
from domain.event import Refused
from tests.commands.hall import NINE, PSEUDONYMS, WINDOW, order, planned, ready, running

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

New = Callable[[], Awaitable[Handler]]


@pytest.fixture
async def one(processes: Processes) -> Handler:
    return await processes.handler()


@pytest.fixture
async def other(processes: Processes) -> Handler:
    """The handler of another process, with its own memory, appender and keys."""
    return await processes.handler()


def say(text: str, session_: str, side: chat.Side = "candidate") -> UseCase:
    return partial(_send, session_=session_, side=side, text=text)


async def _send(work: Work, session_: str, side: chat.Side, text: str) -> Mapping[str, str]:
    return await chats.send(work, session_, side=side, text=text)


def note(session_: str, text: str = "Talks to somebody.") -> UseCase:
    return lambda work: flags.raise_by_hand(work, session_, severity="warn", note=text)


async def outcome(pending: Awaitable[Receipt]) -> str:
    try:
        return "repeated" if (await pending).repeated else "done"
    except Refused as refusal:
        return refusal.rule


async def tags(app: AsyncConnection, stream: str) -> list[str]:
    return [row.tag for row in await read_stream(app, stream)]


# Answers.


async def test_a_command_is_answered_with_what_it_made_and_where_it_stands(one: Handler, app: AsyncConnection) -> None:
    name = await running(one)
    receipt = await one.run(order(), say("Hello.", name))
    (row,) = await read_stream(app, f"tu/chat/{name}")
    assert (receipt.position, receipt.recorded_at, receipt.repeated) == (row.position, row.recorded_at, False)
    event = read(row)[1]
    assert isinstance(event, chat.MessageSent)
    assert receipt.ids == {"message": event.message}


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


# Races.


async def test_eight_commands_to_one_stream_at_once_all_land(
    one: Handler, other: Handler, app: AsyncConnection
) -> None:
    name = await running(one)
    answers = await asyncio.gather(*((one, other)[n % 2].run(order(), note(name)) for n in range(8)))
    assert len({answer.ids["incident"] for answer in answers}) == 8
    rows = await read_stream(app, f"tu/incidents/{name}")
    assert [row.version for row in rows] == list(range(1, 9))
    assert sorted(row.position for row in rows) == sorted(answer.position or 0 for answer in answers)


async def test_a_crowd_at_one_stream_is_served_to_the_last(one: Handler, app: AsyncConnection) -> None:
    name, _ = await planned(one)
    people = [schedules.Candidate(name="Ada", number=f"crowd {n}") for n in range(100)]
    await asyncio.gather(
        *(one.run(order(), partial(schedules.enrol, name=name, candidate=p, pseudonyms=PSEUDONYMS)) for p in people)
    )
    assert (await tags(app, f"tu/schedule/{name}")).count("schedule.candidate_enrolled") == 101


async def test_a_race_is_decided_by_the_rules_and_not_by_an_error(one: Handler, other: Handler) -> None:
    name, _ = await planned(one)
    person = schedules.Candidate(name="Ada Lovelace", number="1815")
    enrol = partial(schedules.enrol, name=name, candidate=person, pseudonyms=PSEUDONYMS)
    said = await asyncio.gather(*(outcome((one, other)[n % 2].run(order(), enrol)) for n in range(8)))
    assert sorted(said) == ["done", *["this candidate is enrolled already"] * 7]


async def test_one_command_through_two_processes_at_once_happens_once(
    one: Handler, other: Handler, app: AsyncConnection
) -> None:
    name = await running(one)
    mine = order("candidate/ada", "k1")
    answers = await asyncio.gather(*((one, other)[n % 2].run(mine, say("Hello.", name)) for n in range(10)))
    assert len({(answer.position, answer.ids["message"]) for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1
    assert len(await tags(app, f"tu/chat/{name}")) == 1


async def test_what_another_process_did_meanwhile_is_seen_before_anything_is_done(
    one: Handler, other: Handler, app: AsyncConnection
) -> None:
    name = await running(one)
    await other.run(order(), say("The other process knows this session now.", name))
    await one.run(order(), partial(sessions.submit, name=name))
    pause = partial(interventions.request, session=name, kind="pause", reason_code="noise", text=None, minutes=None)
    with pytest.raises(Refused, match="submitted cannot be paused"):
        await other.run(order(), pause)
    assert (await tags(app, f"tu/session/{name}"))[-1] == "session.submitted"


async def test_nothing_is_refused_because_of_what_is_no_longer_so(one: Handler, other: Handler) -> None:
    _, (name,) = await planned(one)
    submit = partial(sessions.submit, name=name)
    with pytest.raises(Refused, match="expected cannot be submitted"):
        await other.run(order(), submit)
    await ready(one, name)
    await one.run(order(), partial(sessions.start, name=name))
    assert (await other.run(order(), submit)).position is not None


async def test_who_never_gets_a_word_in_is_told_to_try_again(one: Handler, other: Handler) -> None:
    name = await running(one)

    async def overtaken(work: Work) -> None:
        await work.state(incidents.DECIDER, name)
        await other.run(order(), note(name))
        await flags.raise_by_hand(work, name, severity="warn", note="Too late.")

    mine = order()
    with pytest.raises(Busy):
        await one.run(mine, overtaken)
    assert not (await one.run(mine, note(name))).repeated


# Memory and keys.


async def test_a_new_process_opens_what_was_sealed(one: Handler, other: Handler) -> None:
    register = partial(
        users.register, name="Alan Turing", email="alan@example.org", password_hash="$argon2id$...", roles=("planner",),
        pseudonyms=PSEUDONYMS,
    )  # fmt: skip
    who = (await one.run(order(), register)).ids["user"]
    version, state = await other.load(user.DECIDER, f"tu/user/{who}")
    assert version == 2
    assert [p.text for p in (state.name, state.email, state.password) if p] == [
        "Alan Turing", "alan@example.org", "$argon2id$...",
    ]  # fmt: skip
    assert state == (await one.load(user.DECIDER, f"tu/user/{who}"))[1]


async def test_memory_is_bounded_and_what_fell_out_is_read_again(one: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "CACHED", 2)
    name = await running(one)
    for _ in range(3):
        await one.run(order(), say("Hello.", name))
        await one.run(order(), note(name))
    assert len(one._states) == 2
    assert len((await one.load(chat.DECIDER, f"tu/chat/{name}"))[1].sent) == 3


async def test_nothing_new_is_kept_about_a_person_whose_key_is_destroyed(
    one: Handler, other: Handler, app: AsyncConnection, owner: AsyncConnection
) -> None:
    name = await running(one)
    await owner.execute("UPDATE keys.data SET wrapped = NULL, destroyed_at = now() WHERE class = 'chat'")
    await owner.execute("UPDATE keys.subject SET wrapped = NULL, destroyed_at = now()")
    mine = order()
    for _ in range(2):
        with pytest.raises(Refused, match="has been destroyed"):
            await other.run(mine, say("Hello.", name))
    assert await tags(app, f"tu/chat/{name}") == []
    rows = await app.execute("SELECT count(*) FROM ledger.receipts WHERE command = %s", (mine.command,))
    assert await rows.fetchone() == (1,)
    assert (await other.run(order(), partial(sessions.submit, name=name))).position is not None


async def test_a_stream_is_folded_the_same_from_memory_and_from_the_ledger(one: Handler, other: Handler) -> None:
    name = await running(one)
    assert await one.load(session_rules.DECIDER, f"tu/session/{name}") == await other.load(
        session_rules.DECIDER, f"tu/session/{name}"
    )
    _, state = await other.load(session_rules.DECIDER, f"tu/session/{name}")
    assert isinstance(state, session.Session)
    assert state.end_at == WINDOW.closes_at
