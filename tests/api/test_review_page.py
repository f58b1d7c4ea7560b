"""The reviewer's page in a real Chromium: the records of an exam, a decision and a note."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.api.hall import Hall
from tests.api.test_pages import a_page, browser, signed_in
from tests.api.test_reviews import reviewed

__all__ = ["browser"]


async def test_a_reviewer_decides_and_notes_on_a_page(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    await hall.as_a("reviewer")
    async with a_page(browser) as page:
        await signed_in(page, exam, "reviewer@example.org")
        await page.get_by_role("button", name="Candidate 0").click()
        await expect(page.get_by_text("Nobody has decided.")).to_be_visible()
        await page.get_by_label("Decision", exact=True).select_option("void")
        await page.get_by_label("on the ground of").select_option("fault")
        await page.get_by_label("Reason", exact=True).fill("The <b>recording</b> broke off.")
        await page.get_by_role("button", name="Decide").click()
        await expect(page.locator("#decisions")).to_contain_text("void, a fault: The <b>recording</b> broke off.")
        await expect(page.locator("#records tbody")).to_contain_text("void")
        await page.get_by_label("Another note").fill("See the day's report.")
        await page.get_by_role("button", name="Note it").click()
        await expect(page.locator("#record-notes")).to_contain_text("See the day's report.")
