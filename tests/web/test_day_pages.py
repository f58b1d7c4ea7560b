"""The day on the wall, in a real Chromium: an outage is declared, the lists are there, the report is signed."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam, sit
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, turn_to


async def test_a_lead_declares_an_outage_and_signs_the_day(
    hall: Hall,
    browser: Browser,
) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    lead = await hall.as_a("lead_invigilator", "lead@example.org")
    body = {"user": hall.user("lead@example.org")}
    assert (await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/invigilators", json=body)).is_success
    hall.clock.ahead += timedelta(minutes=20)
    async with a_page(browser) as staff:
        await at_the_wall(staff, exam, "lead@example.org")
        await turn_to(staff, "The day")
        await staff.get_by_text("Declare an outage").click()
        await staff.get_by_label("It lasted so many minutes").fill("10")
        await staff.get_by_label("Whose it was").select_option("power")
        await staff.get_by_label("Cause").fill("a fuse")
        await staff.get_by_label("What the candidates are told").fill("The power was out.")
        await staff.get_by_role("button", name="Declare").click()
        await expect(staff.locator("#day-said")).to_contain_text("has the time back")
        clock = (await exam.candidates[0].get(f"/api/v1/sessions/{session}")).json()["clock"]
        assert clock["extra_s"] in range(595, 606)

        await exam.candidates[0].post(f"/api/v1/sessions/{session}/submit")
        await staff.get_by_label("Sign the report").fill("A fuse blew.")
        await staff.get_by_role("button", name="Sign", exact=True).click()
        await expect(staff.locator("#day-said")).to_contain_text("Signed: version 1")
        page = await lead.get(await staff.locator("#day-page").get_attribute("href") or "")
        assert "A fuse blew." in page.text
        sheet = await lead.get(await staff.locator("#attendance-sheet").get_attribute("href") or "")
        assert "present" in sheet.text
