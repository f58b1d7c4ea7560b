"""Exports in the background: one at a time, and taken up again wherever they stopped."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from vigil import exports
from vigil.wiring import Core


async def _done(jobs: exports.ExportJobs, name: str) -> tuple[int, str]:
    async with asyncio.timeout(10):
        while (status := await jobs.status("main", name)) is None or status.state == "running":
            await asyncio.sleep(0.01)
    assert status.state == "done", status
    return status.size, status.sha256


@pytest.fixture
def jobs(tmp_path: Path) -> exports.ExportJobs:
    return exports.ExportJobs(cast("Core", SimpleNamespace(settings=SimpleNamespace(home=tmp_path))))


async def test_exports_take_turns_so_that_they_leave_the_front_door_its_connections(
    jobs: exports.ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[str] = []
    at_once: list[int] = []

    async def export_one(_: object, __: str, session: str, folder: Path) -> None:
        running.append(session)
        at_once.append(len(running))
        await asyncio.sleep(0.05)
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text(session)
        running.remove(session)

    monkeypatch.setattr(exports, "export_one", export_one)
    for name in ("a", "b", "c"):
        await jobs.begin("main", name, [f"of-{name}"], "auditor")
    for name in ("a", "b", "c"):
        size, digest = await _done(jobs, name)
        data = (tmp_path / "exports" / "main" / name / "export.zip").read_bytes()
        assert (size, digest) == (len(data), sha256(data).hexdigest())
    assert max(at_once) == 1


async def test_an_export_whose_folder_was_all_that_a_crash_left_is_made(
    jobs: exports.ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def export_one(_: object, __: str, ___: str, folder: Path) -> None:
        folder.mkdir(parents=True)

    monkeypatch.setattr(exports, "export_one", export_one)
    (tmp_path / "exports" / "main" / "a").mkdir(parents=True)
    await jobs.begin("main", "a", ["s1"], "auditor")
    await _done(jobs, "a")
