"""A process that dies in the middle of a large export: the next one finishes it, and fetches nothing twice."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
import zipfile
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from commands import recordings
from commands.keys import KeyName
from domain import recording
from domain.segment import Segment
from media.names import RecordingName, SegmentName
from media.sealing import SegmentSealer
from tests.vigil.hall import Hall
from tests.vigil.test_exports import _sealed
from vigil.exports import ExportJobs
from vigil.verify import Check

SEGMENTS, SOME = 300, 20


async def filmed(hall: Hall) -> str:
    """A sealed session with half an hour of one track, in segments."""
    session = await _sealed(hall)
    name = RecordingName("main", session, "screen")
    subject = (await hall.state(session)).subject
    key = await hall.core.keys.data_key(KeyName(subject, session, "media"))
    at = hall.clock()
    for number in range(1, SEGMENTS + 1):
        place = SegmentName(name, 1, number)
        sealer = SegmentSealer(key, place)
        stored = sealer.header + sealer.seal(os.urandom(20_000), end_ms=6000, frames=60, sounds=0, last=True)
        await hall.core.objects.put_new(place.object_key(), stored)
        began = at + timedelta(seconds=6 * number)
        segment = Segment(
            connection=1, number=number, started_at=began, ended_at=began + timedelta(seconds=6), bytes=len(stored),
            frames=60, sha256=sha256(stored).hexdigest(), object_key=place.object_key(), codec="VP8", width=640,
            height=480, complete=True,
        )  # fmt: skip
        await hall.say(partial(recordings.store_segment, name=name.text, order=recording.StoreSegment(segment=segment)))
    return session


async def test_an_export_goes_on_where_a_process_was_killed_without_anybody_asking(hall: Hall, tmp_path: Path) -> None:
    session = await filmed(hall)
    settings = tmp_path / "settings"
    settings.write_bytes(pickle.dumps(hall.core.settings))
    folder = hall.core.settings.home / "exports" / "main" / "big"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.vigil.interrupted_export", str(settings), session, cwd=Path(__file__).parents[2]
    )
    try:
        async with asyncio.timeout(60):
            while len(whole := list(folder.rglob("*.sealed"))) < SOME:
                assert child.returncode is None
                await asyncio.sleep(0.001)
    finally:
        child.send_signal(signal.SIGKILL)
        await child.wait()
    assert child.returncode == -signal.SIGKILL
    assert not (folder / "vigil-big" / "manifest.json").exists(), "it was in the middle of it"
    fetched = {path: path.stat().st_mtime_ns for path in whole}
    jobs = ExportJobs(hall.core)
    jobs.start()
    try:
        async with asyncio.timeout(60):
            while b'"state":"done"' not in (folder / "job.json").read_bytes():
                await asyncio.sleep(0.05)
    finally:
        await jobs.close()
    assert {path: path.stat().st_mtime_ns for path in whole} == fetched, "what was there was not fetched again"
    with zipfile.ZipFile(folder / "export.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    check = Check(tmp_path / "unpacked" / "vigil-big").run(hall.core.signer.fingerprint)
    assert check.failures == []
    assert len(list((tmp_path / "unpacked").rglob("*.sealed"))) == SEGMENTS
