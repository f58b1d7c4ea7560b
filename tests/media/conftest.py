"""A hall for each test, and clips to publish, encoded once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from media.clips import Clip, card_clip, screen_clip, sound_clip
from tests.media.hall import Eventually, Hall, new_number, new_settings, open_hall


@pytest.fixture
async def hall(nats_url: str, tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_hall(new_settings(nats_url, tmp_path)) as opened:
        yield opened


@pytest.fixture
def session() -> str:
    return f"session-{new_number()}"


@pytest.fixture(scope="session")
def card() -> Clip:
    """Four seconds of camera."""
    return card_clip()


@pytest.fixture(scope="session")
def clip_h264() -> Clip:
    """Four seconds of camera in H.264."""
    return card_clip(codec="H264")


@pytest.fixture(scope="session")
def tone() -> Clip:
    return sound_clip(hertz=440)


@pytest.fixture(scope="session")
def page() -> Clip:
    """Six seconds of screen."""
    return screen_clip()


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Waits until something holds."""

    async def wait(holds: Callable[[], bool], within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not holds():
                await asyncio.sleep(0.02)

    return wait
