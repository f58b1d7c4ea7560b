"""Streams whose bytes left the ledger: what stays, who may take them out, and that nothing but they come back."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import AsyncConnection

from commands.audit import check
from commands.leaf import leaf
from commands.ledger import Appender, read_session, read_stream
from commands.merkle import included
from commands.notary import record_root
from commands.proofs import consistency, inclusions, latest, read_after
from domain.archive import Away
from domain.recorded import Stored
from tests.commands.appends import command, everything, reads, writes
from tests.commands.test_notary import KEYS, SIGNER, overwrite, seal_all

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

OUT = "SELECT ledger.take_out('file:///bundles', %s, %s, %s, %s)"
BACK = "SELECT ledger.put_back(%s, %s, %s, %s)"
BUNDLE, HASH = "t/s1.bundle", sha256(b"bundle").digest()
STREAMS = {"t/session/s1": 3, "t/chat/s1": 2}
TOLD = (
    b'{"envelope":{},"event":{"type":"record.archived","at":"2026-06-01T09:00:00Z","by":"o","bundle":"%s",'
    b'"sha256":"%s","streams":{"t/session/s1":3,"t/chat/s1":2},"subject":"c","schedule":"x"}}'
) % (BUNDLE.encode(), HASH.hex().encode())


@pytest.fixture
async def before(appender: Appender, owner: AsyncConnection) -> list[Stored]:
    """A session, its neighbour and its record, sealed."""
    await appender.append(command(writes("t/session/s1", count=3), writes("t/session/s2", count=2)))
    await appender.append(command(writes("t/chat/s1", count=2), writes("t/schedule/x", count=1)))
    part = writes("t/record/s1")._replace(events=[("record.archived", TOLD)])
    await appender.append(command(part))
    await seal_all(owner)
    return await everything(owner)


async def take_out(conn: AsyncConnection, streams: dict[str, int] = STREAMS) -> int:
    row = await (await conn.execute(OUT, (BUNDLE, HASH, list(streams), list(streams.values())))).fetchone()
    assert row
    return int(row[0])


async def put_back(conn: AsyncConnection, rows: Sequence[Stored]) -> int:
    columns = ([row.stream for row in rows], [row.version for row in rows], [row.state for row in rows])
    row = await (await conn.execute(BACK, (BUNDLE, *columns))).fetchone()
    assert row
    return int(row[0])


def leaving(rows: Sequence[Stored]) -> list[Stored]:
    return [row for row in rows if row.stream in STREAMS]


async def test_the_bytes_leave_and_all_else_of_the_event_stays(before: list[Stored], owner: AsyncConnection) -> None:
    assert await take_out(owner) == 5
    after = await everything(owner)
    assert after == [row._replace(state=b"") if row.stream in STREAMS else row for row in before]
    assert await put_back(owner, leaving(before)) == 5
    assert await everything(owner) == before
    assert await (await owner.execute("SELECT count(*) FROM ledger.archived")).fetchone() == (0,)


async def test_proofs_roots_and_the_check_of_the_whole_ledger_hold_meanwhile(
    before: list[Stored], owner: AsyncConnection
) -> None:
    old, was = await latest(owner), await record_root(owner, "t", "s1")
    assert old
    await take_out(owner)
    assert await record_root(owner, "t", "s1") == was
    found = await inclusions(owner, [row.position for row in before], old.size)
    for row, proof in zip(before, found, strict=True):
        assert included(leaf(row), proof.index, proof.size, proof.path, old.root)
    await owner.execute(
        "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
        " SELECT 't/session/s9', 1, 'session.opened', '{}', clock_timestamp()"
    )
    new = await seal_all(owner)
    await consistency(owner, old.size, new.size)
    checked = await check(owner, SIGNER.origin, KEYS)
    assert (checked.difference, checked.away, checked.events) == (None, 5, len(before) + 1)
    assert [row.position for row in await read_after(owner, 0, 100)] == list(range(1, len(before) + 2))

    async def bundles(rows: Sequence[Stored]) -> list[Stored]:
        known = {row.position: row for row in before}
        return [known.get(row.position, row) for row in rows]

    checked = await check(owner, SIGNER.origin, KEYS, fill=bundles)
    assert (checked.difference, checked.away) == (None, 0)

    async def forged(rows: Sequence[Stored]) -> list[Stored]:
        return [row if row.state else row._replace(state=b"{}") for row in rows]

    checked = await check(owner, SIGNER.origin, KEYS, fill=forged)
    assert checked.difference == "position 1 (t/session/s1, version 1): is not what was sealed as leaf 0"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE ledger.events SET state = '' WHERE originator_id = 't/session/s2'",
            "bytes are gone, and no bundle",
        ),
        (
            "UPDATE ledger.events SET state = '' WHERE originator_id = 't/record/s1'",
            "bytes are gone, and no bundle",
        ),
        ("DELETE FROM ledger.archived", "position 1 (t/session/s1, version 1): its bytes are gone"),
        ("UPDATE ledger.archived SET sha256 = sha256('')", "its record says otherwise"),
        ("UPDATE ledger.archived SET bundle = 'another'", "said to lie in the bundle another"),
        ("INSERT INTO ledger.archived VALUES ('t/session/s2', 2, '', 'b', sha256(''))", "its record says otherwise"),
        ("UPDATE ledger.leaves SET hash = sha256('') WHERE index = 0", "has another root"),
    ],
)
async def test_what_somebody_makes_of_it_past_the_triggers_is_found(
    before: list[Stored], owner: AsyncConnection, statement: str, said: str
) -> None:
    await take_out(owner)
    await overwrite(owner, statement)
    checked = await check(owner, SIGNER.origin, KEYS)
    assert checked.difference
    assert said in checked.difference


async def test_nothing_is_appended_to_what_is_archived(
    before: list[Stored], owner: AsyncConnection, appender: Appender, app: AsyncConnection
) -> None:
    await take_out(owner)
    late, reader, free = command(writes("t/session/s1", 3)), command(reads("t/chat/s1", 2)), writes("t/session/s2", 2)
    assert (await appender.append(late)).verdict == "archived"
    assert (await appender.append(reader)).verdict == "archived"
    assert (await appender.append(command(free))).verdict == "done"
    with pytest.raises(Away, match=f"t/session/s1 is archived in the bundle {BUNDLE}; .* vigil archive restore"):
        await read_stream(app, "t/session/s1")
    with pytest.raises(Away, match=BUNDLE):
        await read_session(app, "t", "s1")
    assert len(await read_session(app, "t", "s1", whole=False)) == 6
    assert await read_stream(app, "t/record/s1")
    await put_back(owner, leaving(before))
    assert (await appender.append(late)).verdict == "done"


@pytest.mark.parametrize("role", ["app", "project", "keys", "notary"])
async def test_only_the_owner_takes_out_and_puts_back(before: list[Stored], processes: Processes, role: str) -> None:
    conn = await processes.connection(role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await take_out(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await put_back(conn, leaving(before))
    for statement in (
        "DELETE FROM ledger.archived", "INSERT INTO ledger.archived VALUES ('t/session/s2', 2, '', 'b', sha256(''))",
        "UPDATE ledger.archived SET bundle = ''",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.events SET state = '' WHERE originator_id = 't/session/s2'",
        "UPDATE ledger.events SET state = 'x' WHERE originator_id = 't/session/s1' AND originator_version = 2",
        "UPDATE ledger.events SET topic = 'x' WHERE originator_id = 't/session/s1'",
        "DELETE FROM ledger.events",
        "DELETE FROM ledger.archived",
        "UPDATE ledger.archived SET version = 99",
        "TRUNCATE ledger.archived",
    ],
)
async def test_even_the_owner_changes_nothing_else(
    before: list[Stored], owner: AsyncConnection, statement: str
) -> None:
    await take_out(owner)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await owner.execute(statement)


async def test_it_is_all_or_nothing(before: list[Stored], owner: AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="t/chat/s1 has moved on"):
        await take_out(owner, {"t/session/s1": 3, "t/chat/s1": 1})
    assert await everything(owner) == before
    await take_out(owner)
    own = leaving(before)
    swapped = [own[0]._replace(state=own[1].state), own[1]._replace(state=own[0].state), *own[2:]]
    for wrong in (own[1:], [], swapped, [own[0]._replace(state=own[0].state + b" "), *own[1:]]):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await put_back(owner, wrong)
    assert [row.state for row in await everything(owner) if row.stream in STREAMS] == [b""] * 5
    await put_back(owner, own)
    assert await everything(owner) == before


async def test_what_is_not_sealed_yet_does_not_leave(owner: AsyncConnection, appender: Appender) -> None:
    await appender.append(command(writes("t/session/s1", count=3)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await take_out(owner, {"t/session/s1": 3})


async def test_the_database_hashes_events_as_the_notary_does(owner: AsyncConnection, appender: Appender) -> None:
    await appender.append(command(writes("t/session/ähre–𝄞", count=2), writes("t/x/" + "y" * 500)))
    for row in await everything(owner):
        values = (row.stream, row.version, row.tag, row.recorded_at, row.state)
        found = await (await owner.execute("SELECT ledger.leaf_hash(%s, %s, %s, %s, %s)", values)).fetchone()
        assert found == (leaf(row),)
