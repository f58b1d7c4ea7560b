"""An administrator sees which processes are there and how they keep up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from domain.messages import DetectorBeat, DetectorLoad, MediaBeat
from tests.api.hall import Hall, an_exam


async def test_an_administrator_sees_the_processes_the_read_models_and_the_last_checkpoint(hall: Hall) -> None:
    await an_exam(hall)
    admin = await hall.as_a("admin")
    now = datetime.now(UTC)
    hall.services.workers.heard(MediaBeat(worker="media-1", at=now, draining=True))
    hall.services.detectors.heard(DetectorBeat(worker="eyes", at=now, load=DetectorLoad(judged=7, late_s=0.4)))
    async with asyncio.timeout(20):
        while (told := (await admin.get("/api/v1/system")).json())["head"] is None:
            await asyncio.sleep(0.1)
    assert {"worker": "media-1", "tracks": 0, "draining": True} in told["media"]
    eyes = next(one for one in told["detectors"] if one["worker"] == "eyes")
    assert (eyes["judged"], eyes["late_s"], eyes["overloaded"]) == (7, 0.4, 0)
    assert "live" in {one["model"] for one in told["models"]}
    assert told["key_fingerprint"] == hall.services.key_fingerprint
    assert told["head"]["size"] > 0
