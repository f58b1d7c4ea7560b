"""Several media processes: one is killed with its publishers, who are with another within seconds, by themselves."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import nats
import psutil
import pytest
from nats.aio.msg import Msg

from domain.messages import MediaBeat
from tests.e2e.exam import Exam, Row, under_way, until
from tests.e2e.installation import Installation
from tests.e2e.test_faults import _every_segment_is_there, _gaps

pytestmark = pytest.mark.slow

SEATS = 10  # each with a camera and a screen
FLOWS_S = 1.5  # a track without a picture for longer is not there


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    place = Installation(tmp_path / "home", VIGIL_MEDIA_PROCESSES="2")
    await place.start()
    try:
        await place.ready()
        yield place
    finally:
        await place.stop()


async def test_who_published_to_a_process_that_was_killed_is_with_another_within_seconds(place: Installation) -> None:
    async with under_way(place, SEATS) as exam, asyncio.timeout(180):
        beats: dict[str, tuple[float, MediaBeat]] = {}

        async def heard(message: Msg) -> None:
            beat = msgspec.msgpack.decode(message.data, type=MediaBeat)
            beats[beat.worker] = time.monotonic(), beat

        client = await nats.connect(place.settings().nats_url)
        await client.subscribe("vigil.beat", cb=heard)
        try:
            while _flowing(beats) < 2 * SEATS:
                await asyncio.sleep(0.1)
            worker, held = Counter({name: len(beat.tracks) for name, (_, beat) in beats.items()}).most_common(1)[0]
            theirs = {track.session for track in beats[worker][1].tracks}
            await asyncio.sleep(8)  # a segment or two
            psutil.Process(int(worker.rpartition("-")[2])).kill()
            killed = time.monotonic()
            del beats[worker]
            while _flowing(beats, but=worker) < 2 * SEATS:
                await asyncio.sleep(0.05)
            took = time.monotonic() - killed
        finally:
            await client.close()
        print(f"{held} of {2 * SEATS} publishers were with another process {took:.1f} s after theirs was killed")
        assert took < 20, "nobody waits for a time-out of their browser"
        await _holds(exam, theirs)
    await _every_segment_is_there(place)


async def _holds(exam: Exam, theirs: set[str]) -> None:
    """Each of them has one gap in each track, and nobody else has any, nor an incident."""
    await exam.candidates.all("submit", SEATS)

    async def complete() -> list[Row] | None:
        rows = [await exam.account(session) for session in exam.sessions]
        done = all(one["object_key"] for row in rows for one in row["recordings"].values())
        return rows if done and all(row["seals"] and row["seals"][-1]["kind"] == "complete" for row in rows) else None

    for row in await until("complete records", complete, 60) or []:
        gaps = [gap["why"] for gap in _gaps(row)]
        assert gaps == (["worker_lost"] * 2 if row["session"] in theirs else []), row["session"]
        assert not row["incidents"], "a fault is no conduct"


def _flowing(beats: dict[str, tuple[float, MediaBeat]], but: str = "") -> int:
    """How many tracks there are whose pictures come, by beats of the last seconds."""
    now = time.monotonic()
    fresh = [beat for at, beat in beats.values() if now - at < 2 and beat.worker != but]
    tracks = {(one.session, one.track) for beat in fresh for one in beat.tracks if one.quiet_s < FLOWS_S}
    return len(tracks)
