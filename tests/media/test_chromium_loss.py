"""A real Chromium publishes camera, microphone and screen over a network that loses packets on the way to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from media import worker
from tests import chromium
from tests.media.hall import Eventually, new_settings, open_hall, watch
from tests.media.loopback import served
from tests.media.lossy import LossyNetwork
from tests.media.test_loss import stored_finalised_and_played

pytestmark = pytest.mark.alone

LOSSY_S, CLEAN_S, LAST_S = 10, 1.5, 1.0


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running(fps=15) as browser:
        yield browser


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "at_least"), [(0.05, 0.99), (0.2, 0.9)])
async def test_what_chromium_encoded_is_in_the_recording_though_packets_are_lost(
    nats_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    browser: Browser,
    session: str,
    eventually: Eventually,
    loss: float,
    at_least: float,
) -> None:
    network = LossyNetwork(incoming=loss, outgoing=0.0)
    monkeypatch.setattr(worker, "open_socket", network.open_socket)
    async with open_hall(new_settings(nats_url, tmp_path)) as hall, served(hall) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/#{session}")
        await page.get_by_role("button").click()
        await page.wait_for_function("window.published", timeout=30_000)
        await asyncio.sleep(LOSSY_S)
        lost, passed = network.lost, network.passed
        network.incoming = 0.0  # the last packet is followed by none, so that nobody could tell that it was lost
        await asyncio.sleep(CLEAN_S)
        await page.evaluate("stop()")
        await asyncio.sleep(LAST_S)
        sent = await page.evaluate("sent()")
        await page.evaluate("hangUp()")
        await page.close()
        for track in ("camera", "screen"):
            await eventually((hall.folder(session, track) / "ended.json").exists)
        recorded = {track: hall.segments(session, track) for track in ("camera", "screen")}
    print(f"\n{lost} of {lost + passed} packets lost; sent: {sent}")
    for track, segments in recorded.items():
        seen = [watch(s.opened.plaintext) for s in segments]
        assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
        frames = sum(w.decoded["video"] for w in seen)
        share = frames / sent[track]["frames"]
        print(f"{track}: {frames} of {sent[track]['frames']} frames recorded at {loss:.0%} loss: {share:.1%}")
        assert sent[track]["frames"] > LOSSY_S
        assert share >= at_least, track
    assert all(s.note.sounds for s in recorded["camera"])
    played = watch(await stored_finalised_and_played(hall.settings.spool, tmp_path / "objects", session))
    assert played.monotonic
    assert played.decoded == played.packets
    assert played.decoded["video"] == sum(s.note.frames for s in recorded["camera"])
