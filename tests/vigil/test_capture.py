"""The roles `media` and `frames` end when their worker can do its work no longer: whoever started them begins again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from media.frames import FramesWorker
from media.port import open_socket
from media.worker import MediaWorker
from vigil import capture
from vigil.embedded.nats import run_nats
from vigil.wiring import Core, NotRunning


async def test_a_process_whose_worker_cannot_go_on_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_: object) -> None:
        raise RuntimeError("whatever it is")

    monkeypatch.setattr(MediaWorker, "_beat", breaks)
    monkeypatch.setattr(FramesWorker, "_work", breaks)
    with run_nats(tmp_path) as url:
        settings = SimpleNamespace(
            media_ip="127.0.0.1", media_bind="127.0.0.1", media_port=(0, 0), nats_url=url, home=tmp_path
        )
        core = cast("Core", SimpleNamespace(settings=settings, keys=None))
        for role in (capture.media, capture.frames):
            with pytest.raises(RuntimeError, match="whatever"):
                await asyncio.wait_for(role(core), 10)


async def test_a_media_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with run_nats(tmp_path) as url, open_socket("127.0.0.1", 0) as there:
        port = there.getsockname()[1]
        settings = SimpleNamespace(
            media_ip="127.0.0.1", media_bind="127.0.0.1", media_port=(port, port), nats_url=url, home=tmp_path
        )
        core = cast("Core", SimpleNamespace(settings=settings, keys=None))
        with pytest.raises(NotRunning, match=f"UDP port {port} of 127.0.0.1: Address already in use; see VIGIL_MEDIA"):
            await asyncio.wait_for(capture.media(core), 10)
