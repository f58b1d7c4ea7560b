"""In a real Chromium: what of a shared screen the browser itself tells, at the check and when the share is ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from media.worker import MediaWorker
from tests.api.hall import Exam, Hall, an_exam
from tests.api.test_pages import a_page, browser, media
from tests.api.test_signals import flags

__all__ = ["browser", "media"]  # fixtures

SURFACE = """
const open = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getDisplayMedia = async (wanted) => {
  window.theScreen = await open(wanted);
  const [track] = window.theScreen.getVideoTracks();
  const settings = { ...track.getSettings(), displaySurface: %s };
  track.getSettings = () => settings;
  return window.theScreen;
};
"""
STOPPED = """() => {
  const [track] = window.theScreen.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended")); // which the browser sends when its own button is pressed
}"""


async def checked(page: Page, exam: Exam, surface: str) -> None:
    """Comes in, and runs the checks in a browser that tells this of what is shared."""
    await page.add_init_script(SURFACE % surface)
    await page.goto(f"{exam.hall.url}/join#{exam.links[0].partition('#')[2]}")
    await page.get_by_role("button", name="I have read this and go on").click()
    await page.get_by_role("button", name="Run the checks").click()


@pytest.mark.parametrize(
    ("surface", "told", "taken"),
    [
        ("'monitor'", "the whole screen is shared", True),
        ("'window'", "share the whole screen, not a window or a tab", False),
        ("'browser'", "share the whole screen, not a window or a tab", False),
        ("undefined", "a screen is shared; this browser does not tell whether it is the whole one", True),
    ],
)
async def test_a_window_is_not_taken_for_the_screen_where_the_browser_tells(
    hall: Hall, browser: Browser, surface: str, told: str, *, taken: bool
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await checked(page, exam, surface)
        await expect(page.locator('#checks [data-check="screen"]')).to_contain_text(told, timeout=15_000)
        await expect(page.locator('#checks [data-check="network"]')).to_be_visible(timeout=15_000)
        start = page.get_by_role("button", name="Start the exam")
        await (expect(start).to_be_enabled() if taken else expect(start).to_be_disabled())


async def test_a_share_that_is_stopped_is_pointed_out_once_and_over_when_it_is_shared_again(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)

    async def until(expected: list[tuple[str, bool]]) -> None:
        """Until these have been flagged, each going on or not, and nothing else."""
        found: list[Any] = []
        for _ in range(150):
            found = [(flag["kind"], flag["ended_at"] is None) for flag in await flags(exam, exam.sessions[0])]
            if found == expected:
                return
            await asyncio.sleep(0.2)
        assert found == expected

    async with a_page(browser) as page:
        await checked(page, exam, "'monitor'")
        await page.get_by_role("button", name="Start the exam").click(timeout=15_000)
        state = page.locator("#screen-state")
        await expect(state).to_have_text("● recording", timeout=15_000)
        await until([])
        await page.evaluate(STOPPED)
        await expect(state).to_have_text("stopped by you or your browser; reload this page")
        await until([("screen_share_stopped", True)])
        await page.reload()
        await page.get_by_role("button", name="Run the checks").click()
        await page.get_by_role("button", name="Go back to the exam").click(timeout=15_000)
        await expect(state).to_have_text("● recording", timeout=15_000)
        await until([("screen_share_stopped", False)])
