"""The notary on a real ledger: every event sealed once, every proof good, nothing changed unseen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from commands import proofs
from commands.audit import check
from commands.checkpoint import signed_by
from commands.leaf import leaf
from commands.merkle import consistent, included, root
from commands.notary import BATCH, Notary, Signer, record_root, seal_batch, sign
from commands.proofs import NotCovered, read_after
from vigil.settings import as_role

SIGNER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS = [SIGNER.public]


@pytest.fixture
async def owner(database: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def conninfo(database: str) -> str:
    """For the role that the notary runs as."""
    return as_role(database, "notary")


async def append(conn: AsyncConnection, *rows: tuple[str, int], state: bytes = b'{"event":{}}') -> int:
    """Appends (stream, version) rows; gives the last position."""
    async with conn.transaction():
        await conn.execute("LOCK TABLE ledger.events IN EXCLUSIVE MODE")
        await conn.execute("NOTIFY ledger")
        async with conn.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
                " SELECT %s, %s, 'session.opened', %s, greatest(now(), max(recorded_at)) FROM ledger.events",
                [(stream, version, state) for stream, version in rows],
            )
        last = await (await conn.execute("SELECT max(notification_id) FROM ledger.events")).fetchone()
    assert last
    return int(last[0])


async def fill(conn: AsyncConnection, most: int, *, stream: str = "t/session/long", first: int = 1) -> None:
    await conn.execute(
        "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
        " SELECT %s, n, 'session.opened', '{}', clock_timestamp() FROM generate_series(%s::int, %s::int) n",
        (stream, first, first + most - 1),
    )


async def seal_all(conn: AsyncConnection) -> proofs.Checkpoint:
    while (await seal_batch(conn)).events:
        pass
    signed = await sign(conn, SIGNER)
    assert signed
    return signed


async def overwrite(conn: AsyncConnection, *statements: str) -> None:
    """What a person with the owner's rights can do who switches the triggers off."""
    async with conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await conn.execute(statement)


async def test_every_event_becomes_one_leaf_in_the_order_of_positions(owner: AsyncConnection) -> None:
    await append(owner, ("t/session/a", 1), ("t/session/b", 1))
    async with owner.transaction(force_rollback=True):  # leaves a gap in the positions
        await append(owner, ("t/session/a", 2))
    await append(owner, ("t/session/a", 2))
    assert await seal_batch(owner) == (3, 4)
    assert await seal_batch(owner) == (0, 4)
    rows = await (await owner.execute("SELECT index, position FROM ledger.leaves ORDER BY 1")).fetchall()
    assert rows == [(0, 1), (1, 2), (2, 4)]


async def test_every_event_is_proven_in_the_checkpoint(owner: AsyncConnection) -> None:
    await fill(owner, 150)
    signed = await seal_all(owner)
    rows = await read_after(owner, 0, 1000)
    assert signed.size == 150
    assert signed.root == root(map(leaf, rows))
    assert signed_by(signed.note, SIGNER.origin, SIGNER.public)
    found = await proofs.inclusions(owner, [row.position for row in rows], signed.size)
    for row, proof in zip(rows, found, strict=True):
        assert included(leaf(row), proof.index, proof.size, proof.path, signed.root)


async def test_an_event_is_also_proven_in_an_older_smaller_tree(owner: AsyncConnection) -> None:
    position = await append(owner, ("t/session/a", 1))
    old = await seal_all(owner)
    await fill(owner, 40)
    new = await seal_all(owner)
    (row,) = await read_after(owner, 0, 1)
    for mark in (old, new):
        proof = await proofs.inclusion(owner, position, mark.size)
        assert included(leaf(row), proof.index, mark.size, proof.path, mark.root)


async def test_an_event_is_of_the_tenant_that_its_stream_names(owner: AsyncConnection) -> None:
    position = await append(owner, ("t/session/a", 1))
    await proofs.of_tenant(owner, "t", position)
    for tenant, asked in (("u", position), ("", position), ("t/session", position + 1), ("t", position + 1)):
        with pytest.raises(NotCovered):
            await proofs.of_tenant(owner, tenant, asked)


async def test_later_checkpoints_are_proven_to_continue_earlier_ones(owner: AsyncConnection) -> None:
    marks = []
    for n in range(8):
        await fill(owner, 3 * n + 1, stream=f"t/session/{n}")
        marks.append(await seal_all(owner))
    for old in marks:
        for new in marks[marks.index(old) :]:
            proof = await proofs.consistency(owner, old.size, new.size)
            assert consistent(old.size, new.size, old.root, new.root, proof)


async def test_what_no_checkpoint_covers_has_no_proof(owner: AsyncConnection) -> None:
    position = await append(owner, ("t/session/a", 1))
    signed = await seal_all(owner)
    later = await append(owner, ("t/session/a", 2))
    for wrong in ((later, signed.size), (position, 2), (99, signed.size), (position, 0)):
        with pytest.raises(NotCovered):
            await proofs.inclusion(owner, *wrong)
    for sizes in ((1, 2), (2, 1), (-1, 1)):
        with pytest.raises(NotCovered):
            await proofs.consistency(owner, *sizes)
    with pytest.raises(NotCovered):
        await proofs.of_size(owner, 7)


async def test_batches_join_into_one_tree(owner: AsyncConnection) -> None:
    await fill(owner, 2 * BATCH + 345)
    signed = await seal_all(owner)
    assert signed.root == root(map(leaf, await read_after(owner, 0, 9999)))


async def test_two_notaries_make_one_tree(owner: AsyncConnection, conninfo: str) -> None:
    await fill(owner, 500)

    async def work() -> None:
        async with await AsyncConnection.connect(conninfo, autocommit=True) as conn:
            while (await seal_batch(conn, 17)).events:
                pass

    await asyncio.gather(work(), work(), work())
    signed = await sign(owner, SIGNER)
    assert signed
    assert signed.size == 500
    assert (await check(owner, SIGNER.origin, KEYS)).difference is None


async def test_a_head_is_signed_once(owner: AsyncConnection) -> None:
    assert await sign(owner, SIGNER) is None
    await append(owner, ("t/session/a", 1))
    await seal_all(owner)
    assert await sign(owner, SIGNER) is None


async def test_what_is_asked_for_is_signed_at_once(owner: AsyncConnection, conninfo: str) -> None:
    async with Notary(conninfo, SIGNER, every_s=600) as notary, asyncio.timeout(60):  # long before its own time comes
        for n in range(1, 4):
            position = await append(owner, ("t/session/a", n))
            signed = await notary.seal_up_to(position)
            assert signed.position >= position
        assert await notary.seal_up_to(1) == await proofs.covering(owner, 1)


async def test_asking_for_an_event_that_is_not_there_is_an_error(owner: AsyncConnection, conninfo: str) -> None:
    notary = Notary(conninfo, SIGNER)
    position = await append(owner, ("t/session/a", 1))
    with pytest.raises(LookupError, match=str(position + 1)):
        await notary.seal_up_to(position + 1)
    async with notary:
        pass


async def test_another_process_asks_through_the_database(owner: AsyncConnection, conninfo: str, database: str) -> None:
    async with Notary(conninfo, SIGNER, every_s=60) as notary, asyncio.timeout(10):
        await notary.seal_up_to(await append(owner, ("t/session/a", 1)))
        await asyncio.sleep(0.2)  # the first pass is over, the next one is a minute away
        position = await append(owner, ("t/session/a", 2))
        async with await AsyncConnection.connect(as_role(database, "app"), autocommit=True) as app:
            assert (await proofs.covered(app, position)).position == position


async def test_new_events_are_signed_by_themselves_and_not_too_often(owner: AsyncConnection, conninfo: str) -> None:
    began, last = time.monotonic(), 0
    async with Notary(conninfo, SIGNER, every_s=0.5):
        for n in range(1, 40):
            last = await append(owner, ("t/session/a", n))
            await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            while await proofs.covering(owner, last) is None:
                await asyncio.sleep(0.05)
    marks = await proofs.checkpoints(owner)
    apart = [(b.signed_at - a.signed_at).total_seconds() for a, b in pairwise(marks)]
    assert min(apart) > 0.4
    assert 3 <= len(marks) <= 2 + (time.monotonic() - began) / 0.5


async def test_a_notary_whose_connections_are_cut_goes_on(owner: AsyncConnection, conninfo: str) -> None:
    async with Notary(conninfo, SIGNER, every_s=0.2) as notary:
        await notary.seal_up_to(await append(owner, ("t/session/a", 1)))
        for n in range(2, 5):
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'vigil_notary' AND datname = current_database()"
            )
            position = await append(owner, ("t/session/a", n))
            assert (await notary.seal_up_to(position)).position == position
        async with asyncio.timeout(10):
            position = await append(owner, ("t/session/a", 9))
            while await proofs.covering(owner, position) is None:
                await asyncio.sleep(0.05)
    assert (await check(owner, SIGNER.origin, KEYS)).difference is None


async def test_nobody_changes_what_is_sealed(owner: AsyncConnection, database: str) -> None:
    await append(owner, ("t/session/a", 1), ("t/session/a", 2))
    await seal_all(owner)
    for url in (as_role(database, "notary"), as_role(database, "app"), database):
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            for table in ("leaves", "nodes", "checkpoints"):
                for statement in (f"UPDATE ledger.{table} SET hash = hash", f"DELETE FROM ledger.{table}"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        await conn.execute(statement.replace("hash", "root") if table == "checkpoints" else statement)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await conn.execute(f"TRUNCATE ledger.{table}")
    async with await AsyncConnection.connect(as_role(database, "app"), autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("INSERT INTO ledger.leaves VALUES (9, 9, '')")


async def test_an_audit_of_an_untouched_ledger_finds_nothing(owner: AsyncConnection) -> None:
    assert await check(owner, SIGNER.origin, KEYS) == (0, 0, None, None, 0)
    await fill(owner, 2500)
    await seal_batch(owner)
    await sign(owner, SIGNER)
    await seal_batch(owner)
    await sign(owner, SIGNER)
    found = await check(owner, SIGNER.origin, KEYS)
    assert (found.events, found.sealed, found.difference) == (2500, 2000, None)
    assert found.checkpoint == await proofs.latest(owner)


TAMPERINGS = {
    "a changed event": (
        ["UPDATE ledger.events SET state = '{}' WHERE notification_id = 5"],
        "position 5 (t/session/s, version 5): is not what was sealed as leaf 4",
    ),
    "a moved time": (
        ["UPDATE ledger.events SET recorded_at = recorded_at - interval '1 microsecond' WHERE notification_id = 1"],
        "position 1 (t/session/s, version 1): is not what was sealed as leaf 0",
    ),
    "a time before its predecessor's": (
        ["UPDATE ledger.events SET recorded_at = recorded_at - interval '1 day' WHERE notification_id = 5"],
        "position 5 (t/session/s, version 5): recorded before position 4",
    ),
    "an event taken out": (
        ["DELETE FROM ledger.events WHERE notification_id = 5"],
        "position 5 was sealed as leaf 4, and its event is gone",
    ),
    "the last event taken out": (
        ["DELETE FROM ledger.events WHERE notification_id = 9"],
        "position 9 was sealed as leaf 8, and its event is gone",
    ),
    "an event in another's place": (
        [
            "DELETE FROM ledger.events WHERE notification_id = 9",
            "INSERT INTO ledger.events OVERRIDING SYSTEM VALUE VALUES ('t/session/x', 1, 'tag', '{}', 9, now())",
        ],
        "position 9 (t/session/x, version 1): is not what was sealed as leaf 8",
    ),
    "an event put into a gap": (
        ["UPDATE ledger.leaves SET position = 20 WHERE index = 8"],
        "position 9 (t/session/s, version 9): was put in after later events had been sealed",
    ),
    "a missing leaf": (["DELETE FROM ledger.leaves WHERE index = 3"], "leaf 3 is missing"),
    "a changed leaf": (
        ["UPDATE ledger.leaves SET hash = sha256('x') WHERE index = 3"],
        "position 4 (t/session/s, version 4): is not what was sealed as leaf 3",
    ),
    "a changed node": (
        ["UPDATE ledger.nodes SET hash = sha256('x') WHERE level = 2 AND index = 1"],
        "node 1 of level 2 is not what the leaves below it make",
    ),
    "a node too many": (
        ["INSERT INTO ledger.nodes VALUES (7, 7, sha256('x'))"],
        "the tree holds nodes that stand over no leaves",
    ),
    "a changed root": (
        ["UPDATE ledger.checkpoints SET root = sha256('x')"],
        "the checkpoint over 9 events has another root than their leaves",
    ),
    "a note about something else": (
        ["UPDATE ledger.checkpoints SET note = replace(note, '\n9\n', '\n8\n')"],
        "the checkpoint over 9 events bears no valid signature",
    ),
    "a note in shreds": (
        ["UPDATE ledger.checkpoints SET note = 'x'"],
        "the checkpoint over 9 events is no signed note",
    ),
    "a checkpoint over more than there is": (
        ["INSERT INTO ledger.checkpoints SELECT 12, position, root, note FROM ledger.checkpoints"],
        "a checkpoint was signed over 12 events, and there are leaves for 9",
    ),
}


@pytest.mark.parametrize(("statements", "said"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
async def test_an_audit_names_the_first_difference(owner: AsyncConnection, statements: list[str], said: str) -> None:
    await append(owner, *(("t/session/s", n) for n in range(1, 10)), state=b'{"event":{"type":"session.opened"}}')
    await seal_all(owner)
    await overwrite(owner, *statements)
    found = await check(owner, SIGNER.origin, KEYS)
    assert found.difference
    assert found.difference.startswith(said)


async def test_rewriting_everything_does_not_help_without_the_key(owner: AsyncConnection) -> None:
    await append(owner, ("t/session/s", 1), ("t/session/s", 2))
    await seal_all(owner)
    thief = Signer(SIGNER.origin, Ed25519PrivateKey.generate())
    await overwrite(
        owner, "DELETE FROM ledger.leaves", "DELETE FROM ledger.nodes", "DELETE FROM ledger.checkpoints",
        "UPDATE ledger.events SET state = '{}'",
    )  # fmt: skip
    await seal_batch(owner)
    await sign(owner, thief)
    found = await check(owner, SIGNER.origin, KEYS)
    assert found.difference == "the checkpoint over 2 events bears no valid signature for what it says"


async def hashes(conn: AsyncConnection, wanted: Iterable[tuple[str, int]]) -> list[bytes]:
    rows = {(row.stream, row.version): leaf(row) for row in await read_after(conn, 0, 1000)}
    return [rows[key] for key in wanted]


async def test_a_records_root_covers_all_streams_of_its_session_and_no_other(owner: AsyncConnection) -> None:
    own = [
        ("t/session/s1", 1), ("t/recording/s1.camera", 1), ("t/chat/s1", 1), ("t/session/s1", 2), ("t/incidents/s1", 1),
        ("t/intervention/s1.b", 1), ("t/intervention/s1.a", 1), ("t/record/s1", 1), ("t/recording/s1.screen", 1),
    ]  # fmt: skip
    others = [
        ("t/session/s10", 1), ("t/session/s", 1), ("u/session/s1", 1), ("t/recording/s10.camera", 1),
        ("t/schedule/s1", 1), ("t/recording/s1-x.camera", 1), ("t/intervention/s1", 1), ("t/recording/s1/x", 1),
    ]  # fmt: skip
    await append(owner, *own)
    last = await append(owner, *others)
    assert last == len(own) + len(others)
    found = await record_root(owner, "t", "s1")
    assert found.streams == {
        "t/chat/s1": 1, "t/incidents/s1": 1, "t/intervention/s1.a": 1, "t/intervention/s1.b": 1, "t/record/s1": 1,
        "t/recording/s1.camera": 1, "t/recording/s1.screen": 1, "t/session/s1": 2,
    }  # fmt: skip
    assert found.position == len(own)
    assert found.root == root(await hashes(owner, sorted(own)))


async def test_a_records_root_can_be_taken_again_later(owner: AsyncConnection) -> None:
    await append(owner, ("t/session/s1", 1), ("t/chat/s1", 1))
    then = await record_root(owner, "t", "s1")
    await append(owner, ("t/session/s1", 2), ("t/record/s1", 1))
    assert await record_root(owner, "t", "s1", then.streams) == then
    assert (await record_root(owner, "t", "s1")).root != then.root
    for wrong in ({"t/session/s1": 3}, {**then.streams, "t/record/s1": 2}, {}):
        with pytest.raises(NotCovered):
            await record_root(owner, "t", "s1", wrong)
    with pytest.raises(NotCovered):
        await record_root(owner, "t", "nobody")
