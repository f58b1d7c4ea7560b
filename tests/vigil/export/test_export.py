"""Exports are repeatable, can be interrupted, and tell what is not there any more."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.keys import KeyRing
from commands.objects import ObjectStoreAway
from commands.proofs import NotCovered, covering
from domain import recording
from domain.recorded import Envelope, Recorded
from tests.vigil.export.sitting import OTHER, SIGNER, World
from tests.vigil.export.spoiling import (
    SEGMENT,
    failures,
)
from vigil.export import pack
from vigil.export_media import items
from vigil.settings import as_role
from vigil.verify import Check


async def test_the_same_ledger_gives_the_same_bytes(world: World, made: Path, tmp_path: Path) -> None:
    await world.export(tmp_path / "export")
    pack(made, tmp_path / "one.zip")
    pack(tmp_path / "export", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_packed_export_verifies_when_it_is_unpacked(made: Path, tmp_path: Path) -> None:
    pack(made, tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        archive.extractall(tmp_path)
    assert failures(tmp_path / "export") == ""


async def test_an_older_checkpoint_gives_the_export_as_it_was_then(world: World, tmp_path: Path) -> None:
    first = await covering(world.conn, 1)
    assert first
    told = await world.export(tmp_path / "export", size=first.size)
    assert told.seal is None
    assert failures(tmp_path / "export") == ""
    assert any("not sealed yet" in remark for remark in Check(tmp_path / "export").run().remarks)


async def test_an_interrupted_export_goes_on_where_it_stopped(world: World, made: Path, tmp_path: Path) -> None:
    folder, away = tmp_path / "export", world.objects._root.with_name("away")
    told = []

    async def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 7:
            world.objects._root.rename(away)

    with pytest.raises(ObjectStoreAway):
        await world.export(folder, progress=progress)
    away.rename(world.objects._root)
    assert not (folder / "manifest.json").exists()
    kept = (folder / SEGMENT).stat().st_mtime_ns
    (folder / "media" / "screen.webm.part").write_bytes(b"half")
    (folder / "media" / "camera.webm").write_bytes(b"wrong")
    await world.export(folder)
    assert failures(folder) == ""
    assert (folder / SEGMENT).stat().st_mtime_ns == kept
    assert told[-1] == (7, 17)


async def test_a_folder_with_something_else_in_it_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"precious\.txt"):
        await world.export(tmp_path)


async def test_a_session_that_is_not_there_has_no_export(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotCovered):
        await world.export(tmp_path, session="nobody")
    with pytest.raises(NotCovered):
        await world.export(tmp_path, size=99_999)


async def test_after_a_change_of_keys_both_sign_the_checkpoint(world: World, tmp_path: Path) -> None:
    await world.export(tmp_path / "export", signer=OTHER)
    assert failures(tmp_path / "export", OTHER.fingerprint) == ""
    assert any("other signatures, not checked here" in remark for remark in Check(tmp_path / "export").run().remarks)


async def test_media_that_changed_in_the_store_is_exported_and_found(world: World, tmp_path: Path) -> None:
    root = world.objects._root
    film, segment, picture = (next(root.rglob(f"*{part}*")) for part in ("recording-", "0001-000003", "i1-fedcba"))
    before = {path: path.read_bytes() for path in (film, segment, picture)}
    for path, data in before.items():
        path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:] if len(data) > 201 else data[:-1])
    try:
        await world.export(tmp_path / "export")
    finally:
        for path, data in before.items():
            path.write_bytes(data)
    found = failures(tmp_path / "export")
    assert len(found.splitlines()) == 3, found
    for name in (r"\.webm, named by", r"0001-000003.webm.sealed, named by", r"i1-fedcba9876543210.jpg, named by"):
        assert re.search(name, found), found


async def test_an_erased_person_leaves_a_proof_that_stands(
    world: World, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(as_role(new_database(), "keys"), open=False)
    async with pool:
        await world.export(tmp_path / "export", keys=KeyRing(pool, bytes(32)))  # a key ring in which nobody is known
    check = Check(tmp_path / "export").run(SIGNER.fingerprint)
    assert check.failures == []
    assert any("private fields not shown" in remark for remark in check.remarks)
    assert sum("the key of this person's media has been destroyed" in remark for remark in check.remarks) == 16
    page = (tmp_path / "export" / "report.html").read_text()
    assert "Ola" not in page
    assert "(erased)" in page


async def test_an_object_that_is_gone_is_told(world: World, tmp_path: Path) -> None:
    picture = next(world.objects._root.rglob("i1-fedcba*"))
    data = picture.read_bytes()
    picture.unlink()
    try:
        await world.export(tmp_path / "export")
    finally:
        picture.write_bytes(data)
    check = Check(tmp_path / "export").run(SIGNER.fingerprint)
    assert check.failures == []
    assert any("the object store no longer has it" in remark for remark in check.remarks)


def test_a_recording_that_was_finished_again_has_two_files() -> None:
    first, again = (
        recording.Finalised(object_key=name, bytes=9, sha256=name * 32, duration_s=1, frames=1, segments=n)
        for n, name in enumerate(("aa", "bb"), 1)
    )
    envelope = Envelope(actor="system/upload", command="c")
    told = [
        Recorded(n, "main/recording/s1.camera", n, datetime(2026, 6, 1, tzinfo=UTC), envelope, body)
        for n, body in enumerate((first, again), 1)
    ]
    assert [item.file for item in items(told)] == [f"media/camera-{'aa' * 8}.webm", "media/camera.webm"]
    in_h264 = [t._replace(body=replace(t.body, object_key=f"{n}.mp4.sealed")) for n, t in enumerate(told)]
    assert [item.file for item in items(in_h264)] == [f"media/camera-{'aa' * 8}.mp4", "media/camera.mp4"]
