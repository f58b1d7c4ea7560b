"""Duty and triage on the staff's page, in a real Chromium."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam, sit
from tests.api.test_live import flag
from tests.api.test_pages import a_page, browser, signed_in  # noqa: F401 - `browser` is a fixture

V1 = "/api/v1"


async def test_an_invigilator_comes_on_duty_looks_after_an_incident_and_hands_over(
    hall: Hall,
    browser: Browser,  # noqa: F811
) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    for role in ("invigilator", "lead_invigilator"):
        await hall.as_a(role, f"{role}.on.the.page@example.org")  # type: ignore[arg-type]
        who = hall.user(f"{role}.on.the.page@example.org")
        await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json={"user": who})
    async with a_page(browser) as page, a_page(browser) as other:
        await signed_in(page, exam, "invigilator@example.org")
        await expect(page.locator("#alarm")).to_have_text("Nobody is on duty, and 1 session is under way.")
        await page.get_by_role("button", name="Come on duty", exact=True).click()
        await expect(page.locator("#alarm")).to_be_hidden()
        await expect(page.locator("#on-duty")).to_contain_text("1 candidate")

        await flag(exam, 0, "dutyflag")
        log = page.locator("#incidents")
        await log.get_by_role("button", name="Take").click()
        await expect(log).to_contain_text("taken by you")
        await log.get_by_label("Note").fill("He will not answer.")
        await log.get_by_role("button", name="To the lead").click()
        await expect(log).to_contain_text("escalated by you")
        await expect(log.get_by_role("button", name="Take")).to_be_hidden()

        await signed_in(other, exam, "lead_invigilator.on.the.page@example.org")
        theirs = other.locator("#incidents")
        await expect(theirs).to_contain_text("escalated by The invigilator")
        await theirs.get_by_role("button", name="Take").click()
        await expect(log).to_contain_text("taken by The lead_invigilator")
        await theirs.get_by_role("button", name="Set aside").click()
        await expect(log).to_contain_text("set aside by The lead_invigilator")
        await expect(page.get_by_role("row").filter(has_text="Candidate 0")).not_to_contain_text("▲")

        await page.get_by_label("Hand over to").select_option("The lead_invigilator")
        await page.get_by_role("button", name="Offer").click()
        offered = other.get_by_role("list", name="Hand-overs")
        await expect(offered).to_contain_text("The invigilator → you")
        await offered.get_by_role("button", name="Accept").click()
        await expect(other.locator("#on-duty").get_by_text("You")).to_be_visible()
        await expect(page.get_by_role("button", name="Come on duty", exact=True)).to_be_visible(timeout=15000)
