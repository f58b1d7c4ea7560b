"""What is held outside ties an export to a history that nobody can write anew, and the export says who was told."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from commands import proofs
from domain.record import Viewed
from tests.vigil.export.conftest import a_world
from tests.vigil.export.sitting import SIGNER, World, at, sit_an_exam
from tests.vigil.export.spoiling import failures, lines, rewrite, sign_again
from tests.vigil.export.test_verify import said
from vigil.verify import Check

KEY = ("--key", SIGNER.fingerprint)


@pytest.fixture(scope="module")
async def told(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An exam of whose record a folder and a time-stamping authority were told."""
    async with a_world(new_database(), tmp_path_factory.mktemp("objects")) as world:
        await sit_an_exam(world)
        mark = await world.notarise()
        stamp = b"a stamp over " + sha256(mark.note.encode()).digest()
        for witness, answer in (("folder notes", b""), ("time stamp by tsa.example", stamp)):
            await world.conn.execute(
                "INSERT INTO ledger.witnessed (witness, size, answer) VALUES (%s, %s, %s)", (witness, mark.size, answer)
            )
        yield world


@pytest.fixture(scope="module")
async def witnessed(told: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("witnessed") / "export"
    await told.export(folder)
    return folder


@pytest.fixture
def export(witnessed: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(witnessed, tmp_path / "export"))


def receipt_of(folder: Path, seal: int = 0) -> dict[str, object]:
    """What the candidate took away at a seal."""
    seals = [row for row in lines(folder, "events.jsonl") if row["tag"] == "record.sealed"]
    body = json.loads(b64decode(seals[seal]["state"]))["event"]
    return {"session": "s1", "checkpoint": body["checkpoint"], "seal": {"number": body["number"], "root": body["root"]}}


def test_who_was_told_is_said_and_how_to_ask_them(witnessed: Path) -> None:
    code, text = said(witnessed, *KEY)
    assert code == 0
    assert text.endswith("verified\n")
    assert "folder notes was told of the first" in text
    assert "ask them for witness/checkpoint-" in text
    assert "openssl ts -verify -data witness/checkpoint-" in text
    assert "nothing from outside was given: see --outside" in text
    assert "no outside witness" not in text
    assert "time stamp by tsa.example was told of the first" in (witnessed / "report.html").read_text()


def test_a_note_that_was_kept_outside_agrees(witnessed: Path) -> None:
    (note,) = (witnessed / "witness").glob("*.note")
    code, text = said(witnessed, *KEY, "--outside", str(note))
    assert code == 0
    assert f"agrees with {note}" in text


def test_the_candidates_receipt_agrees(witnessed: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(receipt_of(witnessed)))
    code, text = said(witnessed, *KEY, "--outside", str(receipt))
    assert code == 0
    assert f"agrees with {receipt}" in text


async def test_a_rewrite_with_the_same_key_verifies_alone_and_not_beside_what_was_kept(
    witnessed: Path, new_database: Callable[[], str], tmp_path: Path
) -> None:
    """The same exam in another ledger, signed with the same key: all is well with it, but it is not what was kept."""
    async with a_world(new_database(), tmp_path / "objects") as world:
        await sit_an_exam(world)
        await world.export(tmp_path / "rewritten")
    code, text = said(tmp_path / "rewritten", *KEY)
    assert code == 0
    assert "no outside witness: whoever holds the signing key could have written all of this anew" in text
    (note,) = (witnessed / "witness").glob("*.note")
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(receipt_of(witnessed)))
    for kept in (note, receipt):
        code, text = said(tmp_path / "rewritten", *KEY, "--outside", str(kept))
        assert code == 1, text
        assert str(kept) in text


async def test_a_later_checkpoint_is_tied_by_a_proof_from_the_server(
    told: World, witnessed: Path, tmp_path: Path
) -> None:
    size = json.loads((witnessed / "manifest.json").read_text())["checkpoint"]["size"]
    note, proof = tmp_path / "later.note", tmp_path / "proof.json"
    await told.append(("t/record/s1", Viewed(by="user/rev", what="recording", at=at(6000))))
    newest = await told.notarise()
    note.write_text(newest.note)
    code, text = said(witnessed, *KEY, "--outside", str(note))
    assert code == 1
    assert (
        f"cannot be compared without the answer of GET /api/v1/proofs/consistency?old={size}&new={newest.size}" in text
    )
    path = await proofs.consistency(told.conn, size, newest.size)
    proof.write_text(json.dumps({"old": size, "new": newest.size, "path": [part.hex() for part in path]}))
    code, text = said(witnessed, *KEY, "--outside", str(note), "--outside", str(proof))
    assert code == 0, text
    assert f"agrees with {note}" in text


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("note", "report.html", "witness/manifest.jsonl"),
        ("answer", "checkpoint", "the time stamp is over something else"),
    ],
)
def test_what_was_told_is_checked(export: Path, member: str, value: str, named: str) -> None:
    rows = lines(export, "witness/manifest.jsonl")
    rows[1][member] = value
    rewrite(export, "witness/manifest.jsonl", rows)
    sign_again(export)
    assert named in failures(export)


def test_a_note_of_another_history_among_the_witnesses_is_found(export: Path) -> None:
    (note,) = (export / "witness").glob("*.note")
    size = int(note.stem.removeprefix("checkpoint-"))
    note.write_text(SIGNER.note(size, bytes(32)))
    sign_again(export)
    assert "of another history than the export's" in failures(export)


@pytest.mark.parametrize("content", ["", "{}", "[1]", "nothing of the kind", '{"checkpoint": 3}', '{"path": 1}'])
def test_rubbish_from_outside_fails_and_never_crashes(witnessed: Path, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "kept"
    kept.write_text(content)
    assert Check(witnessed).run(SIGNER.fingerprint, [kept]).failures
