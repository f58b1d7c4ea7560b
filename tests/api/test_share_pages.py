"""In a real Chromium: what of a shared screen the browser itself tells, at the check and when the share is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from detectors.screens import Screens
from media.frames import FramesWorker
from media.worker import MediaWorker
from tests.api.hall import Exam, Hall, an_exam
from tests.api.test_pages import browser, media
from tests.api.test_signals import flags
from tests.web.looking import a_page
from vigil.detection import Findings

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
DRAWN = """
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const pen = canvas.getContext("2d");
  setInterval(() => {
    pen.fillStyle = "black";
    pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = "white";
    pen.font = "24px sans-serif";
    pen.fillText(window.written ?? "", 40, 60);
  }, 200);
  const stream = canvas.captureStream(5);
  stream.getVideoTracks()[0].getSettings = () => ({ displaySurface: "monitor" });
  return stream;
};
"""
STOPPED = """() => {
  const [track] = window.theScreen.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended")); // which the browser sends when its own button is pressed
}"""


@pytest.fixture
async def watched(hall: Hall, media: MediaWorker) -> AsyncIterator[None]:
    """Whoever decodes pictures, and whoever looks at screens, are there."""
    findings = Findings(hall.core)
    screens = Screens(hall.core.nats, told=findings.blank, fault=findings.fault)
    async with FramesWorker(hall.core.settings.nats_url):
        looking = asyncio.create_task(screens.run())
        yield
        looking.cancel()
        await asyncio.wait([looking])


async def checked(page: Page, exam: Exam, script: str) -> None:
    """Comes in with a browser in which this was run, and runs the checks."""
    await page.add_init_script(script)
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
        await checked(page, exam, SURFACE % surface)
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
        await checked(page, exam, SURFACE % "'monitor'")
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


@pytest.mark.slow
async def test_who_shares_a_black_screen_reads_what_helps_until_something_is_shown(
    hall: Hall, browser: Browser, watched: None
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await checked(page, exam, DRAWN)
        await page.get_by_role("button", name="Start the exam").click(timeout=15_000)
        await expect(page.locator("#screen-state")).to_have_text("● recording", timeout=15_000)
        told = page.locator("#guidance")
        await expect(told).to_contain_text("Your shared screen shows nothing: it is black.", timeout=60_000)
        await page.evaluate("window.written = 'Discuss the causes of the First World War in no more than 800 words.'")
        await expect(told).to_be_hidden(timeout=40_000)
        assert await flags(exam, exam.sessions[0]) == []
