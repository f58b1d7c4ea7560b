"""NATS goes away in the middle of an exam: commands and streams go on, media waits, readiness says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.hall import a_hall, an_exam, sit
from tests.api.reading import Reader
from vigil.embedded import Servers
from vigil.embedded.nats import run_nats
from vigil.settings import load


async def test_an_exam_goes_on_without_nats(
    servers: Servers, new_database: Callable[[], str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    away = ExitStack()
    request.addfinalizer(away.close)
    url = away.enter_context(run_nats(tmp_path))
    own = {"DATABASE_URL": new_database(), "OBJECTS_URL": (tmp_path / "objects").as_uri(), "NATS_URL": url}
    settings = load(servers.environment() | {f"VIGIL_{name}": value for name, value in own.items()})
    async with a_hall(settings) as hall:
        exam = await an_exam(hall)
        session = await sit(exam)
        at, live = f"/api/v1/sessions/{session}", f"/api/v1/schedules/{exam.schedule}/live/stream"
        async with Reader(exam.invigilator, live) as wall, Reader(exam.candidates[0], f"{at}/stream") as mine:
            await wall.next("snapshot")
            await mine.next("snapshot")
            away.close()
            async with asyncio.timeout(5):
                while hall.core.nats.is_connected:
                    await asyncio.sleep(0.05)

            sent = await exam.candidates[0].post(f"{at}/messages", json={"text": "Is anybody there?"})
            assert sent.status_code == 201
            # That NATS is away is told to the candidate as well, sooner or later than this.
            assert (await mine.until("message", within_s=3)).data["text"] == "Is anybody there?"
            async with asyncio.timeout(4):
                while not any(patch["set"].get("unread") for patch in (await wall.next("change")).data):
                    pass
            paused = await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})
            assert paused.status_code == 201

            offer = {
                "content": "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
                "headers": {"Content-Type": "application/sdp"},
            }
            published = await exam.candidates[0].post(f"{at}/whip/camera", **offer)
            assert published.status_code == 503
            assert published.headers["retry-after"] == "2"
            ready = await hall.http.get("/readyz")
            assert ready.status_code == 503
            assert {"name": "nats", "ok": False, "found": "away"} in ready.json()["checks"]
            assert (await hall.http.get("/healthz")).status_code == 200
