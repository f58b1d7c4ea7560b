"""A real Chromium publishes H.264, and plays the MP4 that becomes of it: from the front, and from wherever it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace as replace_frame
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from domain.messages import Published, Watch
from media.clips import Clip, card_clip
from tests import chromium
from tests.media.hall import TENANT, Eventually, Hall, watch
from tests.media.loopback import served
from tests.media.tape import play, record
from tests.media.test_finalise import finalised, plaintext
from tests.media.test_loss import stored_finalised_and_played

pytestmark = pytest.mark.alone

LOOK = """async () => {
  const peer = (window.peer = new RTCPeerConnection());
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.addTransceiver("audio", { direction: "recvonly" });
  await peer.setLocalDescription(await peer.createOffer());
  return peer.localDescription.sdp;
}"""
SEEN = """async () => {
  const stats = await peer.getStats();
  const video = [...stats.values()].find((one) => one.type === "inbound-rtp" && one.kind === "video");
  const { framesDecoded, frameWidth, codecId } = video ?? {};
  return [framesDecoded ?? 0, frameWidth, stats.get(codecId)?.mimeType];
}"""
PLAYER = Path(__file__).with_name("play.html")
SECONDS = 8


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running(fps=15) as browser:
        yield browser


@pytest.fixture
async def player(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    (tmp_path / "play.html").write_bytes(PLAYER.read_bytes())
    page = await browser.new_page()
    await page.goto(f"file://{tmp_path}/play.html")
    yield page
    await page.close()


async def test_what_chromium_encoded_in_h264_is_in_the_finished_recording(
    browser: Browser, hall: Hall, session: str, tmp_path: Path, *, eventually: Eventually
) -> None:
    async with served(hall) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/#{session},H264")
        await page.get_by_role("button").click()
        await page.wait_for_function("window.published", timeout=30_000)
        await asyncio.sleep(SECONDS)
        await page.evaluate("stop()")
        await asyncio.sleep(1)
        sent = await page.evaluate("sent()")
        await page.evaluate("hangUp()")
        await page.close()
        for track in ("camera", "screen"):
            await eventually((hall.folder(session, track) / "ended.json").exists)
        recorded = {track: hall.segments(session, track) for track in ("camera", "screen")}
    for track, segments in recorded.items():
        assert {s.note.codec for s in segments} == {"H264"}
        seen = [watch(s.opened.plaintext) for s in segments]
        assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
        assert all(w.sizes == {(s.note.width, s.note.height)} for w, s in zip(seen, segments, strict=True))
        frames = sum(w.decoded["video"] for w in seen)
        print(f"{track}: {frames} of {sent[track]['frames']} frames recorded in {len(segments)} segments")
        assert frames >= 0.99 * sent[track]["frames"] > SECONDS
    played = watch(await stored_finalised_and_played(hall.settings.spool, tmp_path / "objects", session))
    assert played.monotonic
    assert played.decoded == played.packets
    assert played.decoded["video"] == sum(s.note.frames for s in recorded["camera"])


async def test_chromium_watches_h264(player: Page, hall: Hall, session: str, *, clip_h264: Clip, tone: Clip) -> None:
    async with hall.publisher(session, "camera", clip_h264, tone) as publisher:
        await publisher.connected()
        await asyncio.sleep(0.5)
        offer = await player.evaluate(LOOK)
        reply = await hall.ask(Watch(tenant=TENANT, session=session, track="camera", viewer="one", sdp=offer))
        assert isinstance(reply, Published), reply
        await player.evaluate("sdp => peer.setRemoteDescription({ type: 'answer', sdp })", reply.sdp)
        for _ in range(100):
            frames, width, codec = await player.evaluate(SEEN)
            if frames > 20:
                break
            await asyncio.sleep(0.1)
        assert (frames > 20, width, codec) == (True, 640, "video/H264")


async def test_chromium_plays_the_mp4_seeks_in_it_and_keeps_its_gap(
    player: Page, tmp_path: Path, *, clip_h264: Clip, tone: Clip
) -> None:
    small = card_clip(4, width=320, height=240, codec="H264")
    first = record(play(clip_h264, 12) + play(tone, 12))
    shrunk = [replace_frame(f, ticks=f.ticks + 720_000) for f in play(small, 8, start_s=30)]
    second = record(play(clip_h264, 8, start_s=22) + shrunk + play(tone, 16, start_s=22), connection=2)
    (tmp_path / "film.mp4").write_bytes(plaintext(finalised(first, second)))
    film = await player.evaluate("load('film.mp4')")
    assert film == {"duration": pytest.approx(38, abs=0.2), "width": 640, "height": 480}
    whole = await player.evaluate("playFor(3)")
    print(whole)
    assert whole["played"] == pytest.approx(3, abs=0.7)
    assert whole["frames"] > 30
    assert whole["sound"] > 0
    for second_, begins, size in ((35, 35, (320, 240)), (3, 3, (640, 480)), (17, 12, (640, 480)), (25, 25, (640, 480))):
        shown = await player.evaluate(f"at({second_})")
        assert (shown["width"], shown["height"]) == size, second_
        assert shown["mediaTime"] == pytest.approx(begins, abs=0.2)
    await player.evaluate("at(10)")
    over = await player.evaluate("playFor(4)")
    print(over)
    assert over["played"] == pytest.approx(4, abs=0.7), "the gap is played as time"
