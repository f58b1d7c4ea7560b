"""Hundreds of random changes of ledger and export: each is found, and nothing is found where nothing was changed.

The seed is fixed, so that what is found today is found tomorrow; `VIGIL_SEED` takes another.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from commands.audit import check
from commands.notary import seal_batch
from tests.vigil.export.conftest import a_world
from tests.vigil.export.sitting import OTHER, SIGNER, sit_an_exam
from tests.vigil.export.spoiling import lines, rewrite, sign_again
from vigil.verify import Check

TIMES = 25  # changes of each kind
CONTROLS = 200
EVENTS, PROOFS = "events.jsonl", "proofs.jsonl"


@pytest.fixture
def dice() -> random.Random:
    return random.Random(os.environ.get("VIGIL_SEED", "2026"))


def a_byte(data: bytes, dice: random.Random) -> bytes:
    """With one bit of one byte changed."""
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


# Changes of an export. Where the operator could sign it anew, they do.


def byte_of_a_file(folder: Path, dice: random.Random) -> None:
    file = dice.choice(sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "verify.py"))
    file.write_bytes(a_byte(file.read_bytes(), dice))


def byte_of_a_segment(folder: Path, dice: random.Random) -> None:
    file = dice.choice(sorted(folder.rglob("*.sealed")))
    file.write_bytes(a_byte(file.read_bytes(), dice))
    sign_again(folder)


def byte_of_an_event(folder: Path, dice: random.Random) -> None:
    rows = lines(folder, EVENTS)
    row = dice.choice(rows)
    row["state"] = b64encode(a_byte(b64decode(row["state"]), dice)).decode()
    rewrite(folder, EVENTS, rows)
    sign_again(folder)


def swapped_pair(folder: Path, dice: random.Random) -> None:
    """Two events change places, with their proofs, or just what they say."""
    events, proofs = lines(folder, EVENTS), lines(folder, PROOFS)
    one, other = sorted(dice.sample(range(len(events)), 2))
    if dice.random() < 0.5:
        for rows in (events, proofs):
            rows[one], rows[other] = rows[other], rows[one]
    else:
        events[one]["state"], events[other]["state"] = events[other]["state"], events[one]["state"]
    rewrite(folder, EVENTS, events)
    rewrite(folder, PROOFS, proofs)
    sign_again(folder)


def dropped_tail(folder: Path, dice: random.Random) -> None:
    """The end of a stream that a seal covers, and the manifest says that it never was longer."""
    events, proofs = lines(folder, EVENTS), lines(folder, PROOFS)
    seals = [json.loads(b64decode(row["state"]))["event"] for row in events if row["tag"] == "record.sealed"]
    covers = seals[-1]["streams"]
    stream = dice.choice(sorted(name for name, last in covers.items() if last > 1))
    left = dice.randrange(1, covers[stream])
    keep = [row["stream"] != stream or row["version"] <= left for row in events]
    kept = [row for row, stays in zip(events, keep, strict=True) if stays]
    rewrite(folder, EVENTS, kept)
    rewrite(folder, PROOFS, [*(p for p, stays in zip(proofs, keep, strict=False) if stays), *proofs[len(events) :]])
    ends = {row["stream"]: {"last": row["version"], "position": row["position"]} for row in kept}
    streams = json.loads((folder / "manifest.json").read_text())["streams"]
    sign_again(folder, streams={name: ends[name] for name in streams if name in ends})


def renumbering(folder: Path, dice: random.Random) -> None:
    """Another version, position or leaf for one event and all behind it.

    Of positions only the order is proven (docs/export-format.md), so that who holds the key may shift them all.
    """
    rows = lines(folder, EVENTS)
    field, start = dice.choice(["version", "position", "index"]), dice.randrange(len(rows))
    step = dice.choice([-1, 1, 7])
    stream = rows[start]["stream"]
    for row in rows[start:]:
        if field != "version" or row["stream"] == stream:
            row[field] += step
    rewrite(folder, EVENTS, rows)
    if field == "position":
        return
    ends = {row["stream"]: {"last": row["version"], "position": row["position"]} for row in rows}
    streams = json.loads((folder / "manifest.json").read_text())["streams"]
    sign_again(folder, streams={name: ends[name] for name in streams})


def forged_proof(folder: Path, dice: random.Random) -> None:
    rows = lines(folder, PROOFS)
    row = dice.choice([row for row in rows if row["path"]])
    part = dice.randrange(len(row["path"]))
    match dice.randrange(3):
        case 0:
            row["path"][part] = b64encode(a_byte(b64decode(row["path"][part]), dice)).decode()
        case 1:
            del row["path"][part]
        case _:
            row["path"].insert(part, b64encode(dice.randbytes(32)).decode())
    rewrite(folder, PROOFS, rows)
    sign_again(folder)


def another_key(folder: Path, dice: random.Random) -> None:
    """Whole, and signed by somebody else: manifest, and mostly the checkpoint too."""
    if dice.random() < 0.8:
        origin, size, root, *_ = (folder / "checkpoint").read_text().split("\n")
        assert origin == OTHER.origin
        (folder / "checkpoint").write_text(OTHER.note(int(size), b64decode(root)))
    sign_again(folder, OTHER)


def recomputed_hashes(folder: Path, dice: random.Random) -> None:
    """An event says something else, its stream is sealed to say so, and everything is signed anew with the same key.

    The checkpoint is made to be over another root, as a thief of the key would, and the other proofs stay.
    """
    byte_of_an_event(folder, dice)
    origin, size, *_ = (folder / "checkpoint").read_text().split("\n")
    assert origin == SIGNER.origin
    root = dice.randbytes(32)
    (folder / "checkpoint").write_text(SIGNER.note(int(size), root))
    said = json.loads((folder / "manifest.json").read_text())["checkpoint"]
    sign_again(folder, checkpoint={**said, "root": b64encode(root).decode()})


OF_AN_EXPORT: tuple[Callable[[Path, random.Random], None], ...] = (
    byte_of_a_file, byte_of_a_segment, byte_of_an_event, swapped_pair, dropped_tail, renumbering, forged_proof,
    another_key, recomputed_hashes,
)  # fmt: skip


@pytest.mark.parametrize("change", OF_AN_EXPORT, ids=lambda change: change.__name__)
def test_each_change_of_an_export_is_found(
    made: Path, tmp_path: Path, dice: random.Random, change: Callable[[Path, random.Random], None]
) -> None:
    missed = 0
    for number in range(TIMES):
        folder = Path(shutil.copytree(made, tmp_path / str(number)))
        change(folder, dice)
        missed += not Check(folder).run(SIGNER.fingerprint).failures
        shutil.rmtree(folder)
    print(f"{change.__name__}: {TIMES - missed} of {TIMES} found")
    assert missed == 0


def test_nothing_is_found_in_an_export_that_nobody_changed(made: Path, tmp_path: Path, dice: random.Random) -> None:
    """Copied, with what does not matter about files changed: when they were written, and who may read them."""
    wrong = 0
    for number in range(CONTROLS // 2):
        folder = Path(shutil.copytree(made, tmp_path / str(number)))
        for file in (path for path in folder.rglob("*") if path.is_file()):
            os.utime(file, (dice.randrange(1 << 30),) * 2)
            file.chmod(dice.choice([0o600, 0o644, 0o444]))
        wrong += bool(Check(folder).run(SIGNER.fingerprint).failures)
        shutil.rmtree(folder)
    print(f"untouched exports: {wrong} of {CONTROLS // 2} called wrong")
    assert wrong == 0


# Changes of the ledger itself, by somebody with the rights of the database's owner.

Change = Callable[[AsyncConnection, random.Random], Awaitable[None]]
TABLES = ("events", "leaves", "nodes", "checkpoints")


@pytest.fixture(scope="module")
async def owner(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AsyncConnection]:
    """A sealed ledger, with a copy of its tables to bring it back from."""
    database = new_database()
    async with (
        a_world(database, tmp_path_factory.mktemp("objects")) as world,
        await AsyncConnection.connect(database, autocommit=True) as conn,
    ):
        await sit_an_exam(world)
        await world.notarise()
        await conn.execute("SET session_replication_role = replica")
        for table in TABLES:
            await conn.execute(f"CREATE TEMP TABLE {table}_whole AS SELECT * FROM ledger.{table}")
        yield conn


async def whole_again(owner: AsyncConnection) -> None:
    for table in TABLES:
        await owner.execute(f"DELETE FROM ledger.{table}")
        await owner.execute(f"INSERT INTO ledger.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {table}_whole")


async def some(owner: AsyncConnection, dice: random.Random, many: int = 1) -> list[int]:
    """Positions of so many events."""
    cursor = await owner.execute("SELECT notification_id FROM ledger.events ORDER BY 1")
    return sorted(dice.sample([row[0] async for row in cursor], many))


async def byte_of_a_row(owner: AsyncConnection, dice: random.Random) -> None:
    (at,) = await some(owner, dice)
    cursor = await owner.execute("SELECT state FROM ledger.events WHERE notification_id = %s", (at,))
    ((state,),) = await cursor.fetchall()
    await owner.execute(
        "UPDATE ledger.events SET state = %s WHERE notification_id = %s", (a_byte(bytes(state), dice), at)
    )


async def rows_swapped(owner: AsyncConnection, dice: random.Random) -> None:
    one, other = await some(owner, dice, 2)
    await owner.execute(
        "UPDATE ledger.events e SET state = o.state FROM ledger.events o WHERE (e.notification_id, o.notification_id)"
        " IN ((%s, %s), (%s, %s))",
        (one, other, other, one),
    )


async def tail_of_the_ledger(owner: AsyncConnection, dice: random.Random) -> None:
    (at,) = await some(owner, dice)
    await owner.execute("DELETE FROM ledger.events WHERE notification_id >= %s", (at,))


async def row_taken(owner: AsyncConnection, dice: random.Random) -> None:
    (at,) = await some(owner, dice)
    await owner.execute("DELETE FROM ledger.events WHERE notification_id = %s", (at,))


async def row_renamed(owner: AsyncConnection, dice: random.Random) -> None:
    """Another stream, version, type or time for one event."""
    (at,) = await some(owner, dice)
    to = dice.choice(
        [
            "originator_id = originator_id || 'x'", "originator_version = originator_version + 100",
            "topic = topic || 'x'", "recorded_at = recorded_at + interval '1 microsecond'",
        ]
    )  # fmt: skip
    await owner.execute(f"UPDATE ledger.events SET {to} WHERE notification_id = %s", (at,))


async def tree_to_match(owner: AsyncConnection, dice: random.Random) -> None:
    """A changed event, and a tree that was built anew over it: all that can be done without the signing key."""
    await byte_of_a_row(owner, dice)
    await owner.execute("DELETE FROM ledger.nodes")
    await owner.execute("DELETE FROM ledger.leaves")
    while (await seal_batch(owner)).events:
        pass


OF_THE_LEDGER: tuple[Change, ...] = (
    byte_of_a_row, rows_swapped, tail_of_the_ledger, row_taken, row_renamed, tree_to_match,
)  # fmt: skip


@pytest.mark.parametrize("change", OF_THE_LEDGER, ids=lambda change: change.__name__)
async def test_each_change_of_the_ledger_is_found(owner: AsyncConnection, dice: random.Random, change: Change) -> None:
    missed = 0
    try:
        for _ in range(TIMES):
            await change(owner, dice)
            found = await check(owner, SIGNER.origin, [SIGNER.public])
            missed += found.difference is None
            await whole_again(owner)
    finally:
        await whole_again(owner)
    print(f"{change.__name__}: {TIMES - missed} of {TIMES} found")
    assert missed == 0


async def test_nothing_is_found_in_a_ledger_that_nobody_changed(owner: AsyncConnection) -> None:
    wrong = 0
    for _ in range(CONTROLS // 2):
        await whole_again(owner)
        wrong += (await check(owner, SIGNER.origin, [SIGNER.public])).difference is not None
    print(f"untouched ledgers: {wrong} of {CONTROLS // 2} called wrong")
    assert wrong == 0
