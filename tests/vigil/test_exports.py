"""Exports: in the background one at a time, taken up again wherever they stopped; and by hand."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from zipfile import ZipFile

import click
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from api.export_jobs import Wanted
from commands import recordings
from commands.proofs import covered, record_root
from domain.record import Exported, Seal
from tests.vigil.hall import Hall, a_hall
from vigil import exports
from vigil.cli import cli
from vigil.export_media import Progress
from vigil.settings import Settings
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

    async def export_one(_: object, __: str, session: str, folder: Path, **___: object) -> None:
        running.append(session)
        at_once.append(len(running))
        await asyncio.sleep(0.05)
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text(session)
        running.remove(session)

    monkeypatch.setattr(exports, "export_one", export_one)
    for name in ("a", "b", "c"):
        await jobs.begin("main", name, Wanted(sessions=(f"of-{name}",), by="auditor"))
    for name in ("a", "b", "c"):
        size, digest = await _done(jobs, name)
        data = (tmp_path / "exports" / "main" / name / "export.zip").read_bytes()
        assert (size, digest) == (len(data), sha256(data).hexdigest())
    assert max(at_once) == 1


async def test_an_export_whose_folder_was_all_that_a_crash_left_is_made(
    jobs: exports.ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def export_one(_: object, __: str, ___: str, folder: Path, **____: object) -> None:
        folder.mkdir(parents=True)

    monkeypatch.setattr(exports, "export_one", export_one)
    (tmp_path / "exports" / "main" / "a").mkdir(parents=True)
    await jobs.begin("main", "a", Wanted(sessions=("s1",), by="auditor"))
    await _done(jobs, "a")


async def test_an_export_tells_how_far_it_is(jobs: exports.ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def export_one(
        _: object, __: str, session: str, folder: Path, *, progress: Progress, withheld: object
    ) -> None:
        assert withheld == ()
        folder.mkdir(parents=True)
        await progress(3, 7)
        if session == "s2":
            reached.set()
            await go_on.wait()

    monkeypatch.setattr(exports, "export_one", export_one)
    monkeypatch.setattr(exports, "put_together", lambda *_: None)
    cast("SimpleNamespace", jobs._core).signer = None
    await jobs.begin("main", "a", Wanted(sessions=("s1", "s2", "s3"), by="auditor"))
    async with asyncio.timeout(10):
        await reached.wait()
    status = await jobs.status("main", "a")
    assert status
    assert (status.state, status.sessions_done, len(status.sessions)) == ("running", 1, 3)
    assert (status.media_done, status.media) == (3, 7)
    go_on.set()
    await _done(jobs, "a")
    done = await jobs.status("main", "a")
    assert done
    assert (done.sessions_done, done.media) == (3, 0)


async def test_a_process_goes_on_by_itself_with_what_the_one_before_left_and_removes_what_is_old(
    jobs: exports.ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def export_one(_: object, __: str, session: str, folder: Path, **___: object) -> None:
        made.append(session)
        folder.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(exports, "export_one", export_one)
    await jobs.begin("main", "left", Wanted(sessions=("s1",), by="auditor"))
    await jobs.close()  # before it has begun
    old, odd = tmp_path / "exports" / "main" / "old", tmp_path / "exports" / "main" / "odd"
    for folder in (old, odd):
        folder.mkdir()
    (odd / "job.json").write_text("nothing that can be read")
    os.utime(old, (0, 0))
    after = exports.ExportJobs(jobs._core)
    after.start()
    try:
        async with asyncio.timeout(10):
            while b'"done"' not in (tmp_path / "exports" / "main" / "left" / "job.json").read_bytes():
                await asyncio.sleep(0.01)
    finally:
        await after.close()
    assert made == ["s1"]
    assert not old.exists()


async def _sealed(hall: Hall) -> str:
    session = await hall.sitting()
    await hall.submit(session)
    async with hall.core.pool.connection() as conn:
        root = await record_root(conn, "main", session)
        note = (await covered(conn, root.position)).note
    order = Seal(at=hall.clock(), owed=(), streams=root.streams, root=root.root.hex(), checkpoint=note, clock="unknown")
    await hall.say(partial(recordings.seal, session=session, order=order))
    return session


async def test_an_export_by_hand_is_on_the_record_and_in_itself(hall: Hall, tmp_path: Path) -> None:
    session, folder = await _sealed(hall), tmp_path / "export"
    said = await exports.write(hall.core.settings, "main", session, folder)
    (made,) = await hall.events(session, Exported)
    assert isinstance(made, Exported)
    assert (made.by, made.seal) == ("system/operator", 1)
    assert "record.exported" in (folder / "events.jsonl").read_text()
    assert said.endswith(f"vigil verify {folder} --key {hall.core.signer.fingerprint}")


async def test_several_sessions_are_one_file_that_one_check_goes_over(hall: Hall, tmp_path: Path) -> None:
    sessions = tuple([await _sealed(hall) for _ in range(2)])
    jobs = exports.ExportJobs(hall.core)
    await jobs.begin(
        "main", "all", Wanted(sessions=sessions, by="auditor", left_out={"s9": "its record is not sealed"})
    )
    await _done(jobs, "all")
    with ZipFile(hall.core.settings.home / "exports" / "main" / "all" / "export.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    result = CliRunner().invoke(cli, ["verify", str(folder), "--key", hall.core.signer.fingerprint])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "verified")
    assert "not in here: session s9: its record is not sealed" in result.output
    page = (folder / "index.html").read_text()
    assert all(f'href="{session}/report.html"' in page for session in sessions)
    assert page.count("Ada Lovelace") == 2


async def test_a_key_that_is_empty_is_not_no_key(hall: Hall, tmp_path: Path) -> None:
    session, folder = await _sealed(hall), tmp_path / "export"
    await exports.write(hall.core.settings, "main", session, folder)

    def verify(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["verify", str(folder), *options])
        return result.exit_code, result.output.splitlines()[-1]

    assert verify("--key", hall.core.signer.fingerprint) == (0, "verified")
    assert verify()[1].startswith("consistent, signer unknown")
    code, last = verify("--key", "")  # a variable of the shell that is not set
    assert code == 1
    assert last.startswith("FAILED")


async def test_what_cannot_be_exported_by_hand_is_said_in_one_line(hall: Hall, tmp_path: Path) -> None:
    settings, used = hall.core.settings, tmp_path / "used"
    used.mkdir()
    (used / "precious.txt").write_text("mine")
    going_on, session = await hall.sitting(), await _sealed(hall)
    for whose, into, why in (
        ("nobody", tmp_path / "new", "there is no session 'nobody'"),
        (going_on, tmp_path / "new", "the record is not sealed yet"),
        (session, used, r"holds precious\.txt"),
        (session, used / "precious.txt", "precious"),
    ):
        with pytest.raises(click.ClickException, match=why) as found:
            await exports.write(settings, "main", whose, into)
        assert "\n" not in found.value.message
    assert await hall.events(going_on, Exported) == []


async def test_an_export_by_hand_without_a_notary_says_so(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, home=tmp_path)
    async with a_hall(settings) as hall:
        session = await _sealed(hall)
    with pytest.raises(click.ClickException, match="the notary does not answer"):
        await exports.write(settings, "main", session, tmp_path / "export")
