"""What is special to a folder of objects: full disks, folders that are gone, killed processes, and who can read it."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from commands.objects import FolderStore, ObjectStoreAway, probe


async def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put_new("before", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel refuses as a full disk does
    try:
        with pytest.raises(ObjectStoreAway, match="large"):
            await store.put_new("a/b", bytes(5000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        with pytest.raises(ObjectStoreAway, match="large"):
            await probe(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await store.list() == ("before",)
    assert not list((tmp_path / ".incoming").iterdir())
    await store.put_new("a/b", bytes(5000))


async def test_a_folder_that_is_gone_is_away_and_not_empty(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    await store.put_new("a", b"")
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    for call in (store.get("a"), store.put_new("b", b""), store.exists("a"), store.list(), store.delete("a")):
        with pytest.raises(ObjectStoreAway):
            await call
    (tmp_path / "elsewhere").rename(tmp_path / "objects")
    assert await store.list() == ("a",)


async def test_a_folder_that_cannot_be_made_is_away_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    store = FolderStore(tmp_path / "objects")
    with pytest.raises(ObjectStoreAway):
        await store.put_new("a", b"")
    (tmp_path / "objects").unlink()
    (tmp_path / "objects").mkdir()
    await store.put_new("a", b"")


async def test_what_a_killed_process_left_is_never_seen_and_goes_after_a_day(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put_new("a", b"")
    old, new = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    await store.put_new("b", b"")
    assert await store.list() == ("a", "b")
    assert new.exists()
    assert not old.exists()


async def test_only_the_owner_can_read_the_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    await store.put_new("a/b", b"")
    found = [tmp_path / "objects", *(tmp_path / "objects").rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in found} == {0}
    assert (await store.guards("a/b")).private
    (tmp_path / "objects" / "a" / "b").chmod(0o640)
    assert not (await store.guards("a/b")).private


async def test_a_folder_that_goes_while_something_is_put_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "objects")
    make = FolderStore._make_folder

    def late(self: FolderStore, folder: Path) -> None:
        if (tmp_path / "objects").exists():
            (tmp_path / "objects").rename(tmp_path / "elsewhere")
        make(self, folder)

    monkeypatch.setattr(FolderStore, "_make_folder", late)
    with pytest.raises(ObjectStoreAway, match="went away"):
        await store.put_new("t/a", b"")
    assert not (tmp_path / "objects").exists()
