"""Help on the pages, in a real Chromium: a hand that goes up at any step, and a queue for invigilators."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam, sit
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, tile, turn_to


async def test_a_hand_goes_up_before_the_exam_and_under_a_cover_and_is_answered(
    hall: Hall,
    browser: Browser,
) -> None:
    exam = await an_exam(hall)
    session = exam.sessions[0]
    async with a_page(browser) as page, a_page(browser) as staff:
        await at_the_wall(staff, exam)
        await turn_to(staff, "Help")
        await expect(staff.locator("#no-help")).to_be_visible()
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
        await page.locator("#help-head").click()
        await page.get_by_label("I need help with").select_option("technical")
        await page.get_by_label("In a few words").fill("No camera <b>here</b>.")
        await page.get_by_role("button", name="Raise my hand").click()
        await expect(page.locator("#help-head")).to_have_text("Hand is up")

        queue = staff.locator("#help-queue")
        await expect(queue).to_contain_text("No camera <b>here</b>.")
        await expect(staff.get_by_role("tab", name="Help")).to_have_text("Help 1")
        await expect(tile(staff)).to_contain_text(re.compile(r"Hand is up:\s+technical"))
        await queue.get_by_role("button", name="Take").click()
        await expect(queue).to_contain_text("taken by you")
        await expect(page.locator("#help-said")).to_contain_text("An invigilator deals with it.")
        await queue.get_by_label("Answer to the candidate").fill("Plug it in.")
        await queue.get_by_role("button", name="Done").click()
        await expect(page.locator("#help-said")).to_contain_text("Answered: Plug it in.")
        await expect(staff.locator("#no-help")).to_be_visible()

        await sit(exam)
        warn = {"kind": "warn", "text": "Please look at your own screen."}
        assert (await exam.invigilator.post(f"/api/v1/sessions/{session}/interventions", json=warn)).status_code == 201
        await expect(page.locator("#cover")).to_be_visible()
        await page.get_by_label("I need help with").select_option("question")
        await page.get_by_role("button", name="Raise my hand").click()
        await expect(queue).to_contain_text("question")
        await page.get_by_role("button", name="Take my hand down").click()
        await expect(staff.locator("#no-help")).to_be_visible()
