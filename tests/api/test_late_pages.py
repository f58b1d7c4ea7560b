"""The candidate's page and the server when no media gets through for a while: stills, and then what was missing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from domain.late import missing
from media.worker import MediaWorker
from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_bad_network import TRACKS, media, network, seconds, tape_of
from tests.api.test_local_copy_page import HELD
from tests.api.test_pages import browser
from tests.media.lossy import LossyNetwork
from tests.web.looking import a_page
from tests.web.seat import sits

__all__ = ["browser", "media", "network"]


@pytest.mark.slow
async def test_stills_come_while_no_media_does_and_the_rest_after_the_exam_also_when_the_page_is_loaded_again(
    hall: Hall, browser: Browser, media: MediaWorker, network: LossyNetwork
) -> None:
    hall.clock.ahead = timedelta(minutes=-2)  # it is put forward by as much, and then it is that of the media
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await page.goto(link(exam))
        await sits(page)
        await page.wait_for_timeout(5000)
        network.cut = True
        for track in TRACKS:
            words = "pictures only: your network is slow"
            await expect(page.locator(f"#{track}-state")).to_have_text(words, timeout=40_000)
        await page.wait_for_timeout(10_000)
        network.cut = False
        for track in TRACKS:
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=30_000)
        await page.route(
            "**/late/**", lambda route: route.abort() if route.request.method == "PUT" else route.continue_()
        )
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        said = page.locator("#copy-end")
        await expect(said).to_contain_text(re.compile(r"Still being sent: \d+ s of your camera"), timeout=30_000)
        await page.unroute("**/late/**")
        await page.reload()
        await expect(said).to_contain_text(re.compile("Still being sent|is being checked"), timeout=30_000)
        done = "All that your device held of your recording has arrived. You can close this page."
        await expect(said).to_have_text(done, timeout=60_000)
        assert await page.evaluate(HELD) == []
    for track in TRACKS:
        tape = await tape_of(exam, track)
        gone = seconds((gap.started_at, gap.ended_at) for gap in tape.gaps)
        left = seconds(missing(tape))
        print(f"{track}: {gone:.1f} s were missing and {left:.1f} s are; {len(tape.stills)} stills")
        assert gone > 15
        assert left < 0.1 * gone
        assert any(gap.started_at <= still.at <= gap.ended_at for gap in tape.gaps for still in tape.stills)
