"""The handler among others: what it decides rests on what is true when it lands, also when it knew otherwise."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from psycopg import AsyncConnection

from commands import flags, handler, interventions, schedules, sessions, users
from commands.handler import Busy, Handler, Work
from commands.ledger import read_stream
from domain import chat, incidents, session, session_rules, user
from domain.event import Refused
from tests.commands.hall import PSEUDONYMS, WINDOW, note, order, outcome, planned, ready, running, say, tags

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


async def test_a_crowd_at_one_stream_is_served_to_the_last(one: Handler, other: Handler, app: AsyncConnection) -> None:
    name, _ = await planned(one)
    people = [schedules.Candidate(name="Ada", number=f"crowd {n}") for n in range(100)]
    enrol = partial(schedules.enrol, name=name, pseudonyms=PSEUDONYMS)
    await asyncio.gather(
        *((one, other)[n % 2].run(order(), partial(enrol, candidate=person)) for n, person in enumerate(people))
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
