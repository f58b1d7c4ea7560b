"""The candidate's page, from the link to the receipt: for everybody at every step, and on a network that goes away."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from media.worker import MediaWorker
from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_bad_network import cut_off, media, network
from tests.api.test_live_pictures import runs_the_checks, sits
from tests.api.test_pages import browser
from tests.media.lossy import LossyNetwork
from tests.web.looking import a_page, violations
from tests.web.seat import a_seat, sitting
from tests.web.walk import DESK, views

__all__ = ["browser", "media", "network"]

AWAY_S = 20
BEYOND = "document.documentElement.scrollWidth > innerWidth"


async def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in each colour scheme at each size."""
    found: list[str] = []
    async for view in views(page):
        if await page.evaluate(BEYOND):
            found.append(f"{view}: beyond the edge of the screen")
        found += [f"{view}: {one}" for one in await violations(page)]
    return found


@pytest.mark.slow
async def test_every_step_is_there_for_everybody(hall: Hall, browser: Browser, media: MediaWorker) -> None:
    exam = await a_seat(hall)
    wrong: list[str] = []
    async with a_page(browser, viewport=DESK) as page:
        async for stop in sitting(page, exam):
            wrong += [f"{stop}: {one}" for one in await faults(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
async def test_a_network_that_goes_away_is_said_and_nothing_is_lost_or_doubled(
    hall: Hall, browser: Browser, media: MediaWorker, network: LossyNetwork
) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with a_page(browser) as page:
        away, chat = page.locator("#away"), page.locator("#chat")
        await page.goto(link(exam))
        await sits(page)

        async def meanwhile() -> None:
            await expect(away).to_contain_text(re.compile(r"For 0:00:(0[3-9]|1\d)\."))
            await expect(away).to_contain_text("is not held against you")
            await expect(page.locator("#connection")).to_contain_text("trying again by itself")
            await page.get_by_label("Your message").fill("Are you there?")
            await page.get_by_role("button", name="Send").click()
            await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
            await exam.invigilator.post(f"{at}/messages", json={"text": "We see that you are cut off."})
            await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})

        await cut_off(page, network, AWAY_S, meanwhile)
        await expect(away).to_be_hidden(timeout=15_000)
        await expect(page.locator("#back")).to_have_text("The connection is back, and your exam goes on.")
        await expect(page.get_by_role("alertdialog")).to_contain_text("Your exam is paused")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await expect(page.get_by_label("Your message")).to_have_value("Are you there?")
        await page.get_by_role("button", name="Send").click()
        await expect(chat.get_by_role("listitem")).to_have_count(2)
        for track in ("camera", "screen"):
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=40_000)
        view = (await exam.candidates[0].get(f"{at}/view")).json()
        assert [one["text"] for one in view["messages"]] == ["We see that you are cut off.", "Are you there?"]
        assert [(one["action"], one["stage"]) for one in view["interventions"]] == [
            ("pause", "applied"),
            ("resume", "applied"),
        ]

        await page.reload()
        await runs_the_checks(page, "Go back to the exam")
        await expect(chat.get_by_role("listitem")).to_have_count(2)
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        log = page.locator("#happened").get_by_role("listitem")
        await expect(log).to_contain_text(["You began.", "pause.", "resume.", "2 messages in the chat.", "submitted."])
