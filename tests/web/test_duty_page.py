"""Duty and triage on the invigilator's wall, in a real Chromium."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam, sit
from tests.api.test_live import flag
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, tile, turn_to

V1 = "/api/v1"


async def test_an_invigilator_comes_on_duty_looks_after_an_incident_and_hands_over(
    hall: Hall,
    browser: Browser,
) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    for role in ("invigilator", "lead_invigilator"):
        await hall.as_a(role, f"{role}.on.the.page@example.org")  # type: ignore[arg-type]
        who = hall.user(f"{role}.on.the.page@example.org")
        await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json={"user": who})
    async with a_page(browser) as page, a_page(browser) as other:
        await at_the_wall(page, exam, "invigilator@example.org")
        await expect(page.locator("#alarm")).to_have_text("Nobody is on duty, and 1 session is under way.")
        await turn_to(page, "On duty")
        await page.get_by_role("button", name="Come on duty", exact=True).click()
        await expect(page.locator("#alarm")).to_be_hidden()
        await expect(page.locator("#on-duty")).to_contain_text("1 candidate")

        await flag(exam, 0, "dutyflag")
        await turn_to(page, "Incidents")
        log = page.locator("#incidents")
        await log.get_by_role("button", name="Take").click()
        await expect(log).to_contain_text("taken by you")
        await log.get_by_role("button", name="several people").click()
        await log.get_by_label("Note").fill("He will not answer.")
        await log.get_by_role("button", name="To the lead").click()
        await expect(log).to_contain_text("escalated by you")
        await expect(log.get_by_role("button", name="Take")).to_be_hidden()

        await at_the_wall(other, exam, "lead_invigilator.on.the.page@example.org")
        theirs = other.locator("#incidents")
        await expect(theirs).to_contain_text("escalated by The invigilator")
        await theirs.get_by_role("button", name="Take").click()
        await expect(log).to_contain_text("taken by The lead_invigilator")
        await theirs.get_by_role("button", name="Set aside").click()
        await expect(page.locator("#log")).to_contain_text("set aside by The lead_invigilator")
        await expect(log).to_be_empty()
        await expect(tile(page)).not_to_contain_text("▲")

        await turn_to(page, "On duty")
        await page.get_by_label("Hand over to").select_option("The lead_invigilator")
        await page.get_by_role("button", name="Offer").click()
        await turn_to(other, "On duty")
        offered = other.get_by_role("list", name="Hand-overs")
        await expect(offered).to_contain_text("The invigilator → you")
        await offered.get_by_role("button", name="Accept").click()
        await expect(other.locator("#on-duty").get_by_text("You")).to_be_visible()
        await expect(page.get_by_role("button", name="Come on duty", exact=True)).to_be_visible(timeout=15000)
