"""Consent, checks that are tried, and a check that is waived, on the pages, in a real Chromium."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_consents import an_exam_that_asks
from tests.api.test_pages import browser  # noqa: F401 - fixtures, asked for by name
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, focus

NO_CAMERA = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))"


async def test_a_candidate_tries_their_devices_agrees_and_takes_it_back_in_the_exam(
    hall: Hall,
    browser: Browser,  # noqa: F811
) -> None:
    exam = await an_exam_that_asks(hall)
    async with a_page(browser) as page:
        await page.goto(link(exam))
        await page.get_by_role("button", name="Try my devices").click()
        await expect(page.locator("#rehearsal")).to_contain_text("Mbit/s can be sent", timeout=15_000)
        await page.get_by_role("button", name="I have read this and go on").click()
        await expect(page.locator("#consents")).to_contain_text("to let a program point things out?")
        await page.get_by_role("button", name="Yes").click()
        await expect(page.get_by_role("heading", name="System check")).to_be_visible()
        await page.reload()
        await page.get_by_role("button", name="Run the checks").click()
        await page.get_by_role("button", name="Start the exam").click(timeout=15_000)
        await page.get_by_role("button", name="Take it back").click()
        await expect(page.locator("#agreed")).to_contain_text("You did not agree; it is off.")
        await expect(page.locator("#allowed")).to_contain_text("Not looked for: out of view, several people.")
    async with a_page(browser) as staff:
        await at_the_wall(staff, exam)
        await focus(staff)
        await expect(staff.locator("#agreed")).to_have_text("Did not agree that a program points things out.")


async def test_who_declines_reads_what_they_can_do_instead(
    hall: Hall,
    browser: Browser,  # noqa: F811
) -> None:
    exam = await an_exam_that_asks(hall)
    async with a_page(browser) as page:
        await page.goto(link(exam))
        await page.get_by_role("button", name="I do not want this").click()
        await expect(page.get_by_role("heading", name="You declined this exam")).to_be_visible()
        await expect(page.locator("#end-text")).to_contain_text("What you can do instead: An oral exam, in June.")


async def test_an_invigilator_waives_a_check_and_the_candidate_can_start(
    hall: Hall,
    browser: Browser,  # noqa: F811
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page, a_page(browser) as staff:
        await page.add_init_script(NO_CAMERA)
        await page.goto(link(exam))
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        await expect(page.locator("#checks")).to_contain_text(
            "Close other programs that use the camera", timeout=15_000
        )
        start = page.get_by_role("button", name="Start the exam")
        await expect(start).to_be_disabled()
        await page.get_by_role("button", name="Ask a person for help").click()
        await expect(page.locator("#help-said")).to_contain_text("Your hand is up")

        await at_the_wall(staff, exam)
        await focus(staff)
        await staff.get_by_text("A check that cannot pass").click()
        await staff.get_by_label("What is done instead").select_option("in_person")
        await staff.get_by_label("Why it cannot pass").fill("The camera broke this morning.")
        await staff.get_by_role("button", name="Waive it").click()
        await expect(staff.locator("#agreed")).to_have_text("Waived: camera (instead: in person).")
        await expect(start).to_be_enabled()
        await start.click()
        await expect(page.get_by_role("heading", name="Your exam is running")).to_be_visible()
