"""Twice as many candidates as a core has room for: how late incidents are told, and whether anything piles up.

A detector worker as it runs, with a real NATS server between it and another process, which sends a picture of each
candidate every two seconds. Under overload each candidate is looked at less often, the newest picture first.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from bench.looking import USUAL, jpegs, session
from bench.processes import process
from bench.seats import eventful, key_frames
from bench.sittings import EVERY_S
from detectors import load
from detectors.changes import Change, Opened
from detectors.outbox import Outbox
from detectors.pipeline import Pipeline
from detectors.settings import Settings
from detectors.worker import Worker
from domain.incidents import Provenance
from domain.messages import Picture
from media.bus import connect
from vigil.embedded.nats import run_nats

LASTS_S = 60.0
AT_MOST_S = 6.0
COURSE = 30  # samples, in which everybody is away once and in company once


class Heard(msgspec.Struct):
    """What a run came to. `waiting` holds, for each second, the pictures that waited to be looked at.

    `said_so` is of how many sessions it was told that most samples are lost, as it must be where they are.
    """

    late_s: list[float] = []
    waiting: list[int] = []
    undelivered: int = 0
    said_so: int = 0
    looked: int = 0
    due: int = 0


def rows(pipeline: Pipeline, room: float) -> list[dict[str, object]]:
    """Rows for `bench/__main__.py`; `room` is how many candidates a core has room for. Takes more than a minute.

    Where other work leaves us less than a core there is less room, by the clock, and the crowd is smaller.
    """
    room = min(room, _room_now(pipeline))
    crowd = max(2, round(2 * room))
    with tempfile.TemporaryDirectory() as home, run_nats(Path(home)) as url:
        heard = asyncio.run(_hold(url, pipeline, crowd))
    note = (
        f"{crowd} candidates for {room:.0f}, each looked at every {EVERY_S * heard.due / max(1, heard.looked):.1f} s;"
        f" {len(heard.late_s)} incidents in {LASTS_S:.0f} s of wall time, so other load on the machine counts"
    )
    quarters = [round(float(np.mean(part)), 1) for part in np.array_split(heard.waiting, 4)]
    return [
        {
            "name": "twice the load: from the picture that settles an incident to its being told, p95, against 6 s",
            **_late(heard.late_s), "unit": "s", "goal": "<=1", "note": note,
        },
        {
            "name": "twice the load: pictures that wait at most, against one for each candidate",
            "value": max(heard.waiting), "unit": "pictures", "baseline": crowd,
            "ratio": round(max(heard.waiting) / crowd, 2), "goal": "<=1",
            "note": f"{quarters} waited in the quarters of the time; {heard.undelivered} deliveries left at the end;"
            f" of {heard.said_so} candidates it was told that most samples are lost",
        },
    ]  # fmt: skip


def _room_now(pipeline: Pipeline) -> float:
    """How many candidates could be looked at in time, by the clock, in these seconds."""
    pictures = jpegs(key_frames(eventful(COURSE, every=COURSE)))
    began = time.perf_counter()
    session(pipeline, pictures, gated=True)
    return EVERY_S * len(pictures) / (time.perf_counter() - began)


def _late(late_s: list[float]) -> dict[str, object]:
    if not late_s:
        return {}
    p95 = float(np.percentile(late_s, 95))
    return {"value": round(p95, 2), "baseline": AT_MOST_S, "ratio": round(p95 / AT_MOST_S, 2)}


async def _hold(url: str, pipeline: Pipeline, crowd: int) -> Heard:
    """The worker's side. The first seconds, in which everybody is new, count too."""
    heard, outbox = Heard(), Outbox()

    async def settings(_tenant: str, _session: str) -> Settings:
        return USUAL

    async def changed(_tenant: str, _session: str, change: Change, _shot: bytes | None, _from: Provenance) -> None:
        if isinstance(change, Opened):
            heard.late_s.append((datetime.now(UTC) - change.at).total_seconds())

    async def fault(_tenant: str, session: str, detector: str, why: str | None) -> None:
        if detector in load.NAMES.values():
            heard.said_so += why is not None
            return
        raise RuntimeError(f"{detector} failed on {session}: {why}")

    nats = await connect(url, "bench")
    worker = Worker(nats, pipeline, settings=settings, changed=changed, fault=fault, outbox=outbox)
    running = asyncio.create_task(worker.run())
    try:
        await nats.flush()
        with process("bench.overload", url, crowd, LASTS_S):
            for _ in range(int(LASTS_S)):
                await asyncio.sleep(1.0)
                heard.waiting.append(len(worker._sampler._waiting))  # noqa: SLF001 - nobody else asks
        heard.undelivered = outbox.waiting
        for number in range(crowd):
            counts = worker.coverage("bench", str(number)).get("out_of_view")
            if counts is not None:
                heard.due += counts.due
                heard.looked += counts.taken + counts.cannot_tell
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await nats.close()
    return heard


async def _send(url: str, crowd: int, lasts_s: float) -> None:
    """The other side: everybody's pictures, evenly over each two seconds, each candidate at their own place."""
    pictures = jpegs(key_frames(eventful(COURSE, every=COURSE)))
    nats, clock = await connect(url, "bench pictures"), asyncio.get_running_loop()
    began = clock.time()
    for turn in range(int(crowd * lasts_s / EVERY_S)):
        await asyncio.sleep(max(0.0, began + turn * EVERY_S / crowd - clock.time()))
        number = turn % crowd
        picture = Picture(
            tenant="bench", session=str(number), track="camera", at=datetime.now(UTC), width=640, height=480,
            jpeg=pictures[(number * 7 + turn // crowd) % COURSE], thumbnail=b"",
        )  # fmt: skip
        await nats.publish(f"vigil.picture.{number}.camera", msgspec.msgpack.encode(picture))
    await nats.close()


if __name__ == "__main__":
    from detectors import runtime

    runtime.prepare()
    asyncio.run(_send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
