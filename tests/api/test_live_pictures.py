"""Watching live in a real Chromium: a candidate's page sends camera and screen, an invigilator's page shows both."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from media.worker import MediaWorker
from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_pages import a_media_worker, browser, media
from tests.web.looking import a_page
from tests.web.seat import runs_the_checks, sits
from tests.web.walls import at_the_wall, focus

__all__ = ["browser", "media"]

pytestmark = pytest.mark.alone

TIMES = "() => ['camera', 'screen'].map((name) => document.getElementById(`live-${name}`).currentTime)"
MOVES = """(before) => ['camera', 'screen'].every((name, n) => {
  const video = document.getElementById(`live-${name}`);
  return video.videoWidth && video.currentTime > before[n] + 1;
})"""


async def test_an_invigilator_sees_camera_and_screen_live_also_when_the_candidate_comes_again(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as candidate, a_page(browser) as page:
        await candidate.goto(link(exam))
        await sits(candidate)
        await at_the_wall(page, exam)
        await focus(page)
        asked = time.monotonic()
        for track in ("camera", "screen"):
            await expect(page.locator(f"#live-{track}-state")).to_have_text(f"{track}: live", timeout=10_000)
        print(f"camera and screen are shown {time.monotonic() - asked:.2f} s after the click")
        assert len(media.viewers) == 2
        await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=15_000)

        asked_again: list[str] = []
        page.on("request", lambda request: asked_again.append(request.url) if "/whep/" in request.url else None)
        await candidate.get_by_label("Your message").fill("Is there paper?")
        await candidate.get_by_role("button", name="Send").click()
        await expect(page.locator("#chat")).to_contain_text("Is there paper?")
        await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=15_000)
        assert asked_again == [], "what else changes about a candidate leaves their video alone"

        await candidate.reload()
        await runs_the_checks(candidate, "Go back to the exam")
        await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=15_000)
        await page.get_by_role("link", name="Vigil").click()
        async with asyncio.timeout(10):
            while len(media.viewers):
                await asyncio.sleep(0.05)


async def test_both_pages_go_over_to_another_media_process_when_theirs_is_told_to_stop(
    hall: Hall, browser: Browser, tmp_path: Path
) -> None:
    exam = await an_exam(hall)
    async with AsyncExitStack() as stack:
        open_until = {name: await stack.enter_async_context(AsyncExitStack()) for name in ("one", "two")}
        workers = [
            await until.enter_async_context(a_media_worker(hall, name, tmp_path / name))
            for name, until in open_until.items()
        ]
        candidate, page = [await stack.enter_async_context(a_page(browser)) for _ in range(2)]
        await candidate.goto(link(exam))
        await sits(candidate)
        await at_the_wall(page, exam)
        await focus(page)
        await page.wait_for_function(MOVES, arg=[0, 0], timeout=20_000)
        leaves, stays = sorted(workers, key=lambda worker: worker.holds, reverse=True)
        assert (leaves.holds, stays.holds) == (2, 0)
        await leaves.drain(15)
        assert (leaves.holds, stays.holds) == (0, 2)
        for track in ("camera", "screen"):
            await expect(candidate.locator(f"#{track}-state")).to_have_text("● recording")
        await open_until[leaves.settings.worker].aclose()
        async with asyncio.timeout(20):
            while len(stays.viewers) < 2:
                await asyncio.sleep(0.05)
        await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=20_000)


async def test_an_invigilator_is_with_the_candidate_again_within_seconds_when_a_media_process_is_gone_without_a_word(
    hall: Hall, browser: Browser, tmp_path: Path
) -> None:
    """The browser alone would take eight seconds to notice; the candidate's new connection tells it sooner."""
    exam = await an_exam(hall)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(a_media_worker(hall, name, tmp_path / name)) for name in ("a", "b")]
        candidate, page = [await stack.enter_async_context(a_page(browser)) for _ in range(2)]
        await candidate.goto(link(exam))
        await sits(candidate)
        await at_the_wall(page, exam)
        await focus(page)
        await page.wait_for_function(MOVES, arg=[0, 0], timeout=20_000)
        gone, other = sorted(workers, key=lambda worker: worker.holds, reverse=True)
        for task in gone._lasting:
            task.cancel()
        gone._port.close()
        gone._port.close = lambda: None  # it cannot be closed again
        died = time.monotonic()
        async with asyncio.timeout(20):
            while other.holds < 2:
                await asyncio.sleep(0.02)
            publishing = time.monotonic() - died
            while len(other.viewers) < 2:
                await asyncio.sleep(0.02)
        watching = time.monotonic() - died
        print(f"the candidate is with another process after {publishing:.1f} s, who watches after {watching:.1f} s")
        assert watching < publishing + 4
        await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=20_000)
