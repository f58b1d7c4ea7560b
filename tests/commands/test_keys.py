"""Keys of people: made once, kept wrapped, and gone for good when they are destroyed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from psycopg import AsyncConnection

from commands.keys import Forgotten, KeyName, KeyRing, field_key, open_field, seal_field

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

CHAT, NOTES = KeyName("ada", "s1", "chat"), KeyName("ada", "s1", "notes")
PROFILE = KeyName("ada", "", "profile")
OTHER = KeyName("bob", "s2", "chat")


async def _destroy(owner: AsyncConnection, subject: str, key_class: str | None = None) -> None:
    if key_class is None:
        await owner.execute(
            "UPDATE keys.subject SET wrapped = NULL, destroyed_at = now() WHERE subject = %s", (subject,)
        )
    else:
        await owner.execute(
            "UPDATE keys.data SET wrapped = NULL, destroyed_at = now() WHERE (subject, class) = (%s, %s)",
            (subject, key_class),
        )


async def test_a_key_is_made_when_it_is_first_needed_and_stays_the_same(processes: Processes) -> None:
    keys = await processes.keys()
    assert keys.held(CHAT) is None
    key = await keys.data_key(CHAT)
    assert len(key) == 32
    assert keys.held(CHAT) == key == await keys.data_key(CHAT)


async def test_each_person_session_and_class_has_a_key_of_its_own(processes: Processes) -> None:
    keys = await processes.keys()
    names = [CHAT, NOTES, PROFILE, OTHER, KeyName("ada", "s2", "chat")]
    assert len({await keys.data_key(name) for name in names}) == len(names)


async def test_two_processes_that_need_the_same_key_at_once_make_it_once(processes: Processes) -> None:
    rings = [await processes.keys() for _ in range(2)]
    for round_ in range(10):
        names = [KeyName(f"subject {round_}", session, "chat") for session in ("", "s1", "s2")]
        found = await asyncio.gather(*(ring.data_key(name) for ring in rings * 3 for name in names))
        assert len(set(found)) == len(names)


async def test_another_process_finds_the_keys_that_exist_and_makes_none(processes: Processes) -> None:
    first, second = await processes.keys(), await processes.keys()
    key = await first.data_key(CHAT)
    await second.fetch([CHAT, OTHER])
    assert second.held(CHAT) == key
    assert second.held(OTHER) is None
    assert await first.data_key(OTHER) == await second.data_key(OTHER)


async def test_a_key_that_another_process_makes_later_is_found_later(processes: Processes) -> None:
    first, second = await processes.keys(), await processes.keys()
    await second.fetch([CHAT])
    assert second.held(CHAT) is None
    key = await first.data_key(CHAT)
    await second.fetch([CHAT])
    assert second.held(CHAT) == key


async def test_nothing_in_the_database_opens_without_the_master_key(
    processes: Processes, owner: AsyncConnection
) -> None:
    key = await (await processes.keys()).data_key(CHAT)
    rows = await (
        await owner.execute("SELECT s.wrapped, d.wrapped FROM keys.subject s JOIN keys.data d USING (subject)")
    ).fetchall()
    assert not any(key in wrapped for row in rows for wrapped in row)
    stranger = KeyRing(await processes.pool("keys"), b"x" * 32)
    with pytest.raises(InvalidTag):
        await stranger.data_key(CHAT)


async def test_a_key_moved_to_another_name_is_refused(processes: Processes, owner: AsyncConnection) -> None:
    keys = await processes.keys()
    await keys.data_key(CHAT)
    await keys.data_key(NOTES)
    await owner.execute(
        "UPDATE keys.data SET wrapped = (SELECT wrapped FROM keys.data WHERE class = 'chat') WHERE class = 'notes'"
    )
    with pytest.raises(InvalidTag):
        await (await processes.keys()).data_key(NOTES)


async def test_a_destroyed_key_stays_destroyed(processes: Processes, owner: AsyncConnection) -> None:
    await (await processes.keys()).data_key(CHAT)
    await _destroy(owner, "ada", "chat")
    keys = await processes.keys()
    with pytest.raises(Forgotten):
        await keys.data_key(CHAT)
    await keys.fetch([CHAT])
    assert keys.held(CHAT) is None
    with pytest.raises(Forgotten):
        await keys.data_key(CHAT)
    assert len(await keys.data_key(NOTES)) == 32  # the other classes of the same person go on


async def test_a_person_whose_key_is_destroyed_is_gone_with_all_their_keys(
    processes: Processes, owner: AsyncConnection
) -> None:
    first = await processes.keys()
    await first.data_key(CHAT)
    other = await first.data_key(OTHER)
    await _destroy(owner, "ada")
    keys = await processes.keys()
    for name in (CHAT, NOTES, PROFILE):
        with pytest.raises(Forgotten):
            await keys.data_key(name)
    assert await keys.data_key(OTHER) == other
    rows = await owner.execute("SELECT count(*) FROM keys.data WHERE subject = 'ada'")
    assert await rows.fetchone() == (1,)  # no new key was left behind


async def test_a_process_drops_from_memory_what_it_held_of_one_person(
    processes: Processes, owner: AsyncConnection
) -> None:
    keys = await processes.keys()
    for name in (CHAT, PROFILE, OTHER):
        await keys.data_key(name)
    await _destroy(owner, "ada")
    assert keys.held(CHAT) is not None
    keys.drop([CHAT, PROFILE])
    assert (keys.held(CHAT), keys.held(PROFILE)) == (None, None)
    assert keys.held(OTHER) is not None
    with pytest.raises(Forgotten):
        await keys.data_key(CHAT)


@pytest.mark.parametrize("role", ["app", "project", "notary"])
async def test_only_the_role_for_keys_sees_them(processes: Processes, role: str) -> None:
    connection = await processes.connection(role)
    for table in ("keys.subject", "keys.data"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(f"SELECT * FROM {table}")


async def test_not_even_the_role_for_keys_can_delete_the_trace_of_one(processes: Processes) -> None:
    connection = await processes.connection("keys")
    for statement in ("DELETE FROM keys.data", "DELETE FROM keys.subject", "TRUNCATE keys.data"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


def test_a_sealed_field_opens_with_its_key_alone() -> None:
    sealed, _ = seal_field(b"k" * 32, "tu/chat/s1", 1, "text", "Hello.")
    assert open_field(b"k" * 32, "tu/chat/s1", 1, "text", sealed) == "Hello."
    with pytest.raises(InvalidTag):
        open_field(b"x" * 32, "tu/chat/s1", 1, "text", sealed)


def test_names_that_run_together_do_not_share_a_field_key() -> None:
    assert field_key(b"k" * 32, "tu/chat/s1", 11, "text") != field_key(b"k" * 32, "tu/chat/s11", 1, "text")
