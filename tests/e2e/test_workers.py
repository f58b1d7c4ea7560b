"""Several media processes: one is killed with its publishers, who are with another within seconds, by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import nats
import psutil
import pytest
from nats.aio.msg import Msg

from domain.messages import MediaBeat
from tests.e2e.exam import Exam, Row, under_way, until
from tests.e2e.installation import Installation, running
from tests.e2e.test_faults import _every_segment_is_there, _gaps

pytestmark = pytest.mark.slow

SEATS = 10  # each with a camera and a screen
FLOWS_S = 1.5  # a track without a picture for longer is not there


class Beats:
    """What the media processes say of themselves."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, MediaBeat]] = {}

    async def hear(self, message: Msg) -> None:
        beat = msgspec.msgpack.decode(message.data, type=MediaBeat)
        self._last[beat.worker] = time.monotonic(), beat

    async def fullest(self) -> tuple[str, set[str]]:
        """The process that holds most, and whose sessions, once all pictures come."""
        while self._flowing() < 2 * SEATS:
            await asyncio.sleep(0.1)
        worker, (_, beat) = max(self._last.items(), key=lambda one: len(one[1][1].tracks))
        return worker, {track.session for track in beat.tracks}

    async def flow_elsewhere(self, worker: str) -> float:
        """Seconds until the pictures of all come to other processes than this one."""
        began = time.monotonic()
        while self._flowing(but=worker) < 2 * SEATS:
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def _flowing(self, but: str = "") -> int:
        now = time.monotonic()
        fresh = [beat for at, beat in self._last.values() if now - at < 2 and beat.worker != but]
        return len({(one.session, one.track) for beat in fresh for one in beat.tracks if one.quiet_s < FLOWS_S})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    async with running(tmp_path / "home", VIGIL_MEDIA_PROCESSES="2") as place:
        yield place


@pytest.fixture
async def heard(place: Installation) -> AsyncIterator[Beats]:
    client, beats = await nats.connect(place.settings().nats_url), Beats()
    await client.subscribe("vigil.beat", cb=beats.hear)
    yield beats
    await client.close()


async def test_who_published_to_a_process_that_was_killed_is_with_another_within_seconds(
    place: Installation, heard: Beats
) -> None:
    async with under_way(place, SEATS) as exam, asyncio.timeout(180):
        worker, theirs = await heard.fullest()
        await asyncio.sleep(8)  # a segment or two
        psutil.Process(int(worker.rpartition("-")[2])).kill()
        took = await heard.flow_elsewhere(worker)
        print(f"{2 * len(theirs)} of {2 * SEATS} publishers were with another process {took:.1f} s after a kill")
        assert took < 20, "nobody waits for a time-out of their browser"
        await _holds(exam, theirs)
    await _every_segment_is_there(place)


async def test_a_process_that_is_told_to_stop_lets_its_candidates_go_over_without_a_gap(
    place: Installation, heard: Beats
) -> None:
    async with under_way(place, SEATS) as exam, asyncio.timeout(180):
        worker, theirs = await heard.fullest()
        await asyncio.sleep(8)
        psutil.Process(int(worker.rpartition("-")[2])).terminate()
        took = await heard.flow_elsewhere(worker)
        print(f"{2 * len(theirs)} of {2 * SEATS} publishers had gone over {took:.1f} s after the signal")
        await _holds(exam, set())
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
